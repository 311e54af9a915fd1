#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`nodekiln lock` takes its mirror from this host's apt, here one with a configuration of its own (APT_CONFIG): which of the sources is the
distribution's.

NODEKILN=PROGRAM runs another nodekiln; PATTERN arguments choose cases by name."""
import re
import sys
from pathlib import Path

from harness.lock_cases import HOST, NETWORK, RECIPE, case, main

NOWHERE = "http://127.0.0.1:9"
CODENAME = re.search(r'VERSION_CODENAME="?(\w+)', Path("/etc/os-release").read_text()).group(1)
DVD = f"deb cdrom:[Debian GNU/Linux 12.5.0 _Bookworm_ - Official amd64 DVD Binary-1 with firmware 20240210-11:28]/ {CODENAME} contrib main\n"


class HostApt:
    """A host's /etc/apt: sources is a sources.list, files are further ones by their name."""

    def __init__(self, w, sources, files=None):
        self.w, self.etc = w, w.directory / "etc-apt"
        for name in ("sources.list.d", "apt.conf.d", "auth.conf.d", "lists/partial"):
            (self.etc / name).mkdir(parents=True, exist_ok=True)
        files = {"sources.list": sources, **(files or {})}
        files["apt.conf"] = (f'Dir::Etc "{self.etc}";\nDir::Etc::main "apt.conf.none";\nDir::Etc::parts "{self.etc}/apt.conf.d";\n'
                             f'Dir::State::lists "{self.etc}/lists";\n')
        for name, text in files.items():
            (self.etc / name).write_text(text)
        # What says to those who ask that the archive is Debian's.
        (w.directory / "debian/dists" / CODENAME).mkdir(exist_ok=True)
        (w.directory / "debian/dists" / CODENAME / "Release").write_text("Origin: Debian\n")
        w.extra["distribution"] = {"id": "debian", "suite": "test", "updates": False, "security": False, "keyring": str(w.keyring)}
        self.env = {"APT_CONFIG": str(self.etc / "apt.conf")}

    def lock(self, *options, **changes):
        return self.w.lock(*options, env=self.env, **changes)

    def refused(self, code, *words, **changes):
        self.w.refused(code, *words, env=self.env, **changes)

    def takes(self, url, *options):
        found = self.lock(*options)["repositories"]
        assert found == [url + "/"], f"{found} and not {url}"


def debian(w):
    return f"deb {w.url}/debian {CODENAME} main\n"


def line(url, suite=CODENAME, options=""):
    return f"deb {options}{url} {suite} main\n"


@case
def one_mirror(w):
    HostApt(w, debian(w)).takes(f"{w.url}/debian")


@case
def a_dvd_first(w):
    HostApt(w, DVD + debian(w)).takes(f"{w.url}/debian")


@case
def a_dvd_alone(w):
    HostApt(w, DVD).refused(HOST, "have no mirror of debian that others can read (cdrom:", "--mirror URL")


@case
def another_architecture_first(w):
    HostApt(w, line(f"{NOWHERE}/ports", options="[arch=riscv64] ") + debian(w)).takes(f"{w.url}/debian")


@case
def another_vendor_first(w):
    HostApt(w, "", {"sources.list.d/00-vendor.list": line(f"{NOWHERE}/vendor", options="[signed-by=/usr/share/keyrings/vendor.gpg] "),
                    "sources.list.d/debian.sources": f"Types: deb\nURIs: {w.url}/debian\nSuites: {CODENAME} {CODENAME}-updates\n"
                                                     "Components: main\n"}).takes(f"{w.url}/debian")


@case
def another_vendor_with_more_suites_that_answers(w):
    release = w.directory / "vendor/dists" / CODENAME / "Release"
    release.parent.mkdir(parents=True)
    release.write_text("Origin: Vendor\n")
    vendor = f"{w.url}/vendor"
    HostApt(w, line(vendor) + line(vendor, f"{CODENAME}-updates") + debian(w)).takes(f"{w.url}/debian")


@case
def another_vendor_by_codename_and_the_distribution_by_its_alias(w):
    host = HostApt(w, line(f"{NOWHERE}/vendor") + line(f"{w.url}/debian", "stable"))
    (w.directory / "debian/dists/stable").mkdir()
    (w.directory / "debian/dists/stable/Release").write_text("Label: x\nOrigin: Debian\n")
    host.takes(f"{w.url}/debian")


@case
def none_says_what_it_is(w):
    host = HostApt(w, line(f"{w.url}/debian") + line(f"{NOWHERE}/vendor"))
    (w.directory / "debian/dists" / CODENAME / "Release").unlink()
    code, output, messages = w.run(env=host.env)
    assert code == 0 and f"{w.url}/debian/pool" not in messages, messages
    assert f"several of this host's apt sources can be debian's {CODENAME}" in messages and "--mirror URL" in messages, messages


@case
def a_list_of_mirrors(w):
    (w.directory / "mirrors").write_text(f"# ours\n{w.url}/debian\tpriority:1\n{NOWHERE}/debian\n")
    HostApt(w, line(f"mirror+file:{w.directory}/mirrors")).takes(f"{w.url}/debian")
    HostApt(w, line(f"mirror+{w.url}/mirrors")).takes(f"{w.url}/debian")


@case
def a_named_mirror_brings_its_security_updates(w):
    """The host's are not asked for: a closed network has one server."""
    host = HostApt(w, line(f"{NOWHERE}/debian-security", f"{CODENAME}-security"))
    security = {"distribution": {"security": True}}
    beside = [f"--mirror", f"{w.url}/debian"]
    host.refused(NETWORK, f"{w.url}/debian-security test-security", "--security-mirror URL", "distribution.security=false",
                 options=beside, **security)
    host.refused(RECIPE, "--security-mirror URL", "distribution.security=false", options=["--mirror", w.server.url], **security)
    (w.directory / "debian-security").symlink_to("debian")
    w.debian.write(w.keys["good"], suite="test-security")
    w.debian.write(w.keys["good"])
    host.lock(*beside, **security)
    (w.directory / "other").symlink_to("debian")
    (w.directory / "debian-security").unlink()
    host.lock(*beside, "--security-mirror", f"{w.url}/other", **security)


if __name__ == "__main__":
    sys.exit(main())
