#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`nodekiln lock` takes its mirror from this host's apt, here one with a configuration of its own (APT_CONFIG): which of the sources is the
distribution's, and its logins and proxies.

NODEKILN=PROGRAM runs another nodekiln; PATTERN arguments choose cases by name."""
import base64
import os
import re
import sys
import time
from pathlib import Path

from harness.lock_cases import HOST, NETWORK, RECIPE, TRUST, case, main
from harness.repository import Server

NOWHERE = "http://127.0.0.1:9"
ANOTHER_USER = 65534
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
    named = ["--mirror", f"{w.url}/debian"]
    host.refused(NETWORK, f"{w.url}/debian-security test-security", "--security-mirror URL", "distribution.security=false",
                 options=named, **security)
    host.refused(RECIPE, "--security-mirror URL", "distribution.security=false", options=["--mirror", w.server.url], **security)
    (w.directory / "debian-security").symlink_to("debian")
    w.debian.write(w.keys["good"], suite="test-security")
    w.debian.write(w.keys["good"])
    host.lock(*named, **security)
    (w.directory / "other").symlink_to("debian")
    (w.directory / "debian-security").unlink()
    host.lock(*named, "--security-mirror", f"{w.url}/other", **security)


def with_login(w, auth, kind="http"):
    """The distribution behind a server that wants a user and a password. auth: the files, with SERVER for HOST:PORT."""
    server = Server(w.directory, login="ci-user:s3cr3t-tok")
    place = server.url.removeprefix("http://")
    return server, HostApt(w, line(f"{server.url}/debian"), {name: text.replace("SERVER", place) for name, text in auth.items()})


@case
def a_login_of_auth_conf(w):
    for auth in ({"auth.conf.d/m.conf": "machine http://SERVER/\nlogin ci-user\npassword s3cr3t-tok\n"},
                 {"auth.conf": "# ours\nmachine http://127.0.0.1 login ci-user password s3cr3t-tok\n"}):
        server, host = with_login(w, auth)
        with server:
            lock = host.lock()
            assert lock["repositories"] == [f"{server.url}/debian/"], lock["repositories"]
            assert "s3cr3t" not in str(lock)
        (host.etc / next(iter(auth))).unlink()


@case
def a_login_of_a_url_and_of_another_machine(w):
    server, host = with_login(w, {"auth.conf": "machine SERVER login ci-user password s3cr3t-tok\n"})  # means https
    with server:
        host.refused(NETWORK, "401", "auth.conf.d", "https://USER:PASSWORD@HOST/")
        lock = host.lock("--mirror", server.url.replace("://", "://ci-user:s3cr3t-tok@") + "/debian")
        assert "s3cr3t" not in str(lock)


@case
def an_auth_conf_that_may_not_be_read(w):
    server, host = with_login(w, {"auth.conf": "machine http://SERVER login ci-user password s3cr3t-tok\n"})
    (host.etc / "auth.conf").chmod(0o600)
    w.cache.mkdir()
    os.chown(w.cache, ANOTHER_USER, ANOTHER_USER)
    with server:
        code, output, messages = w.run(env=host.env, user=ANOTHER_USER)
    assert code == NETWORK and "401" in messages and f"may not read {host.etc}/auth.conf" in messages, messages


class Proxy(Server):
    """A proxy that knows the distribution under the names of two servers, which have no address."""

    def __init__(self, directory, login=None):
        super().__init__(directory, login=login)
        handler = self.server.RequestHandlerClass
        outer, get = self, handler.do_GET

        def do_get(request):
            url = request.path
            request.path = url.replace("http://mirror.invalid", "").replace("http://other.invalid", "")
            if login and request.headers.get("Proxy-Authorization") != outer.wanted:
                outer.requests.append(url)
                request.send_error(407, "Login")
                return
            request.headers["Authorization"] = outer.wanted or ""
            get(request)
        handler.do_GET = do_get
        self.wanted = login and "Basic " + base64.b64encode(login.encode()).decode()


@case
def proxies_of_apt(w):
    """apt and our own downloads: curl's source files are fetched when a recipe is locked."""
    with Proxy(w.directory) as proxy:
        host = HostApt(w, line("http://mirror.invalid/debian"), {"apt.conf.d/proxy": f'Acquire::http::Proxy "{proxy.url}";\n'})
        host.takes("http://mirror.invalid/debian")
        assert any(path.endswith(".orig.tar.gz") for path in proxy.requests) and any("InRelease" in path for path in proxy.requests)
        (host.etc / "apt.conf.d/proxy").write_text(f'Acquire::http::Proxy "{NOWHERE}";\nAcquire::http::Proxy::mirror.invalid "{proxy.url}";\n')
        host.takes("http://mirror.invalid/debian", "--update")
        (host.etc / "apt.conf.d/proxy").write_text(f'Acquire::http::Proxy "{NOWHERE}";\nAcquire::http::Proxy::127.0.0.1 "DIRECT";\n')
        host.takes(f"{w.url}/debian", "--update", "--mirror", f"{w.url}/debian")


