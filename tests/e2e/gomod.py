#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Components of Go modules from a mirror directory of the test's own, the whole way: locked and built, then again with no network, by
another user, with one core and another cache, bit for bit. Then what can be wrong with a module, its proxy or the lock: each is one
sentence and the documented exit code, and nothing is built."""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys

from harness import second_host
from harness.build_env import (NETWORK, RECIPE, SMALL, TRUST, BuildEnv, Check, host_state, left_behind, private_cache, require_root,
                               sentences, work_directory)
from harness.module_mirror import DATE, ModuleMirror

KEYS = ("architecture: amd64\noutputs:\n  qcow2: {enabled: false}\n"
        "components: {shop: 1.4, tmp: 1.3.0}\n")  # a minor: its newest patch
SHOP = """description: two programs of a module that replaces others
license: Apache-2.0
go-modules:
  module: example.org/shop
  released_with: v0.{minor-number}.{patch-number}
  tags: [counted]
  variables:
    - example.org/shop/version.Version={version}
    - example.org/shop/version.Date={date}
programs:
  - {name: shop, package: example.org/shop/cmd/shop, path: /usr/bin/shop, check: [now], output: "shop {version} {date} shelf fork now"}
  - {name: pro, package: example.org/shop/cmd/pro, path: /usr/bin/pro, tags: [paid]}
"""
TILL = """description: a main package of ours; the component has the name of a directory in which Go works
license: Apache-2.0
go-modules:
  module: example.org/Till
  main: tmp
programs:
  - {name: till, package: nodekiln/tmp, path: /usr/bin/till, check: [-v], output: "till of ours"}
