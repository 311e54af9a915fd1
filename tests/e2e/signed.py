#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`build --sign`: SHA256SUMS.gpg is a signature that gpgv accepts, over every artifact and the provenance; `verify --keyring` and
`publish --keyring` refuse what is unsigned, changed, or signed by another, expired key."""
import json
import os
import shutil
import subprocess
import sys

from harness.build_env import GATE, RECIPE, TRUST, BuildEnv, Check, private_cache, require_root, work_directory
from harness.process import digest
from harness.repository import Key

TARGET = ("url: https://127.0.0.1:1\ntoken_id: u@pve!t\ntoken_secret_env: SECRET\nnodes: [n]\n"
          "storages: {import: local, vztmpl: local, disks: local-lvm}\nbridge: vmbr0\n")


class Signed:
    def __init__(self, work):
        self.work, self.kiln = work, BuildEnv(work / "kiln", cache=private_cache(work))
        self.key, self.other, self.old = Key(work, "good"), Key(work, "other"), Key(work, "old", expired=True)
        for key in (self.key, self.other, self.old):
            self.keyring(key).write_bytes(key.binary())
        os.environ.update(GNUPGHOME=str(self.key.home), SECRET="12345678-1234-1234-1234-123456789abc")
        (work / "target.yaml").write_text(TARGET)

    def keyring(self, key):
        return self.work / f"{key.home.name}.gpg"

    def build(self, *options):
        return self.kiln.build(*options)

    def sign(self):
        return self.build("--sign", self.key.fingerprint)

    def run(self, *args):
        return subprocess.run([*self.kiln.argv(*args)], capture_output=True, text=True, env=self.kiln.environment())

    def verify(self, key):
        done = self.run("verify", "--json", "--keyring", self.keyring(key), self.kiln.out / "small.tar.zst")
        kinds = {f["kind"] for f in json.loads(done.stdout)["files"][0]["findings"]} if done.stdout else set()
        return done, kinds & {"signature", "checksum"}

    def publish(self, key=None):
        return self.run("publish", "--target", self.work / "target.yaml", "--keyring", self.keyring(key or self.key),
                        self.kiln.out / "small")


def problems_of(*facts):
    return [text for fine, text in facts if not fine]


def unsigned(s):
    done, published = s.build(), s.publish()
    verified, kinds = s.verify(s.key)
    return problems_of((done.returncode == 0, done.stderr), (kinds == {"signature"} and verified.returncode == GATE, f"verify found {kinds}"),
                       (published.returncode == TRUST and "not signed" in published.stderr, published.stderr))


def no_such_key(s):
    done = s.build("--sign", "nothing@example.invalid", "--force")
    return problems_of((done.returncode == TRUST and "no such secret key" in done.stderr, done.stderr))


def signed(s):
    """Nothing has changed since the unsigned build, but nothing shows that: the image is made again, and then no more."""
    out = s.kiln.out
    first = (out / "small.tar.zst").stat().st_ino
    done = s.sign()
    made = (out / "small.tar.zst").stat().st_ino
    again = s.sign()
    gpgv = subprocess.run(["gpgv", "--keyring", s.keyring(s.key), out / "SHA256SUMS.gpg", out / "SHA256SUMS"], capture_output=True, text=True)
    sums = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=out, capture_output=True, text=True)
    verified, kinds = s.verify(s.key)
    published = s.publish()
    return problems_of((done.returncode == 0, done.stderr), (made != first, "what an unsigned build left is signed"),
                       (again.returncode == 0 and "nothing changed" in again.stdout + again.stderr, again.stdout + again.stderr),
                       ((out / "small.tar.zst").stat().st_ino == made, "a signed image is made again"),
                       (gpgv.returncode == 0, gpgv.stderr), (sums.returncode == 0, sums.stderr),
                       (not kinds, f"verify found {kinds}: {verified.stderr}"),
                       (published.returncode not in (0, TRUST, RECIPE), f"publish ended with {published.returncode}: {published.stderr}"))


def provenance(s):
    """An in-toto statement over the artifacts, with the packages as materials; SHA256SUMS has it."""
    out = s.kiln.out
    statement = json.loads((out / "small.provenance.json").read_text())
    subjects = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    definition = statement["predicate"]["buildDefinition"]
    uris = [d["uri"] for d in definition["resolvedDependencies"]]
    return problems_of((statement["_type"] == "https://in-toto.io/Statement/v1", "not a statement"),
                       (statement["predicateType"] == "https://slsa.dev/provenance/v1", "not SLSA's predicate"),
                       ({"small.tar.zst", "small.spdx.json"} <= set(subjects), f"subjects: {sorted(subjects)}"),
                       (all(digest(out / name) == sha256 for name, sha256 in subjects.items()), "a subject's digest is wrong"),
                       (any(uri.startswith("pkg:deb/debian/dpkg@") for uri in uris), "dpkg is no material"),
                       (definition["externalParameters"]["recipe"]["name"] == "small", "it does not name the recipe"),
                       ("small.provenance.json" in (out / "SHA256SUMS").read_text(), "SHA256SUMS lacks it"))


def other_keys(s):
    facts = []
    for key in (s.other, s.old):
        _, kinds = s.verify(key)
        facts.append((kinds == {"signature"}, f"{key.home.name}: verify found {kinds}"))
        facts.append((s.publish(key).returncode == TRUST, f"{key.home.name}: published"))
    return problems_of(*facts)


def expired(s):
    """A good signature by a key that has expired since."""
    out = s.kiln.out
    kept = (out / "SHA256SUMS.gpg").read_bytes()
    made = subprocess.run(["gpg", "--homedir", s.old.home, "--batch", *s.old.then, "--detach-sign", "--output", "-"],
                          input=(out / "SHA256SUMS").read_bytes(), capture_output=True, check=True).stdout
    (out / "SHA256SUMS.gpg").write_bytes(made)
    _, kinds = s.verify(s.old)
    (out / "SHA256SUMS.gpg").write_bytes(kept)
    return problems_of((kinds == {"signature"}, f"verify found {kinds}"))


def armored(s):
    path = s.work / "armored.asc"
    path.write_bytes(s.key.armored())
    done = s.run("verify", "--keyring", path, s.kiln.out / "small.tar.zst")
    return problems_of((done.returncode == RECIPE and "--dearmor" in done.stderr, done.stderr))


def changed(s, name, change, kinds_wanted):
    path = s.kiln.out / name
    kept = path.read_bytes()
    path.write_bytes(change(kept))
    verified, kinds = s.verify(s.key)
    published = s.publish()
    path.write_bytes(kept)
    return problems_of((kinds == kinds_wanted, f"verify found {kinds}"),
                       (published.returncode == TRUST, f"publish ended with {published.returncode}: {published.stderr}"))


def changed_sums(s):
    return changed(s, "SHA256SUMS", lambda text: text + b"# \n", {"signature"})


def changed_artifact(s):
    path = s.kiln.out / "small.tar.zst"
    kept = path.read_bytes()
    path.write_bytes(kept + bytes(1))
    verified, kinds = s.verify(s.key)
    published = s.publish()
    path.write_bytes(kept)
    return problems_of((verified.returncode, f"verify found {kinds}"),
                       (published.returncode == TRUST, f"publish ended with {published.returncode}: {published.stderr}"))


def changed_manifest(s):
    """Its digests would be believed: it is the file that publish reads."""
    return changed(s, "small.manifest.json", lambda text: text.replace(b'"sha256": "', b'"sha256":  "', 1), set())


def removed_by_a_build(s):
    """No old signature is left over a new SHA256SUMS."""
    s.kiln.change_overlay("second")
    done = s.build()
    left = (s.kiln.out / "SHA256SUMS.gpg").exists()
    again = s.sign()
    _, kinds = s.verify(s.key)
    return problems_of((done.returncode == 0 and again.returncode == 0, done.stderr + again.stderr), (not left, "the old signature is left"),
                       (not kinds, f"verify found {kinds}"))


def change_together(s):
    """Image, manifest and SHA256SUMS, as someone who may write to the directory can: sizes and key stay. Returns the image's digest."""
    image, manifest, sums = (s.kiln.out / name for name in ("small.tar.zst", "small.manifest.json", "SHA256SUMS"))
    old = {path: digest(path) for path in (image, manifest)}
    content = image.read_bytes()
    replace(image, content[:-1] + bytes([content[-1] ^ 1]))
    replace(manifest, manifest.read_bytes().replace(old[image].encode(), digest(image).encode()))
    text = sums.read_text()
    for path, was in old.items():
        text = text.replace(was, digest(path))
    replace(sums, text.encode())
    return digest(image)


