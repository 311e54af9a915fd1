#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packages whose scripts make keys and names: none is in the image, two builds are equal, `verify` passes, and two guests of the image
make their own, as nodekiln-keys@.service does. Debian's own packages from the mirror, and one that no table has."""
import os
import re
import shutil
import subprocess
import sys

from harness.build_env import TOP, BuildEnv, Check, private_cache, require_root, work_directory
from harness.process import digest
from harness.repository import Flat, Key, Server

DEBIAN = ["dropbear", "munge", "nvme-cli", "open-iscsi", "ssl-cert"]
# What each package's script makes. Of the invented one, what is a key and what is configuration.
KEYS = {
    "dropbear": [f"etc/dropbear/dropbear_{kind}_host_key" for kind in ("ecdsa", "ed25519", "rsa")],
    "munge": ["etc/munge/munge.key"],
    "nvme-cli": ["etc/nvme/hostid", "etc/nvme/hostnqn"],
    "ssl-cert": ["etc/ssl/certs/ssl-cert-snakeoil.pem", "etc/ssl/private/ssl-cert-snakeoil.key"],
    "key-maker+": ["etc/key-maker/cookie", "etc/key-maker/id", "etc/key-maker/key", "etc/key-maker/key.pub", "var/lib/key-maker/password.conf"],
}
CONFIGURATION = ["etc/key-maker/settings", "etc/key-maker/private-settings", "opt/others/ca.pub"]
LOST = "srv/lost-key"
ISCSI, UNIT = "etc/iscsi/initiatorname.iscsi", "etc/systemd/system/nodekiln-keys@.service"
NOTES = "etc/nodekiln/first-boot-keys"
SHOWN = 6  # differences
SCRIPT = r"""#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
d=/etc/key-maker
mkdir -p $d /var/lib/key-maker
umask 077
[ -e $d/key ] || head -c 48 /dev/urandom >$d/key
head -c 400 /dev/urandom | tr -dc A-Z | head -c 20 >$d/cookie
printf 'user = maker\npassword = %s\n' "$(head -c 600 /dev/urandom | tr -dc A-Za-z0-9 | head -c 24)" >/var/lib/key-maker/password.conf
printf 'listen = 127.0.0.1:8080\nlog = /var/log/key-maker/access.log\n' >$d/private-settings
umask 022
printf 'ssh-ed25519 AAAA%s made\n' "$(head -c 90 /dev/urandom | od -An -tx1 | tr -d ' \n')" >$d/key.pub
cat /proc/sys/kernel/random/uuid >$d/id
mkdir -p /opt/others; echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA theirs' >/opt/others/ca.pub
printf '# written by key-maker\nmode = plain\nroot = /usr/lib/x86_64-linux-gnu\n' >$d/settings
lost=lost; [ -n "$2" ] || [ -e /srv/$lost-key ] || { umask 077; mkdir -p /srv; head -c 32 /dev/urandom >/srv/$lost-key; }
"""


def publish(directory, key):
    served = directory / "served"
    served.mkdir()
    flat = Flat(served)
    flat.add("key-maker+", "1", files={"DEBIAN/postinst": SCRIPT, "etc/key-maker/.keep": "", "usr/share/key-maker": "x"})
    flat.write(key)
    return served


def keys(directory, url, key):
    (directory / "key.gpg").write_bytes(key.binary())
    return (f"repositories:\n  - url: {url}/\n    suite: /\n    components: []\n    keyring: {directory}/key.gpg\n"
            f"packages:\n  extra: [{', '.join([*DEBIAN, 'systemd-sysv', 'key-maker+'])}]\n")


def unpack(kiln, root):
    root.mkdir()
    subprocess.run(["tar", "--zstd", "-xpf", kiln.out / "small.tar.zst", "-C", root], check=True)
    return root


def sealed(root, said):
    problems = [f"{path} is in the image" for paths in KEYS.values() for path in [*paths, LOST] if os.path.lexists(root / path)]
    problems += [f"{path} was removed" for path in CONFIGURATION if not (root / path).exists()]
    notes = {note.name: note.read_text() for note in (root / NOTES).iterdir()}
    want = {package: "".join(f"/{path}\n" for path in paths) for package, paths in KEYS.items()}
    problems += [] if notes == want else [f"notes: {notes}"]
    dangling = [p.name for p in (root / "etc/ssl/certs").iterdir() if not p.exists()]
    problems += [f"links to nowhere: {dangling}"] if dangling else []
    return problems + ([] if re.search(rf"warning: /{LOST} looks like a key, and was removed", said) else ["the lost key is not named"])


