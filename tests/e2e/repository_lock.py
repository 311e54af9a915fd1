#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`nodekiln lock` against small signed repositories on loopback: what it chooses, and what it leaves behind.

NODEKILN=PROGRAM runs another nodekiln; PATTERN arguments choose cases by name."""
import hashlib
import json
import os
import shutil
import signal
import sys
import time

from harness.lock_cases import NETWORK, NOBODY, OLD, RECIPE, TRUST, UNSAFE, case, main, names, versions
from harness.repository import ARCHITECTURE, Archive


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


def binaries_of_libcurl(w):
    for name in ("libcurl4", "libcurl4-openssl-dev"):
        w.debian.add(name, "7.88.1-10+deb12u5")
    w.debian.write(w.keys["good"])


def is_packaged(lock):
    """Whether a lock has the packaged libcurl; it has exactly one of both."""
    packaged = "libcurl4" in names(lock, "base")
    assert packaged == ("libcurl4-openssl-dev" in names(lock, "toolchain")) == (lock["sources"] == []), lock
    return packaged


COMPILED, PACKAGED = {"libcurl": "compiled"}, {"libcurl": "packaged"}


@case
def a_distribution_without_the_source_of_libcurl(w):
    binaries_of_libcurl(w)
    w.debian.sources.clear()
    w.debian.write(w.keys["good"])
    w.refused(RECIPE, "agent.libcurl is 'compiled'", "source package curl", "agent.libcurl=packaged", agent=COMPILED)
    assert is_packaged(w.lock())
    w.debian.add_source("other", "1-1")
    w.debian.write(w.keys["good"])
    w.refused(RECIPE, "agent.libcurl is 'compiled'", "no repository of the recipe has this source", options=["--update"], agent=COMPILED)
    assert is_packaged(w.lock("--update"))


@case
def a_mirror_that_does_not_serve_the_source_of_libcurl(w):
    """The index names it, and the file is not there: packaged, and a message says why; the choice holds until --update."""
    binaries_of_libcurl(w)
    file = w.debian.root / "pool/curl_7.88.1-10+deb12u5.dsc"
    kept = file.read_bytes()
    file.unlink()
    code, output, messages = w.run("-o", w.directory / "written.json")
    said = [line for line in messages.splitlines() if line.startswith("warning: ")]
    assert code == 0 and len(said) == 1 and "libcurl" in said[0] and "curl_7.88.1-10+deb12u5.dsc" in said[0] and "404" in said[0], messages
    assert is_packaged(json.loads((w.directory / "written.json").read_text()))
    w.refused(NETWORK, "agent.libcurl is 'compiled'", "curl_7.88.1-10+deb12u5.dsc", "agent.libcurl=packaged", agent=COMPILED)
    file.write_bytes(kept)
    w.server.requests.clear()
    assert is_packaged(w.lock()) and not w.server.requests, w.server.requests
    assert check_lock(w) == (0, set()), "another choice of libcurl is not an update"
    assert not is_packaged(w.lock("--update"))
    file.unlink()
    assert not is_packaged(w.lock("--update")), "what was fetched is kept"


@case
def a_check_keeps_the_compiled_libcurl(w):
    binaries_of_libcurl(w)
    assert w.run("-o", w.directory / "written.json")[0] == 0
    (w.debian.root / "pool/curl_7.88.1-10+deb12u5.dsc").unlink()
    assert check_lock(w) == (0, set())


@case
def a_mirror_without_an_index_of_sources(w):
    """As a mirror of binaries alone has none."""
    binaries_of_libcurl(w)
    shutil.rmtree(w.debian.root / "dists/test/main/source")
    assert is_packaged(w.lock(agent=PACKAGED)) and is_packaged(w.lock())
    w.refused(NETWORK, "Sources", agent=COMPILED)


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


if __name__ == "__main__":
    sys.exit(main())
