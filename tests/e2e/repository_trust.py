#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`nodekiln lock` against repositories that are signed wrongly, damaged, old or away: what it refuses.

NODEKILN=PROGRAM runs another nodekiln; PATTERN arguments choose cases by name."""
import sys
import time

from harness.lock_cases import CASES, NETWORK, RECIPE, TRUST, case, main, versions


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
    w.refused(TRUST, "key.asc", "not an armored public key", **w.kubernetes("1.34"))


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
    w.refused(TRUST, "Packages", "does not match the signed Release file")


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


if __name__ == "__main__":
    sys.exit(main())