"""
PRINTED = {"shop": f"shop 1.4.2 {DATE} shelf fork now counted\n", "pro": "pro paid extra\n", "till": "till of ours\n"}
SHOP_NEEDS = ("require (\n\texample.org/shelf v0.0.0\n\texample.org/old v1.0.0 // a comment\n\texample.org/extra v1.0.0\n)\n"
              "replace (\n\texample.org/shelf => ./staging/shelf\n\texample.org/old => example.org/fork v1.1.0\n)\n")
SHOP_FILES = {
    "version/version.go": "package version\n\nvar Version, Date = \"unknown\", \"unknown\"\n",
    "cmd/shop/main.go": "package main\n\nimport (\n\t\"os\"\n\n\t\"example.org/old\"\n\t\"example.org/shelf\"\n"
                        "\t\"example.org/shop/version\"\n)\n\nfunc main() {\n\tos.Stdout.WriteString(\"shop \" + version.Version + \" \" + "
                        "version.Date + \" \" + shelf.Name + \" \" + old.Name + \" \" + os.Args[1] + counted + \"\\n\")\n}\n",
    "cmd/shop/counted.go": "//go:build counted\n\npackage main\n\nconst counted = \" counted\"\n",
    "cmd/pro/main.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"pro\" + name + \"\\n\") }\n",
    "cmd/pro/free.go": "//go:build !paid\n\npackage main\n\nconst name = \" free\"\n",
    "cmd/pro/paid.go": "//go:build paid && counted\n\npackage main\n\nimport \"example.org/extra\"\n\nconst name = \" paid \" + extra.Name\n",
}
OURS = ("package main\n\nimport (\n\t\"os\"\n\n\t\"example.org/Till\"\n)\n\n"
        "func main() { os.Stdout.WriteString(\"till of \" + till.Owner + \"\\n\") }\n")
NOWHERE = "127.0.0.1:9"
WRONG = f"h1:{'A' * 43}="
ENVIRONMENT = {"GOENV": "off", "GOSUMDB": "off", "HOME": "/nonexistent"}
UNWANTED = ("GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOFLAGS", "NETRC", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
NO_NETWORK = ["unshare", "--net"]
ARCHIVE = "small.tar.zst"


def library(name, constant="Name", value=None):
    return {f"{name}.go": f"package {name}\n\nconst {constant} = \"{value or name}\"\n"}


def make_mirror(directory):
    mirror = ModuleMirror(directory)
    for version in ("v1.4.1", "v1.4.2", "v1.5.0"):
        mirror.add("example.org/shop", version, SHOP_FILES, SHOP_NEEDS)
    for version in ("v0.4.1", "v0.4.2", "v0.5.0"):
        mirror.add("example.org/shelf", version, library("shelf"))
    mirror.add("example.org/old", "v1.0.0", library("old"))
    mirror.add("example.org/fork", "v1.1.0", library("old", value="fork"), module="example.org/old")
    mirror.add("example.org/extra", "v1.0.0", library("extra"))
    mirror.add("example.org/Till", "v1.3.0", library("till", "Owner", "ours"))
    return mirror


class Yard(BuildEnv):
    """A kiln with these components, and its settings of Go."""

    def __init__(self, directory, cache, mirror, keys=KEYS):
        super().__init__(directory, keys, cache)
        self.mirror = mirror
        self.settings = {**ENVIRONMENT, "GOPROXY": mirror.url}
        self.lock = self.directory / "small.lock.json"
        components = self.directory / "components"
        (components / "tmp").mkdir(parents=True)
        (components / "shop.yaml").write_text(SHOP)
        (components / "tmp.yaml").write_text(TILL)
        (components / "tmp/main.go").write_text(OURS)

    def environment(self):
        return {**{name: value for name, value in super().environment().items() if name not in UNWANTED}, **self.settings}

    def lock_argv(self):
        return self.argv("lock", self.recipe, "-o", self.lock)

    def build_argv(self, *options):
        return super().build_argv("--lock", self.lock, *options)

    def programs(self):
        return [self.cache / "artifacts" / c["key"] for c in json.loads((self.out / "small.manifest.json").read_text())["components"]]

    def forget(self):
        """All modules in the cache, and what locks found out; the programs are compiled again."""
        for kind in ("modules", "solutions"):
            for path in (self.cache / kind).iterdir():
                path.unlink()


def member(archive, name):
    return subprocess.run(["tar", "--zstd", "-xOf", archive, name], capture_output=True, check=True).stdout


def failed(*results):
    return [done.stderr.strip()[-400:] for done in results if done.returncode]


def programs_problems(yard):
    """As upstream would make them: stamped, with replaced modules, each with its tags; static, so they run here."""
    problems = []
    for name, wanted in PRINTED.items():
        path = yard.directory / name
        path.write_bytes(member(yard.out / ARCHIVE, f"./usr/bin/{name}"))
        path.chmod(0o755)
        printed = subprocess.run([path, "now"], capture_output=True, text=True).stdout
        problems += [f"{name} prints {printed!r} instead of {wanted!r}"] if printed != wanted else []
        problems += [f"{name} is not static"] if b"ld-linux" in path.read_bytes() else []
    return problems


def lock_problems(yard):
    """The newest patch of the minor; every module that is needed, and no other."""
    components = {c["name"]: c for c in json.loads(yard.lock.read_text())["components"]}
    modules = {name: [line.rsplit(" ", 2)[0] for line in c["modules"]] for name, c in components.items()}
    wanted = {"shop": ["example.org/extra v1.0.0", "example.org/fork v1.1.0", "example.org/shelf v0.4.2", "example.org/shop v1.4.2"],
              "tmp": ["example.org/Till v1.3.0"]}
    return [] if modules == wanted else [f"the lock has {modules}"]


def licence_problems(yard):
    """Of every module in any program, the one that only some tags need among them."""
    found = {str(path.relative_to(root / "licenses").parent) for root in yard.programs() for path in root.rglob("LICENSE")}
    wanted = {f"example.org/{name}" for name in ("extra@v1.0.0", "fork@v1.1.0", "shelf@v0.4.2", "shop@v1.4.2", "Till@v1.3.0")}
    return [] if found == wanted else [f"licences of {sorted(found)}"]


def compiled(done):
    """Packages that Go compiled, by what it said."""
    return [line.removeprefix("debug: ") for line in done.stderr.splitlines() if line.startswith(("debug: example.org", "debug: nodekiln/"))]


def first_build(yard):
    done = yard.build("--verbose")
    return failed(done) or ([] if "nodekiln/tmp" in compiled(done) else ["Go does not say what it compiles"])


def second_build(yard):
    """Whatever the proxy does: everything is in the cache."""
    yard.settings["GOPROXY"] = "off"
    done = yard.build("--force", "--verbose")
    return failed(done) + [f"{package} was compiled again" for package in compiled(done)]


def build_cache_helps(yard):
    """Without the programs, but with what Go keeps: they are linked, and no package is compiled."""
    for path in yard.programs():
        shutil.rmtree(path)
    return second_build(yard)


def other_place(directory, yard, mirror):
    """With nothing of the first but downloaded packages and trees."""
    cache = directory / "other-cache"
    for kind in ("files", "repacked", "trees", "apt"):
        shutil.copytree(yard.cache / kind, cache / kind, copy_function=os.link)
    return Yard(directory / "other", cache, mirror)


def differences(a, b):
    return [f"{name} differs" for name in PRINTED if member(a / ARCHIVE, f"./usr/bin/{name}") != member(b / ARCHIVE, f"./usr/bin/{name}")]


def other_spellings(directory, yard):
    """GOPROXY as Go reads it: percent-encoded and not, with spaces and colons, and with ".."."""
    problems = []
    odd = directory / "my mirror: 100%"
    odd.symlink_to(yard.mirror.root)
    for number, path in enumerate(("my mirror: 100%25", "my%20mirror%3a%20100%25/", "x/../my%20mirror:%20100%25")):
        world = World(directory / f"spelling.{number}", yard)
        world.setting(GOPROXY=f"file://{directory}/{path}")
        locked = world.yard.run([*NO_NETWORK, *world.yard.lock_argv()])
        world.yard.forget()  # a build fetches by itself
        for programs in yard.programs():
            shutil.rmtree(programs, ignore_errors=True)
        problems += [f"{path}: {why}" for why in failed(locked, world.yard.run([*NO_NETWORK, *world.yard.build_argv()]))]
    return problems


def builds_the_same(yard, other):
    problems = failed(other.run([*NO_NETWORK, *other.lock_argv()])) or failed(other.run([*NO_NETWORK, "taskset", "-c", "0", *other.build_argv()]))
    if problems:
        return problems
    problems = [] if other.lock.read_bytes() == yard.lock.read_bytes() else ["the locks differ"]
    return problems + differences(yard.out, other.out)


def their_cache(directory, yard):
    """For the stranger: without modules, compiled components and trees."""
    cache, ours = directory / "their-cache", {path.name for path in yard.programs()}
    for kind in ("files", "repacked", "artifacts"):
        shutil.copytree(yard.cache / kind, cache / kind, copy_function=os.link, ignore=lambda _, names: ours & set(names))
    for path in (cache, *(p for p in cache.rglob("*") if p.is_dir())):
        os.chown(path, second_host.UID, second_host.UID)
    return cache


def stranger_builds_the_same(directory, yard):
    """In a checkout elsewhere, with a lock that root made there: a lock knows paths as the recipe has them."""
    theirs = directory / "quite/another place"
    second_host.checkout(theirs)
    shutil.copytree(yard.directory / "components", theirs / "components")
    (theirs / "recipe.yaml").write_text("name: small\n" + yard.recipe.read_text().replace(str(SMALL), "tests/recipes/small.yaml"))
    locked = subprocess.run(["out/nodekiln", "lock", "recipe.yaml"], cwd=theirs, env=yard.environment(), capture_output=True, text=True)
    second_host.give(theirs)
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANGUAGE": "tr",
                   "NODEKILN_CACHE": str(their_cache(directory, yard)), "GOENV": "off", "GOPROXY": yard.mirror.url}
    command = ["sh", "-c", "umask 077; exec out/nodekiln build recipe.yaml --plain --locked --scratch disk"]
    done = second_host.run(directory, command, theirs, environment, prefix=NO_NETWORK)
    return failed(locked, done) or differences(yard.out, theirs / "out")


class World:
    """What a case may spoil: a copy of the mirror, the lock, the settings. The cache has neither modules nor programs."""

    def __init__(self, directory, yard):
        self.mirror = ModuleMirror(directory / "mirror")
        shutil.copytree(yard.mirror.root, self.mirror.root)
        self.yard = Yard(directory / "kiln", yard.cache, self.mirror)
        shutil.copy(yard.lock, self.yard.lock)
        self.yard.forget()
        self.prefix = NO_NETWORK

    def extra(self, suffix):
        return self.mirror.file("example.org/extra", "v1.0.0", suffix)

    def setting(self, **changes):
        self.yard.settings.update(changes)


def deleted(suffix):
    return lambda w: w.extra(suffix).unlink()


def damaged(data):
    """One byte of a zip's licence is another."""
    data = bytearray(data)
    data[data.index(b"LICENSE") + len("LICENSE") + 2] ^= 1
    return bytes(data)


