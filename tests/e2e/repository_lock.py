#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`nodekiln lock` against small signed repositories on loopback: what it chooses, what it refuses, and what it leaves behind.

NODEKILN=PROGRAM runs another nodekiln; PATTERN arguments choose cases by name."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from harness.repository import ARCHITECTURE, Archive, Flat, Key, Server

TOP = Path(__file__).resolve().parents[2]
NODEKILN = os.environ.get("NODEKILN", TOP / "out/nodekiln")
RECIPE, HOST, NETWORK, TRUST, OLD, UNSAFE = 3, 4, 5, 6, 11, 12
NOBODY = 65534
CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


class World:
    """One case: a distribution of a handful of packages, signed, a recipe for it, and a cache of its own."""

    keys = {}

    def __init__(self, directory, server):
        self.directory, self.server = directory, server
        self.url = f"{server.url}/{directory.name}"
        self.cache = directory / "cache"
        self.keyring = directory / "keyring.gpg"
        self.keyring.write_bytes(self.keys["good"].binary())
        (directory / "debian").mkdir()
        self.debian = Archive(directory / "debian")
        self.extra = {"runtime": "containerd", "packages": {"base": ["containerd"], "vm": ["kernel"], "lxc": ["network"]}}
        self.fill()

    def fill(self):
        add = self.debian.add
        add("base-files", "12", fields="Essential: yes\n")
        add("apt", "2", depends="libapt")
        add("libapt", "2")
        add("containerd", "1:1.6~ds1-1+b2", depends="library (>= 1)")
        add("library", "1.5")
        add("library-old", "1.0")
        add("kernel", "6.1", depends="library, initramfs")
        add("initramfs", "0.142")
        add("network", "3")
        for name in toolchain():
            add(name, "1")
        self.debian.add_source("curl", "7.88.1-10+deb12u5")
        self.debian.write(self.keys["good"])

    def recipe(self, **changes):
        """A recipe in JSON, which is YAML."""
        recipe = {"name": "test", "description": "test",
                  "distribution": {"id": "debian", "suite": "test", "mirror": self.url + "/debian", "updates": False,
                                   "security": False, "keyring": str(self.keyring)},
                  **self.extra}
        for key, value in changes.items():
            recipe[key] = {**recipe.get(key, {}), **value} if isinstance(value, dict) else value
        file = self.directory / "test.yaml"
        file.write_text(json.dumps(recipe))
        return file

    def program(self, user):
        """For another user a copy: the checkout may lie where only root may look."""
        return shutil.copy(NODEKILN, self.directory / "nodekiln") if user else NODEKILN

    def start(self, *options, user=None, env=None, **changes):
        recipe = self.recipe(**changes)
        environment = {**os.environ, "NODEKILN_CACHE": str(self.cache), "no_proxy": "127.0.0.1", **(env or {})}
        return subprocess.Popen([self.program(user), "lock", recipe, "-o", "-", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=environment, user=user, group=user, extra_groups=[] if user else None)

    def run(self, *options, **changes):
        child = self.start(*options, **changes)
        output, messages = child.communicate(timeout=120)
        return child.returncode, output, messages

    def lock(self, *options, **changes):
        code, output, messages = self.run(*options, **changes)
        assert code == 0, f"exit code {code}: {messages}"
        return json.loads(output)

    def refused(self, code, *words, options=(), **changes):
        """It fails with that code and one sentence that has the words."""
        got, output, messages = self.run(*options, **changes)
        errors = [line for line in messages.splitlines() if re.match(r"(error|ERROR)\b", line)]
        assert got == code, f"exit code {got} instead of {code}: {messages}"
        assert not output and len(errors) == 1, f"not one sentence: {output} {messages}"
        for word in words:
            assert word in errors[0], f"no '{word}' in: {errors[0]}"

    def states(self):
        return sorted(p.name for p in (self.cache / "apt").iterdir())

    def flat(self, key="good", name="deb", **options):
        (self.directory / name).mkdir()
        repo = Flat(self.directory / name)
        for version in ("1.33.9-1.1", "1.34.1-1.1", "1.34.2-1.1", "1.35.0-1.1"):
            for program in ("kubelet", "kubeadm", "kubectl"):
                repo.add(program, version)
        repo.add("cri-tools", "1.34.0-1.1")
        repo.write(self.keys[key] if key else None, **options)
        return repo

    def kubernetes(self, version, fingerprint=None, **changes):
        """The changes to a recipe that take Kubernetes from the flat repository."""
        return {"kubernetes": {"source": "packages", "version": version, "packages": ["cri-tools"]},
                "repositories": [{"url": self.url + "/deb/", "suite": "/", "key_url": self.url + "/key.asc",
                                  "key_fingerprint": fingerprint or self.keys["good"].fingerprint}], **changes}

    def serve_key(self, *names):
        (self.directory / "key.asc").write_bytes(b"".join(self.keys[name].armored() for name in names))


def toolchain():
    """What the toolchain tree asks for: our small distribution must have it, too."""
    text = (TOP / "builder/lock/lock_toolchain.c").read_text()
    tables = re.findall(r"compiler_packages\[\] = \{(.*?)\}", text, re.S)
    return re.findall(r'"([a-z0-9+.-]+)"', tables[0])


def names(lock, group):
    return [package["name"] for package in lock["packages"][group]]


def versions(lock, group):
    return {package["name"]: package["version"] for package in lock["packages"][group]}


@case
def groups_are_closed_and_apart(w):
    lock = w.lock()
    assert names(lock, "base") == ["apt", "base-files", "containerd", "libapt", "library"], names(lock, "base")
    assert names(lock, "vm") == ["initramfs", "kernel"], names(lock, "vm")
    assert names(lock, "lxc") == ["network"], names(lock, "lxc")
    assert "base-files" in names(lock, "toolchain") and "apt" not in names(lock, "toolchain")
    assert names(lock, "image") == [] and lock["binaries"] == []


@case
def the_source_of_libcurl(w):
    lock = w.lock()
    (source,) = lock["sources"]
    assert (source["name"], source["version"]) == ("curl", "7.88.1-10+deb12u5"), source
    assert [f["name"] for f in source["files"]] == ["curl_7.88.1-10+deb12u5.dsc", "curl_7.88.1.orig.tar.gz"], source["files"]
    for file in source["files"]:
        data = (w.debian.root / "pool" / file["name"]).read_bytes()
        assert (file["sha256"], file["size"]) == (hashlib.sha256(data).hexdigest(), len(data)) and file["url"].startswith(w.url), file


@case
def a_distribution_without_the_source_of_libcurl(w):
    w.debian.sources.clear()
    w.debian.write(w.keys["good"])
    w.refused(RECIPE, "source package curl", "has no source packages", "agent.libcurl=packaged")
    w.debian.add_source("other", "1-1")
    w.debian.write(w.keys["good"])
    w.refused(RECIPE, "source package curl", "no repository of the recipe has this source", options=["--update"])


@case
def a_packaged_libcurl_needs_no_sources(w):
    """Not even an index of them, as a mirror of binaries alone has none."""
    for name in ("libcurl4", "libcurl4-openssl-dev"):
        w.debian.add(name, "7.88.1-10+deb12u5")
    w.debian.write(w.keys["good"])
    shutil.rmtree(w.debian.root / "dists/test/main/source")
    lock = w.lock(agent={"libcurl": "packaged"})
    assert lock["sources"] == [] and "libcurl4" in names(lock, "base") and "libcurl4-openssl-dev" in names(lock, "toolchain"), lock


@case
def a_package_is_what_lies_on_the_server(w):
    lock = w.lock()
    package = next(p for p in lock["packages"]["base"] if p["name"] == "containerd")
    file = w.debian.root / "pool" / f"containerd_1%3a1.6~ds1-1+b2_{ARCHITECTURE}.deb"
    assert package["version"] == "1:1.6~ds1-1+b2" and package["installed"] == 12 * 1024
    assert package["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() and package["size"] == file.stat().st_size
    assert lock["repositories"][package["repository"]].startswith(w.url), lock["repositories"]


@case
def variants_differ_in_apt(w):
    lock = w.lock(distribution={"variant": "essential"})
    assert names(lock, "base") == ["base-files", "containerd", "library"], names(lock, "base")


@case
def a_second_run_asks_nobody_and_says_the_same(w):
    first = w.run()[1]
    w.server.requests.clear()
    started = time.monotonic()
    second = w.run()[1]
    assert first == second and not w.server.requests, w.server.requests
    assert time.monotonic() - started < 1, "a solved request was solved again"


@case
def news_need_update(w):
    assert versions(w.lock(), "base")["library"] == "1.5"
    w.debian.add("library", "1.6")
    w.debian.write(w.keys["good"])
    assert versions(w.lock(), "base")["library"] == "1.5"
    assert versions(w.lock("--update"), "base")["library"] == "1.6"
    assert versions(w.lock(), "base")["library"] == "1.6" and len(w.states()) == 1, w.states()


def check_lock(w, **changes):
    """The exit code of `lock --check` of what w.run() wrote last, and the rows that it printed."""
    code, output, _ = w.run("--check", "--json", "-o", w.directory / "written.json", **changes)
    return code, {(row["kind"], row["group"], row["name"], row["from"], row["to"]) for row in json.loads(output)}


@case
def a_check_tells_news_and_writes_nothing(w):
    file = w.directory / "written.json"
    assert w.run("-o", file)[0] == 0
    written = file.read_bytes()
    assert check_lock(w) == (0, set())
    w.debian.add("library", "1.6", depends="young")
    w.debian.add("young", "1")
    w.debian.write(w.keys["good"])
    assert check_lock(w) == (OLD, {("newer", "base", "library", "1.5", "1.6"), ("new", "base", "young", None, "1")}), check_lock(w)
    assert file.read_bytes() == written, "the lock was changed"
    assert w.run("--update", "-o", file)[0] == 0 and check_lock(w) == (0, set())


@case
def a_check_knows_security_updates(w):
    """Even when the newest version is not the one that came as a security update."""
    (w.directory / "security").mkdir()
    security = Archive(w.directory / "security")
    security.write(w.keys["good"], suite="test-security")
    with_security = {"distribution": {"security": True, "security_mirror": w.url + "/security"}}
    assert w.run("-o", w.directory / "written.json", **with_security)[0] == 0
    security.add("library", "1.5+deb1")
    security.add("kernel", "6.0")
    security.write(w.keys["good"], suite="test-security")
    w.debian.add("library", "1.6")
    w.debian.add("kernel", "6.2", depends="library, initramfs")
    w.debian.write(w.keys["good"])
    code, rows = check_lock(w, **with_security)
    assert (code, rows) == (UNSAFE, {("security", "base", "library", "1.5", "1.6"), ("newer", "vm", "kernel", "6.1", "6.2")}), (code, rows)


@case
def a_check_of_a_lock_of_another_recipe(w):
    assert w.run("-o", w.directory / "written.json")[0] == 0
    w.refused(RECIPE, "written.json", "another state", options=["--check", "-o", w.directory / "written.json"], disk={"size": "8G"})


@case
def an_update_without_news_fetches_no_package_list(w):
    w.lock()
    w.server.requests.clear()
    w.lock("--update")
    assert len(w.states()) == 1 and not [p for p in w.server.requests if "Packages" in p], w.server.requests


@case
def other_words_of_a_recipe_need_no_solver(w):
    before = w.lock()
    w.server.requests.clear()
    after = w.lock(disk={"size": "8G"})
    assert before["packages"] == after["packages"] and before["recipe_digest"] != after["recipe_digest"]
    assert not w.server.requests


@case
def the_hosts_apt_configuration_stays_outside(w):
    evil = w.directory / "evil.conf"
    evil.write_text('Acquire::AllowInsecureRepositories "true"; APT::Install-Recommends "true"; APT::Architecture "armhf";\n'
                    'Acquire::Check-Valid-Until "false"; APT::Get::AllowUnauthenticated "true";\n')
    w.debian.write(None)
    w.refused(TRUST, "not signed", env={"APT_CONFIG": str(evil)})


@case
def two_at_once(w):
    children = [w.start() for _ in range(2)]
    results = [(child.communicate(timeout=120), child.returncode) for child in children]
    assert all(code == 0 for _, code in results), results
    assert results[0][0][0] == results[1][0][0] and not list((w.cache / "tmp").iterdir())


@case
def a_normal_user(w):
    if os.geteuid() != 0:
        return
    w.cache.mkdir()
    os.chown(w.cache, NOBODY, NOBODY)
    assert names(w.lock(user=NOBODY), "lxc") == ["network"]


@case
def killed_while_it_updates(w):
    w.server.hold = "Packages.gz"
    child = w.start()
    while not any(path.endswith("Packages.gz") for path in w.server.requests):
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert w.states() == [] and list((w.cache / "tmp").iterdir())
    w.server.hold = None
    w.lock()
    assert not list((w.cache / "tmp").iterdir()), "what was killed is still there"


@case
def kubernetes_release(w):
    w.flat(), w.serve_key("good")
    lock = w.lock(**w.kubernetes("1.34.1"))
    got = versions(lock, "base")
    assert [got[n] for n in ("kubelet", "kubeadm", "kubectl", "cri-tools")] == ["1.34.1-1.1"] * 3 + ["1.34.0-1.1"], got
    assert lock["kubernetes_version"] == "1.34.1", lock["kubernetes_version"]


@case
def kubernetes_minor_takes_its_newest_release(w):
    w.flat(), w.serve_key("good")
    assert w.lock(**w.kubernetes("1.34"))["kubernetes_version"] == "1.34.2"


@case
def kubernetes_release_that_is_not_there(w):
    w.flat(), w.serve_key("good")
    w.refused(RECIPE, "kubelet", "1.34.7", **w.kubernetes("1.34.7"))


@case
def kubernetes_binaries(w):
    binaries = [{"url": f"https://example.invalid/{n}", "sha256": "ab" * 32, "path": f"/usr/bin/{n}"}
                for n in ("kubelet", "kubeadm", "kubectl")]
    lock = w.lock(kubernetes={"source": "binaries", "version": "1.34.1", "binaries": binaries})
    assert [f["url"] for f in lock["binaries"]] == [b["url"] for b in binaries] and lock["kubernetes_version"] == "1.34.1"


@case
def fingerprint_in_small_letters(w):
    w.flat(), w.serve_key("good")
    w.lock(**w.kubernetes("1.34", w.keys["good"].fingerprint.lower()))


@case
def a_key_beside_the_pinned_one_may_not_sign(w):
    w.flat("other"), w.serve_key("good", "other")
    w.refused(TRUST, "/deb", "another key", **w.kubernetes("1.34"))


@case
def a_keyring_narrowed_to_one_key(w):
    w.flat("other")
    both = w.directory / "both.gpg"
    both.write_bytes(w.keys["good"].binary() + w.keys["other"].binary())
    changes = w.kubernetes("1.34")
    changes["repositories"][0].pop("key_url")
    changes["repositories"][0].update(keyring=str(both))
    w.refused(TRUST, "another key", **changes)
    changes["repositories"][0].update(key_fingerprint=w.keys["other"].fingerprint)
    w.lock(**changes)


@case
def the_distributions_key_may_not_sign_for_a_repository(w):
    w.flat("good"), w.serve_key("other")
    w.refused(TRUST, "/deb", "NO_PUBKEY", **w.kubernetes("1.34", w.keys["other"].fingerprint))


@case
def a_key_that_is_none(w):
    w.flat()
    (w.directory / "key.asc").write_text("<html>sign in</html>")
    w.refused(TRUST, "key.asc", "no armored public key", **w.kubernetes("1.34"))


@case
def a_key_that_is_not_there(w):
    w.flat()
    w.refused(NETWORK, "key.asc", "404", **w.kubernetes("1.34"))


def refuse_release(code, words, **options):
    """A case: the distribution's Release is written with these options, and refused; repaired, it is taken."""
    def run(w):
        key = options.pop("key", "good")
        w.debian.write(w.keys[key] if key else None, **options)
        w.refused(code, w.url + "/debian", *words)
        assert w.states() == [] and not list((w.cache / "tmp").iterdir()), "something of the refused state is left"
        w.debian.write(w.keys["good"])
        w.lock()
    return run


CASES["unsigned"] = refuse_release(TRUST, ["is not signed"], key=None)
CASES["signed-by-an-unknown-key"] = refuse_release(TRUST, ["NO_PUBKEY", "neither in its keyring"], key="other")
CASES["changed-after-signing"] = refuse_release(TRUST, ["BADSIG", "changed after it was signed"], tamper=True)
CASES["expired"] = refuse_release(TRUST, ["expired", "out of date"], date=time.time() - 9e5, valid_until=time.time() - 8e5)
CASES["from-the-future"] = refuse_release(TRUST, ["not valid yet", "clock"], date=time.time() + 9e5)


@case
def signed_by_an_expired_key(w):
    w.keyring.write_bytes(w.keys["expired"].binary())
    w.debian.write(w.keys["expired"])
    w.refused(TRUST, "EXPKEYSIG", "has expired")


@case
def an_index_that_was_exchanged(w):
    for index in w.debian.root.rglob("Packages*"):
        index.write_bytes(b"Package: evil\n")
    w.refused(TRUST, "Packages", "not what the signed Release file says")


@case
def a_damaged_inrelease(w):
    file = w.debian.root / "dists/test/InRelease"
    file.write_bytes(file.read_bytes()[:200])
    w.refused(TRUST, "is damaged")


@case
def a_refused_update_leaves_what_was_trusted(w):
    before = w.run()[1]
    states = w.states()
    w.debian.add("library", "6.6")
    w.debian.write(w.keys["good"], tamper=True)
    w.refused(TRUST, "BADSIG", options=["--update"])
    assert w.states() == states and w.run()[1] == before


@case
def an_older_index_than_the_one_we_have_is_no_news(w):
    """A mirror that replays an old, well signed Release may not take us back."""
    w.lock()
    w.debian.stanzas = [s for s in w.debian.stanzas if "Package: library\n" not in s]
    w.debian.add("library", "1.1")
    w.debian.write(w.keys["good"], date=time.time() - 30 * 86400)
    assert versions(w.lock("--update"), "base")["library"] == "1.5"


@case
def a_keyring_that_is_missing(w):
    w.keyring.unlink()
    w.refused(TRUST, str(w.keyring), "debian-archive-keyring")


@case
def a_mirror_that_is_away(w):
    w.refused(NETWORK, "127.0.0.1:1", options=["--mirror", "http://127.0.0.1:1/debian"])


@case
def a_suite_that_is_not_there(w):
    w.refused(NETWORK, "nosuch", "no such suite", distribution={"suite": "nosuch"})


@case
def an_unknown_package(w):
    w.refused(RECIPE, "packages of base", "no-such-package", packages={"base": ["containerd", "no-such-package"]})


@case
def packages_that_exclude_each_other(w):
    w.debian.add("rival", "1", fields="Conflicts: containerd\n")
    w.debian.write(w.keys["good"])
    w.refused(RECIPE, "packages of base", "rival", packages={"base": ["containerd", "rival"]})


@case
def a_layer_that_would_remove_from_base(w):
    w.debian.add("rival", "1", fields="Conflicts: containerd\n")
    w.debian.write(w.keys["good"])
    w.refused(RECIPE, "packages of vm", packages={"vm": ["rival"]})


def run_case(name, directory, server):
    directory.mkdir()
    server.hold = None
    server.requests.clear()
    try:
        CASES[name](World(directory, server))
    except (AssertionError, OSError, subprocess.TimeoutExpired) as failed:
        line = traceback.extract_tb(failed.__traceback__)[-1].lineno
        print(f"not ok {name}: {str(failed) or f'line {line}'}", flush=True)
        return False
    print(f"ok {name}", flush=True)
    return True


def main():
    if not all(shutil.which(program) for program in ("gpg", "dpkg-deb", "apt-get")):
        print("skip repository-lock: needs gpg, dpkg and apt")
        return 0
    top = Path(tempfile.mkdtemp(prefix="nodekiln-repository."))
    top.chmod(0o755)
    World.keys = {name: Key(top, name, expired=name == "expired") for name in ("good", "other", "expired")}
    chosen = [name for name in CASES if not sys.argv[1:] or any(pattern in name for pattern in sys.argv[1:])]
    try:
        with Server(top) as server:
            return 0 if all([run_case(name, top / name, server) for name in chosen]) else 1
    finally:
        for key in World.keys.values():
            key.stop()
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