@case
def a_proxy_of_the_environment_counts_less(w):
    with Proxy(w.directory) as proxy:
        host = HostApt(w, line("http://mirror.invalid/debian"), {"apt.conf.d/proxy": f'Acquire::http::Proxy "{proxy.url}";\n'})
        host.env["http_proxy"] = NOWHERE
        host.takes("http://mirror.invalid/debian")
        (host.etc / "apt.conf.d/proxy").unlink()
        host.env["http_proxy"] = proxy.url
        host.takes("http://mirror.invalid/debian", "--update")


@case
def a_proxy_that_a_program_finds(w):
    with Proxy(w.directory) as proxy:
        program = w.directory / "find-proxy"
        program.write_text(f"#!/bin/sh\necho {proxy.url}\n")
        program.chmod(0o755)
        HostApt(w, line("http://mirror.invalid/debian"),
                {"apt.conf.d/proxy": f'Acquire::http::Proxy-Auto-Detect "{program}";\n'}).takes("http://mirror.invalid/debian")


@case
def a_proxy_that_wants_a_login(w):
    with Proxy(w.directory, login="me:s3cr3t-tok") as proxy:
        host = HostApt(w, line("http://mirror.invalid/debian"), {"apt.conf.d/proxy": f'Acquire::http::Proxy "{proxy.url}";\n'})
        host.refused(NETWORK, "407", "the proxy wants a user and a password", "Acquire::http::Proxy")
        (host.etc / "auth.conf").write_text(f"machine {proxy.url} login me password s3cr3t-tok\n")
        host.takes("http://mirror.invalid/debian")
        (host.etc / "auth.conf").unlink()
        (host.etc / "apt.conf.d/proxy").write_text(f'Acquire::http::Proxy "{proxy.url.replace("://", "://me:s3cr3t-tok@")}";\n')
        host.takes("http://mirror.invalid/debian", "--update")


@case
def a_snapshot(w):
    """Only what the recipe names is accepted, with a warning, and its signature still counts."""
    day = {"date": time.time() - 9e5, "valid_until": time.time() - 8e5}
    w.debian.write(w.keys["good"], **day)
    w.refused(TRUST, "expired", "check_valid_until: false")
    named = {"distribution": {"check_valid_until": False}}
    code, output, messages = w.run(**named)
    assert code == 0 and "warning: " in messages and "check_valid_until is false" in messages, messages
    w.flat(**day), w.serve_key("good")
    changes = w.kubernetes("1.34", **named)
    w.refused(TRUST, "/deb", "expired", **changes)
    changes["repositories"][0]["check_valid_until"] = False
    w.lock(**changes)
    w.debian.write(w.keys["other"], **day)
    w.refused(TRUST, "NO_PUBKEY", options=["--update"], **changes)


if __name__ == "__main__":
    sys.exit(main())