def changed_zip(w):
    w.extra(".zip").write_bytes(damaged(w.extra(".zip").read_bytes()))


def changed_in_the_cache(w):
    """After a build; Go finds it while it compiles."""
    done = w.yard.build("--force")
    assert done.returncode == 0, done.stderr
    for path in w.yard.programs():
        shutil.rmtree(path)
    zips = w.yard.cache / "modules"
    cached = next(path for path in zips.iterdir() if path.suffix == ".zip" and b"example.org/extra" in path.read_bytes())
    cached.write_bytes(damaged(cached.read_bytes()))
    shutil.rmtree(w.yard.out)
    w.yard.out.mkdir()


def other_zip(w):
    """A sound one, of other code."""
    w.mirror.add("example.org/extra", "v1.0.0", library("extra", value="evil"))


def changed_mod(w):
    w.extra(".mod").write_text(w.extra(".mod").read_text() + "// changed\n")


def wrong_sum(w):
    document = json.loads(w.yard.lock.read_text())
    shop = next(c for c in document["components"] if c["name"] == "shop")
    shop["modules"] = [" ".join([*line.split()[:2], WRONG, line.split()[3]]) if "/extra" in line else line for line in shop["modules"]]
    w.yard.lock.write_text(json.dumps(document))


def setting(**changes):
    return lambda w: w.setting(**changes)


