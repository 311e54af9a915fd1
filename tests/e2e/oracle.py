#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same tree as the oracle: mmdebstrap and nodekiln install recipes/bench.yaml's base packages from the same mirror, and every
file is compared: type, permissions, owner, extended attributes, link target, content; dpkg's database with it.

ALLOWED lists every difference that may be, and why. A difference that is not listed fails the test, and so does a listed one that
does not occur. Owners are compared by name: Debian gives out some numbers in the order in which packages are configured.

Needs root. `oracle.py OURS THEIRS` only compares two trees that are there.
"""
import fnmatch
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import build_env

RECIPE = build_env.TOP / "recipes/bench.yaml"
TIMEOUT = 900


# How two contents may differ and still say the same.
def any_order(text):
    return sorted(text.splitlines())


def without_ids(text):
    """passwd, group and their like: by name, without the numbers that were given out in order."""
    return sorted(re.sub(rb":\d{3}(?=:)", b":N", line) for line in text.splitlines())


def without_dates(text):
    """shadow: the day of the last change is the day of the build."""
    return sorted(re.sub(rb"^([^:]*:[^:]*):\d+:", rb"\1:DAY:", line) for line in text.splitlines())


OURS, THEIRS, CONTENT, MODE = "only nodekiln has it", "only mmdebstrap has it", "content", "mode"

# (pattern, kind of difference, what must still be the same (a function of the content) or None, why)
ALLOWED = [
    ("dev/*", THEIRS, None, "mmdebstrap makes device nodes; in the guest the kernel's devtmpfs brings them, in a container the host"),
    ("etc/hostname", THEIRS, None, "mmdebstrap copies the host's name; an image has none until its first boot"),
    ("etc/.resolv.conf.systemd-resolved.bak", THEIRS, None, "systemd-resolved keeps the host's resolv.conf, which only mmdebstrap copied"),
    ("etc/fstab", THEIRS, None, "mmdebstrap writes an empty one; the disk's is written with the disk"),
    ("etc/apt/sources.list", THEIRS, None, "written by mmdebstrap itself; nodekiln writes it behind the packages"),
    ("etc/apt/apt.conf.d/99mmdebstrap", THEIRS, None, "mmdebstrap's --aptopt"),
    ("var/lib/apt/extended_states", THEIRS, None, "apt's marks of automatic installation: in an image no package may ever be autoremoved"),
    ("var/lib/apt/lists/*", THEIRS, None, "apt's indices; nodekiln's apt works outside the tree"),
    ("var/cache/apt/archives/lock", THEIRS, None, "apt's lock"),
    ("var/*/apt/*/partial", MODE, None, "apt closes its download directories when it first works inside the tree"),
    ("etc/machine-id", CONTENT, None, "random, made by systemd's postinst; mmdebstrap empties it, nodekiln does so when it seals the image"),
    ("etc/machine-id", MODE, None, "the same"),
    ("var/lib/dbus/machine-id", OURS, None, "a link to the above, which mmdebstrap removes; sealed away too"),
    ("etc/ssh/ssh_host_*", THEIRS, None, "host keys; nodekiln lets none be made"),
    ("boot/initrd.img-*", THEIRS, None, "nodekiln makes it once, when the last package is configured, and this base has none yet"),
    ("run/*", THEIRS, None, "made at every boot; nodekiln's scripts see an empty /run of the sandbox"),
    ("var/log/*.log", OURS, None, "dpkg's and update-alternatives' logs, which mmdebstrap removes; sealed away"),
    ("var/cache/ldconfig/aux-cache", OURS, None, "ldconfig's memory of inode numbers, which mmdebstrap removes; sealed away"),
    ("etc/passwd", CONTENT, without_ids, "ids in the order of configuration"),
    ("etc/passwd-", CONTENT, None, "the state before the last change; the last change depends on the order"),
    ("etc/group", CONTENT, without_ids, "ids in the order of configuration"),
    ("etc/group-", CONTENT, None, "as passwd-"),
    ("etc/shadow", CONTENT, without_dates, "lines in the order of configuration, and the day of the build"),
    ("etc/shadow-", CONTENT, None, "as passwd-"),
    ("etc/gshadow", CONTENT, any_order, "lines in the order of configuration"),
    ("etc/gshadow-", CONTENT, None, "as passwd-"),
    ("etc/shells", CONTENT, any_order, "lines in the order of configuration"),
    ("var/lib/dpkg/triggers/File", CONTENT, any_order, "lines in the order of unpacking"),
    ("var/lib/dpkg/status-old", CONTENT, None, "the state before the last change, which the order of configuration decides"),
    ("usr/lib/python3.*/encodings/__pycache__/*.pyc", CONTENT, None,
     "a .pyc depends in its details (which objects are shared) on what its interpreter had loaded before"),
]


def owners(tree):
    def names(file):
        return {int(f[2]): f[0] for f in (line.split(":") for line in (tree / "etc" / file).read_text().splitlines())}
    return names("passwd"), names("group")


def look(path, users, groups):
    """What of a file is compared."""
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    return {
        "type": kind,
        MODE: stat.S_IMODE(st.st_mode),
        "owner": (users.get(st.st_uid, st.st_uid), groups.get(st.st_gid, st.st_gid)),
        "xattrs": {name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)},
        "device": st.st_rdev if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0,
        "link target": os.readlink(path) if kind == stat.S_IFLNK else "",
        CONTENT: hashlib.sha256(path.read_bytes()).hexdigest() if kind == stat.S_IFREG else "",
    }


def entries(tree):
    users, groups = owners(tree)
    found = {}
    for directory, subdirectories, files in os.walk(tree):
        for name in subdirectories + files:
            path = Path(directory, name)
            found[str(path.relative_to(tree))] = look(path, users, groups)
    return found


def differences(ours, theirs):
    """(path, kind) of everything that is not the same."""
    a, b = entries(ours), entries(theirs)
    for path in sorted(a.keys() | b.keys()):
        if path not in b:
            yield path, OURS
        elif path not in a:
            yield path, THEIRS
        else:
            yield from ((path, kind) for kind in a[path] if a[path][kind] != b[path][kind])


def allowed(path, kind, ours, theirs):
    """The row of ALLOWED that covers a difference, or None."""
    for row in ALLOWED:
        pattern, of_kind, same, _ = row
        if of_kind == kind and fnmatch.fnmatchcase(path, pattern):
            if same is None or same((ours / path).read_bytes()) == same((theirs / path).read_bytes()):
                return row
    return None


def compare(ours, theirs, check):
    occurred, unlisted = set(), []
    for path, kind in differences(ours, theirs):
        row = allowed(path, kind, ours, theirs)
        if row:
            occurred.add(row)
        else:
            unlisted.append(f"/{path}: {kind}")
    print(f"# {len(entries(theirs))} entries, {len(occurred)} of {len(ALLOWED)} listed differences occurred")
    for line in unlisted[20:]:
        print("#", line)
    check("same tree as mmdebstrap's except for what is listed", unlisted[:20])
    check("every listed difference occurs", [f"{row[0]} ({row[1]}) never does" for row in ALLOWED if row not in occurred])


def dpkg_says(tree, *arguments):
    done = subprocess.run(["chroot", tree, "dpkg", *arguments], capture_output=True, text=True, timeout=TIMEOUT)
    said = (done.stdout + done.stderr).splitlines()
    return said if said or done.returncode == 0 else [f"dpkg {arguments[0]} ended with {done.returncode}"]


def states(tree):
    said = subprocess.run(["chroot", tree, "dpkg-query", "-W", "-f", "${Package} ${Status}\n"], check=True, capture_output=True, text=True)
    return [line for line in said.stdout.splitlines() if not line.endswith(" install ok installed")]


def base_packages():
    found = re.search(r"^packages:\n  base:\n((?:    - .*\n)+)", RECIPE.read_text(), re.M)
    return [line.strip()[2:] for line in found[1].splitlines()]


def sources():
    """apt lines for the recipe's suite from the host's own sources: the mirror that nodekiln takes."""
    suite = re.search(r"^  suite: (\S+)", RECIPE.read_text(), re.M)[1]
    said = subprocess.run(["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
                          check=True, capture_output=True, text=True)
    wanted = {suite, suite + "-updates", suite + "-security"}
    return suite, [line for line in dict.fromkeys(said.stdout.splitlines()) if line.split()[2] in wanted and line.split()[3] == "main"]


def make_theirs(tree):
    suite, lines = sources()
    done = subprocess.run(["mmdebstrap", "--quiet", "--mode=root", "--variant=apt", "--format=directory", "--include=" + ",".join(base_packages()),
                           "--aptopt=APT::Install-Recommends false", suite, tree, *lines], capture_output=True, text=True, timeout=TIMEOUT)
    return [] if done.returncode == 0 else ["mmdebstrap: " + " | ".join(done.stderr.splitlines()[-5:])]


def make_ours(directory, tree):
    """The base's tree, as the cache keeps it for the next build: packages and nothing else, before overlays and seal."""
    kiln_ = build_env.BuildEnv(directory / "kiln", cache=build_env.private_cache(directory))
    done = kiln_.run(kiln_.argv("build", RECIPE, "--out", kiln_.out, "--plain"))
    if done.returncode != 0:
        return ["nodekiln: " + " | ".join(build_env.sentences(done.stderr) or done.stderr.splitlines()[-5:])]
    saved = max((kiln_.cache / "trees").iterdir(), key=lambda p: p.stat().st_size)
    tree.mkdir()
    subprocess.run(["tar", "--zstd", "-xpf", saved, "-C", tree, "--numeric-owner", "--xattrs", "--xattrs-include=*"], check=True, timeout=TIMEOUT)
    return []


def main():
    build_env.require_root()
    check = build_env.Check()
    if len(sys.argv) == 3:
        compare(Path(sys.argv[1]), Path(sys.argv[2]), check)
        sys.exit(check.failed != 0)
    directory = build_env.work_directory()
    try:
        memory = "/dev/shm" if shutil.disk_usage("/dev/shm").free > 4 << 30 else directory
        with tempfile.TemporaryDirectory(dir=memory, prefix="nodekiln-oracle.") as trees:
            ours, theirs = Path(trees, "ours"), Path(trees, "theirs")
            check("nodekiln makes its tree", make_ours(directory, ours))
            check("mmdebstrap makes its tree", make_theirs(theirs))
            if not check.failed:
                check("every package is installed", states(ours))
                check("dpkg --audit is content", dpkg_says(ours, "--audit"))
                check("dpkg --verify is content", dpkg_says(ours, "--verify"))
                compare(ours, theirs, check)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    sys.exit(check.failed != 0)


main()
