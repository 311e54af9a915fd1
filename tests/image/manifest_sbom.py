#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""manifest_sbom.py [DIRECTORY]: compares the metadata of every image in a directory (out/) with the images. The manifest's and SHA256SUMS's
digests are true; the SBOM obeys the SPDX 2.3 JSON schema (what of it can be said without the schema: required fields, allowed
words, patterns, references); and it lists for each artifact exactly the packages that dpkg in the finished artifact knows."""
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))

ID = re.compile(r"^SPDXRef-[A-Za-z0-9.-]+$")
COMPILED = ("arch=source", "pkg:golang/")  # in a purl: what was compiled, which dpkg does not know
DATE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
URI = re.compile(r"^[a-z][a-z0-9+.-]*:[^#\s]+$")
PURL = re.compile(r"^pkg:(deb/[a-z]+/([^@]+)@([^?]+)\?arch=\w+&distro=\w+|golang/[^@?#\s]+@[^@?#\s]+)$")
GO_SUM = re.compile(r"^h1:[A-Za-z0-9+/]{43}=$")
CREATOR = re.compile(r"^(Person|Organization|Tool): .+$")
LOCATION = re.compile(r"^(NONE|NOASSERTION|[a-z+]+://\S+)$")
PURPOSES = {"APPLICATION", "FRAMEWORK", "LIBRARY", "CONTAINER", "OPERATING-SYSTEM", "DEVICE", "FIRMWARE", "SOURCE", "ARCHIVE", "FILE",
            "INSTALL", "OTHER"}
RELATIONS = {"DESCRIBES", "CONTAINS", "DEPENDS_ON", "GENERATED_FROM"}
DOCUMENT_KEYS = {"spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo", "packages", "relationships"}
PACKAGE_KEYS = {"SPDXID", "name", "versionInfo", "packageFileName", "downloadLocation", "filesAnalyzed", "supplier", "checksums",
                "licenseConcluded", "licenseDeclared", "copyrightText", "primaryPackagePurpose", "externalRefs", "comment",
                "summary"}


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(f.read()).hexdigest()


def document_problems(d):
    if d.keys() != DOCUMENT_KEYS:
        yield f"keys of the document: {sorted(d.keys() ^ DOCUMENT_KEYS)}"
        return
    if (d["spdxVersion"], d["dataLicense"], d["SPDXID"]) != ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"):
        yield "the document's head is not that of SPDX 2.3"
    if not URI.match(d["documentNamespace"]):
        yield f"documentNamespace {d['documentNamespace']}"
    if not DATE.match(d["creationInfo"]["created"]) or not all(CREATOR.match(c) for c in d["creationInfo"]["creators"]):
        yield f"creationInfo {d['creationInfo']}"


def package_problems(p):
    name = p.get("name", "?")
    if p.keys() - PACKAGE_KEYS or {"SPDXID", "name", "downloadLocation"} - p.keys():
        yield f"keys of {name}: {sorted(p.keys())}"
        return
    if not ID.match(p["SPDXID"]):
        yield f"id of {name}: {p['SPDXID']}"
    if not LOCATION.match(p["downloadLocation"]):
        yield f"downloadLocation of {name}: {p['downloadLocation']}"
    if p["primaryPackagePurpose"] not in PURPOSES:
        yield f"purpose of {name}: {p['primaryPackagePurpose']}"
    # Without filesAnalyzed, no packageVerificationCode and no licenseInfoFromFiles may be there (SPDX 2.3, 7.8).
    if p["filesAnalyzed"] is not False:
        yield f"filesAnalyzed of {name}"
    for c in p.get("checksums", []):
        if c["algorithm"] != "SHA256" or not re.fullmatch("[0-9a-f]{64}", c["checksumValue"]):
            yield f"checksum of {name}: {c}"
    for ref in p.get("externalRefs", []):
        form = {("PACKAGE-MANAGER", "purl"): PURL, ("OTHER", "go.sum"): GO_SUM}.get((ref["referenceCategory"], ref["referenceType"]))
        if not form or not form.match(ref["referenceLocator"]):
            yield f"reference of {name}: {ref}"


def relation_problems(d):
    ids = [p["SPDXID"] for p in d["packages"]]
    if len(ids) != len(set(ids)):
        yield "two packages have one id"
    known = set(ids) | {"SPDXRef-DOCUMENT"}
    for r in d["relationships"]:
        if r["relationshipType"] not in RELATIONS or {r["spdxElementId"], r["relatedSpdxElement"]} - known:
            yield f"relationship {r}"
    if not any(r["relationshipType"] == "DESCRIBES" for r in d["relationships"]):
        yield "the document describes nothing"


def spdx_problems(d):
    problems = list(document_problems(d))
    return problems or [*relation_problems(d), *(problem for p in d["packages"] for problem in package_problems(p))]


def digest_problems(directory, manifest, sbom):
    sums = dict(reversed(line.split("  ", 1)) for line in (directory / "SHA256SUMS").read_text().splitlines())
    said = {p.get("packageFileName"): p["checksums"][0]["checksumValue"] for p in sbom["packages"] if "packageFileName" in p}
    for a in manifest["artifacts"]:
        real = sha256(directory / a["file"])
        if (real, (directory / a["file"]).stat().st_size) != (a["sha256"], a["size"]):
            yield f"the manifest is wrong about {a['file']}"
        if sums.get(a["file"]) != real:
            yield f"SHA256SUMS is wrong about {a['file']}"
        if said.get(a["file"], real) != real:
            yield f"the SBOM is wrong about {a['file']}"


def is_compiled(package):
    return any(mark in ref["referenceLocator"] for mark in COMPILED for ref in package.get("externalRefs", []))


def source_problems(manifest, sbom):
    """What was compiled is there for scanners, with its source package's version and the files that it was made of."""
    by_id = {p["SPDXID"]: p for p in sbom["packages"]}
    compiled = {p["name"]: p for p in sbom["packages"] if is_compiled(p)}
    artifacts = [p for p in sbom["packages"] if "packageFileName" in p]
    base = {p["name"] for p in manifest["lock"]["packages"]["base"]}
    if "curl" not in compiled and not base & {"libcurl4", "libcurl4t64"}:
        yield "the agent's libcurl is missing"
    for source in manifest["lock"]["sources"]:
        package = compiled.get(source["name"])
        if not package or package["versionInfo"] != source["version"]:
            yield f"{source['name']} {source['version']} is {package}"
            continue
        made_of = {by_id[r["relatedSpdxElement"]]["checksums"][0]["checksumValue"] for r in sbom["relationships"]
                   if (r["spdxElementId"], r["relationshipType"]) == (package["SPDXID"], "GENERATED_FROM")}
        if made_of != {f["sha256"] for f in source["files"]}:
            yield f"{source['name']} is said to be made of {made_of}"
        inside = sum((r["relationshipType"], r["relatedSpdxElement"]) == ("CONTAINS", package["SPDXID"]) for r in sbom["relationships"])
        if inside != len(artifacts):
            yield f"{source['name']} is in {inside} of {len(artifacts)} artifacts"