def too_new(path, version):
    def prepare(w):
        files, needs = (SHOP_FILES, SHOP_NEEDS) if path.endswith("shop") else (library("extra"), "")
        w.mirror.add(path, version, files, needs, go="1.99.0")
    return prepare


def unreachable_database(w):
    """Its key as Go wants it (golang.org/x/mod/sumdb/note)."""
    name, key = "sum.example.org", b"\1" + bytes(32)
    number = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex()
    w.setting(GOSUMDB=f"{name}+{number}+{base64.b64encode(key).decode()}")


EXTRA, MIRROR = "module example.org/extra v1.0.0", "{mirror}"
AT_LOCK, NAME_ANOTHER = "example.org/extra@v1.0.0: reading {mirror}/example.org/extra/@v/v1.0.0", "name a proxy in GOPROXY that serves it"
# The name, lock or build, what is wrong, the exit code, and what the sentence has.
CASES = [
    ("a deleted zip", "build", deleted(".zip"), NETWORK, EXTRA, MIRROR, "not served by GOPROXY"),
    ("a deleted go.mod", "build", deleted(".mod"), NETWORK, EXTRA, MIRROR, "not served by GOPROXY"),
    ("a changed byte in a zip", "build", changed_zip, TRUST, "the zip of " + EXTRA, MIRROR, "not what was locked", "do not trust"),
    ("another zip", "build", other_zip, TRUST, "the zip of " + EXTRA, MIRROR, "not what was locked", "do not trust"),
    ("a changed go.mod", "build", changed_mod, TRUST, "go.mod of " + EXTRA, MIRROR, "not what was locked", "do not trust"),
    ("a changed byte in the cache", "build", changed_in_the_cache, TRUST, "the zip of " + EXTRA, "in the cache", "build again"),
    ("a lock with a wrong sum", "build", wrong_sum, TRUST, "the zip of " + EXTRA, f"instead of {WRONG}"),
    ("an unreachable proxy", "build", setting(GOPROXY=f"http://{NOWHERE}"), NETWORK, "module example.org/", f"http://{NOWHERE}/example.org"),
    ("GOPROXY=off", "build", setting(GOPROXY="off"), NETWORK, EXTRA, "GOPROXY=off forbids downloads"),
    ("no such mirror directory", "build", setting(GOPROXY="file:///nonexistent"), NETWORK, EXTRA, "/nonexistent/example.org/extra/"),
    ("a deleted zip", "lock", deleted(".zip"), NETWORK, AT_LOCK + ".zip", NAME_ANOTHER),
    ("a deleted go.mod", "lock", deleted(".mod"), NETWORK, AT_LOCK + ".mod", NAME_ANOTHER),
    ("a changed byte in a zip", "lock", changed_zip, TRUST, "example.org/extra: zip: checksum error", "the proxy's file is damaged"),
    ("an unreachable database of checksums", "lock", unreachable_database, NETWORK, "example.org/shop@v1.", "sum.example.org", "GONOSUMDB"),
    ("an unreachable proxy", "lock", setting(GOPROXY=f"http://{NOWHERE}"), NETWORK, "example.org/shop", f"http://{NOWHERE}/example.org/shop"),
    ("GOPROXY=off", "lock", setting(GOPROXY="off"), NETWORK, "component shop 1.4", "disabled by GOPROXY=off", "name a proxy"),
    ("no such mirror directory", "lock", setting(GOPROXY="file:///nonexistent"), NETWORK, "the directory /nonexistent", "cannot be read"),
    ("a module that needs a newer Go", "lock", too_new("example.org/extra", "v1.0.0"), RECIPE, "component shop 1.4",
     "example.org/extra@v1.0.0 requires go >= 1.99.0", "older minor"),
    ("a component that needs a newer Go", "lock", too_new("example.org/shop", "v1.4.2"), RECIPE, "component shop 1.4",
     "needs Go 1.99", "older minor"),
]