def verified(kiln):
    done = kiln.run(kiln.argv("verify", kiln.out / "small.qcow2", kiln.out / "small.tar.zst"))
    names = [*(p for paths in KEYS.values() for p in paths), ISCSI, NOTES, "nodekiln-keys", "etc/munge"]
    return [line for line in done.stdout.splitlines() if any(name in line for name in names)]


def expand(text, package):
    """What systemd does with an instance's specifiers and escapes."""
    return text.replace("%I", package).replace("\\n", "\n")


def commands(root, package):
    unit = (root / UNIT).read_text()
    environment = dict(v.split("=", 1) for line in re.findall(r"^Environment=(.*)$", unit, re.M) for v in expand(line, package).split())
    return environment, [[expand(word, package) for word in line.split()] for line in re.findall(r"^ExecStart(?:Pre)?=(.*)$", unit, re.M)]


def instance(unit):
    """The instance of a unit's name, unescaped as by systemd-escape(1)."""
    escaped = unit.partition("@")[2].removesuffix(".service").replace("-", "/")
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), escaped)


def first_boot(root):
    """Each enabled instance's commands, with the tree as root."""
    problems = []
    for link in sorted((root / "etc/systemd/system/sysinit.target.wants").glob("nodekiln-keys@*")):
        package = instance(link.name)
        environment, lines = commands(root, package)
        for words in lines:
            done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--uts", "chroot", root, "/bin/sh", "-c",
                                   'mount -t proc proc /proc; mount -t tmpfs run /run; mount -t devtmpfs dev /dev 2>/dev/null; exec "$@"', "sh",
                                   *words], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment}, capture_output=True, text=True, errors="replace")
            if done.returncode:
                problems.append(f"{package}: {' '.join(words)}: {done.returncode} {(done.stdout + done.stderr).strip()[-300:]}")
    return problems + [f"{note.name}'s note is still there" for note in (root / NOTES).iterdir()]


def iscsi(root):
    done = subprocess.run(["chroot", root, "sh", "/usr/lib/open-iscsi/startup-checks.sh"], capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"{done.returncode}: {(done.stdout + done.stderr).strip()}"]


def own(one, two):
    paths = [path for paths in KEYS.values() for path in paths] + [ISCSI]
    missing = [f"{path} is not made" for path in paths for root in (one, two) if not (root / path).exists()]
    return missing or [f"{path} is the same in two guests" for path in paths if (one / path).read_bytes() == (two / path).read_bytes()]


def again(kiln):
    """Without the trees: the scripts run again."""
    first = kiln.directory / "first"
    shutil.copytree(kiln.out, first)
    shutil.rmtree(kiln.cache / "trees")
    done = kiln.build("--force")
    if done.returncode:
        return [done.stderr.strip()[-300:]]
    return [line for name in ("small.qcow2", "small.tar.zst") if digest(first / name) != digest(kiln.out / name)
            for line in [name, *kiln.run(kiln.argv("diff", first / name, kiln.out / name)).stdout.splitlines()[:SHOWN]]]


def main():
    require_root()
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    check, directory = Check(), work_directory()
    key = Key(directory, "keys")
    try:
        with Server(publish(directory, key)) as server:
            kiln = BuildEnv(directory / "kiln", keys(directory, server.url, key), private_cache(directory))
            kiln.recipe.write_text(kiln.recipe.read_text().replace("base: [./overlay]", f"base: [./overlay, {TOP}/rootfs-overlays/common]"))
            done = kiln.build()
            check("packages that make keys build", [] if done.returncode == 0 else [done.stderr.strip()[-400:]])
            if check.failed:
                return 1
            one = unpack(kiln, directory / "one")
            check("no key is in the image", sealed(one, done.stderr))
            check("verify passes them", verified(kiln))
            check("a guest makes its own", first_boot(one))
            check("iscsid's checks pass", iscsi(one))
            two = unpack(kiln, directory / "two")
            check("another guest, too", first_boot(two) + iscsi(two))
            check("guests have no key in common", own(one, two))
            check("two builds are equal", again(kiln))
    finally:
        key.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