def module_problems(manifest, sbom):
    """Every component that was compiled depends on each module of its part of the lock, with the sum in it."""
    by_id = {p["SPDXID"]: p for p in sbom["packages"]}
    for component in manifest["lock"]["components"]:
        sums = {sum for _, _, sum, _ in map(str.split, component.get("modules", [])) if sum != "-"}
        ids = [p["SPDXID"] for p in sbom["packages"] if (p["name"], p.get("versionInfo")) == (component["name"], component["version"])]
        if not ids:
            yield f"{component['name']} {component['version']} is missing"
            continue
        depends = [by_id[r["relatedSpdxElement"]] for r in sbom["relationships"]
                   if r["spdxElementId"] in ids and r["relationshipType"] == "DEPENDS_ON"]
        found = {ref["referenceLocator"] for p in [by_id[ids[0]], *depends] for ref in p.get("externalRefs", [])
                 if ref["referenceType"] == "go.sum"}
        if found != sums:
            yield f"{component['name']}: {len(sums - found)} modules are missing, {len(found - sums)} are not in the lock"


def package_set_problems(directory, manifest, sbom):
    # Preloaded images have packages of their own, which the node's dpkg does not know.
    in_images = {p["name"] for p in manifest["lock"]["packages"].get("image", [])}
    by_id = {p["SPDXID"]: p for p in sbom["packages"]}
    for artifact in (p for p in sbom["packages"] if "packageFileName" in p):
        said = subprocess.run([NODEKILN, "inspect", directory / artifact["packageFileName"], "--json"], check=True, capture_output=True)
        inside = {(p["name"], p["version"]) for p in json.loads(said.stdout)["packages"]}
        listed = {(by_id[r["relatedSpdxElement"]]["name"], by_id[r["relatedSpdxElement"]]["versionInfo"]) for r in sbom["relationships"]
                  if r["spdxElementId"] == artifact["SPDXID"] and "externalRefs" in by_id[r["relatedSpdxElement"]]
                  and not is_compiled(by_id[r["relatedSpdxElement"]])}
        if inside - listed or not listed:
            yield f"{artifact['name']} has packages that the SBOM lacks: {sorted(inside - listed)[:5]}"
        strangers = {name for name, _ in listed - inside} - in_images
        if strangers:
            yield f"{artifact['name']} lacks packages of the SBOM: {sorted(strangers)[:5]}"


def check(name, problems):
    problems = list(problems)
    print(f"not ok {name}: {'; '.join(problems[:8])}" if problems else f"ok {name}", flush=True)
    return bool(problems)


def main():
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else TOP / "out")
    failed = False
    manifests = sorted(directory.glob("*.manifest.json"))
    if not manifests:
        failed = check("metadata", [f"no manifest in {directory}; build an image first"])
    for path in manifests:
        manifest = json.loads(path.read_text())
        sbom = json.loads((directory / f"{manifest['name']}.spdx.json").read_text())
        failed |= check(f"{manifest['name']}: SPDX 2.3", spdx_problems(sbom))
        failed |= check(f"{manifest['name']}: digests", digest_problems(directory, manifest, sbom))
        failed |= check(f"{manifest['name']}: what was compiled", source_problems(manifest, sbom))
        failed |= check(f"{manifest['name']}: modules of components", module_problems(manifest, sbom))
        failed |= check(f"{manifest['name']}: SBOM against dpkg", package_set_problems(directory, manifest, sbom))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
