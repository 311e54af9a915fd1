#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A mirror that wants a user and a password, which the URL has: apt and the downloads send them; lock, manifest, SBOM, provenance, image.json,
the cache and the messages do not have them. The mirror is on loopback and leads to the host's own."""
import base64
import json
import os
import shutil
import sys
from urllib.parse import quote

from harness.build_env import NETWORK, RECIPE, BuildEnv, Check, private_cache, require_root, sentences, work_directory
from harness.repository import Server

USER, PASSWORD = "mirror@lab", "pa55/wörd:%#"
LOGIN = f"{USER}:{PASSWORD}"
TRACES = [PASSWORD.encode(), quote(PASSWORD, safe="").encode(), b"pa55", base64.b64encode(LOGIN.encode())]


def with_login(url, password=PASSWORD):
    return url.replace("://", f"://{quote(USER, safe='')}:{quote(password, safe='')}@", 1)


def shown(kiln, *done):
    """Where a trace of the password is, except in the recipe, in which the user wrote it."""
    said = [("a message", d.stdout.encode() + d.stderr.encode()) for d in done]
    files = [(p, p.read_bytes()) for top in (kiln.out, kiln.cache) for p in top.rglob("*")
             if p.is_file() and not p.is_symlink() and p.stat().st_nlink == 1]
    return [f"the password is in {name}" for name, data in said + files if any(trace in data for trace in TRACES)]


def failed(*builds):
    return [done.stderr.strip()[-400:] for done in builds if done.returncode]


def forget_a_package(kiln, lock):
    """It has to be downloaded again; the file itself is another cache's, too."""
    package = json.loads(lock.read_text())["packages"]["base"][0]
    (kiln.cache / "files" / package["sha256"]).unlink()


def from_the_recipe(kiln, server):
    """Also by a lock that names the mirror without them."""
    kiln.recipe.write_text(kiln.recipe.read_text() + f"distribution: {{mirror: '{with_login(server.url)}'}}\n")
    lock = kiln.directory / "recipe.lock.json"
    done = [kiln.run(kiln.argv("lock", kiln.recipe, "-o", lock))]
    if failed(*done):
        return failed(*done)
    forget_a_package(kiln, lock)
    done += [kiln.build("--lock", lock, "--timings"), kiln.run(kiln.argv("plan", kiln.recipe, "--json")),
             kiln.run(kiln.argv("lock", kiln.recipe, "-o", lock, "--check", "--update"))]
    problems = failed(*done) + shown(kiln, *done)
    names = json.loads(lock.read_text())["repositories"]
    problems += [] if names == [server.url + "/"] else [f"the lock has {names}"]
    problems += [f"the password is in {lock.name}"] if any(trace in lock.read_bytes() for trace in TRACES) else []
    return problems + ([] if any(path.endswith(".deb") for path in server.requests) else ["no package was asked for"])


def without_login(kiln, server):
    kiln.recipe.write_text(kiln.recipe.read_text().rpartition("distribution:")[0] + f"distribution: {{mirror: '{server.url}'}}\n")


def from_the_option(kiln, server):
    """It counts, and not the recipe's."""
    kiln.recipe.write_text(kiln.recipe.read_text().replace(quote(PASSWORD, safe=""), "another"))
    done = kiln.run(kiln.argv("lock", kiln.recipe, "-o", "-", "--update", "--mirror", with_login(server.url)))
    return failed(done) + shown(kiln, done)


def of_an_old_lock(kiln, server):
    """Its URLs have the password: they are used without it, and the next lock has none."""
    lock = kiln.directory / "old.lock.json"
    without_login(kiln, server)
    document = json.loads((kiln.directory / "recipe.lock.json").read_text())
    document["repositories"] = [with_login(url) for url in document["repositories"]]
    lock.write_text(json.dumps(document))
    forget_a_package(kiln, lock)
    done = kiln.build("--lock", lock, "--force")
    return failed(done) + shown(kiln, done)


def wrong(kiln, server):
    """apt and the downloads say so."""
    def mirror(url):
        return kiln.run(kiln.argv("lock", kiln.recipe, "-o", "-", "--update", "--mirror", url))
    lock = kiln.directory / "wrong.lock.json"
    document = json.loads((kiln.directory / "recipe.lock.json").read_text())
    document["repositories"] = [with_login(url, "pa55-other") for url in document["repositories"]]
    lock.write_text(json.dumps(document))
    forget_a_package(kiln, lock)
    done = [mirror(with_login(server.url, "pa55-other")), kiln.build("--lock", lock, "--force")]
    problems = shown(kiln, *done)
    for d in done:
        text = " ".join(sentences(d.stderr))
        problems += [] if d.returncode == NETWORK and "wants a user and a password" in text else [f"{d.returncode}: {d.stderr[-300:]}"]
    broken = mirror(server.url.replace("://", "://me:pa55%zz@"))
    return problems + shown(kiln, broken) + ([] if broken.returncode == RECIPE else [f"{broken.returncode}: {broken.stderr[-300:]}"])


def main():
    require_root()
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    os.environ["no_proxy"] = "127.0.0.1"
    check, directory = Check(), work_directory()
    try:
        kiln = BuildEnv(directory / "kiln", cache=private_cache(directory))
        plain = kiln.directory / "plain.lock.json"
        done = kiln.run(kiln.argv("lock", kiln.recipe, "-o", plain))
        if done.returncode:
            return check("the host's mirror", failed(done)) or 1
        mirror = json.loads(plain.read_text())["repositories"][0]
        (directory / "nothing").mkdir()
        with Server(directory / "nothing", elsewhere=mirror.rstrip("/"), login=LOGIN) as server:
            check("logins: in a recipe", from_the_recipe(kiln, server))
            check("logins: in an option", from_the_option(kiln, server))
            check("logins: in a lock", of_an_old_lock(kiln, server))
            check("logins: wrong ones", wrong(kiln, server))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