def refused(directory, yard, command, spoil, code, *words):
    world, before = World(directory, yard), host_state()
    spoil(world)
    if command == "lock":
        world.yard.lock.unlink()
    done = world.yard.run([*world.prefix, *(world.yard.lock_argv() if command == "lock" else world.yard.build_argv())])
    said, made = sentences(done.stderr), sorted(world.yard.outputs())
    problems = [] if done.returncode == code else [f"exit code {done.returncode} instead of {code}"]
    problems += [] if len(said) == 1 else [f"{len(said)} sentences"]
    problems += [f"no '{word}'" for word in (w.format(mirror=world.mirror.url) for w in words) if word not in " ".join(said)]
    problems += [f"it made {made}"] if made or (command == "lock" and world.yard.lock.exists()) else []
    return (problems and [*problems, done.stderr.strip()[-600:]]) + left_behind(world.yard, before)


def main():
    require_root()
    check, work = Check(), work_directory()
    try:
        yard = Yard(work / "kiln", private_cache(work), make_mirror(work / "mirror"))
        # The indices must stay fresh as long as this test takes: cases lock without a network.
        check("locked from a mirror directory", failed(yard.run([*yard.lock_argv(), "--update"])) or lock_problems(yard))
        check("built from a mirror directory", first_build(yard))
        if not check.failed:
            check("the programs are upstream's", programs_problems(yard))
            check("the licences of all modules are kept", licence_problems(yard))
            check("another user: the same bits", stranger_builds_the_same(work, yard))
            check("a second build compiles nothing", second_build(yard))
            other = other_place(work, yard, yard.mirror)
            check("no network, one core and another cache: the same bits", builds_the_same(yard, other))
            check("Go's build cache is used again", build_cache_helps(yard))
            check("other spellings of a mirror directory", other_spellings(work, yard))
            for path in yard.programs():
                shutil.rmtree(path, ignore_errors=True)
            for number, (name, command, *rest) in enumerate(CASES):
                check(f"{command}: {name}", refused(work / f"case.{number}", yard, command, *rest))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