def replace(path, content):
    path.unlink()
    path.write_bytes(content)


def changed_before_signing(s):
    """With the signature of what there was before, and with none: the image is made again, and that is what is signed."""
    facts, signature = [], s.kiln.out / "SHA256SUMS.gpg"
    for kept in (True, False):
        if not kept:
            signature.unlink()
        bad = change_together(s)
        done = s.sign()
        _, kinds = s.verify(s.key)
        facts += [(done.returncode == 0, done.stderr), (digest(s.kiln.out / "small.tar.zst") != bad, f"a changed image is signed (kept: {kept})"),
                  (not kinds, f"verify found {kinds}")]
    return problems_of(*facts)


def changed_image_only(s):
    image = s.kiln.out / "small.tar.zst"
    content = image.read_bytes()
    replace(image, content[:-1] + bytes([content[-1] ^ 1]))
    bad, done = digest(image), s.sign()
    return problems_of((done.returncode == 0, done.stderr), (digest(image) != bad, "it stays"), *((not p, p) for p in s.kiln.sums_problems()))


def lines_of_others(s):
    """A line of another image counts only with a good signature; one of this image only with a file."""
    sums, signature = s.kiln.out / "SHA256SUMS", s.kiln.out / "SHA256SUMS.gpg"
    kept = sums.read_bytes()
    sums.write_bytes(kept + b"0" * 64 + b"  other.tar.zst\n")
    before = s.kiln.outputs()
    refused = s.build("--sign", s.key.fingerprint, "--force")
    same = s.kiln.outputs() == before
    signature.write_bytes(subprocess.run(["gpg", "--batch", "--local-user", s.key.fingerprint, "--detach-sign", "--output", "-"],
                                         input=sums.read_bytes(), capture_output=True, check=True).stdout)
    covered = s.build("--sign", s.key.fingerprint, "--force")
    left = sums.read_text()
    sums.write_bytes(kept + b"0" * 64 + b"  small.tar\n")
    own = s.sign()
    _, kinds = s.verify(s.key)
    return problems_of((refused.returncode == TRUST and "other.tar.zst" in refused.stderr, refused.stderr), (same, "the refusal changed something"),
                       (covered.returncode == 0 and "  other.tar.zst\n" in left, f"{covered.stderr}{left}"),
                       (own.returncode == 0 and "  small.tar\n" not in sums.read_text(), f"{own.stderr}{sums.read_text()}"),
                       (not kinds, f"verify found {kinds}"))


CASES = {"an unsigned image is refused": unsigned, "an unknown key ends the build at once": no_such_key, "signed": signed,
         "provenance": provenance, "other keys": other_keys, "an expired key": expired, "an armored keyring": armored,
         "changed sums": changed_sums, "a changed artifact": changed_artifact,
          "a changed manifest": changed_manifest, "a build without --sign": removed_by_a_build,
         "an image that was changed before it is signed": changed_before_signing, "an image that differs from its signed digest": changed_image_only,
         "lines of other images": lines_of_others}


def main():
    require_root()
    if not shutil.which("gpg"):
        print("skip signed: gpg is missing")
        return 0
    check, work = Check(), work_directory()
    s = Signed(work)
    try:
        for name, case in CASES.items():
            check(f"signed: {name}", case(s))
    finally:
        for key in (s.key, s.other, s.old):
            key.stop()
        shutil.rmtree(work, ignore_errors=True)
    return 1 if check.failed else 0


sys.exit(main())
