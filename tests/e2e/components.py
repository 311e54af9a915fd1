#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A component in the directory of its recipe, the whole way: one C file, compiled without a network, installed, packed as an image that the
tree's containerd preloads, and named in image.json and the manifest, which warns of its end of life as of SOURCE_DATE_EPOCH. A file that
does not compile is named."""
import json
import shutil
import subprocess
import sys

from harness.build_env import BuildEnv, Check, read_members, require_root, sentences, work_directory

COMPONENT = """description: a program of this test
license: Apache-2.0
c: {}
programs:
  - {name: tiny, package: tiny.c, path: /usr/bin/tiny, check: [-v], output: "tiny {version}"}
images:
  - {name: example.org/tiny, program: tiny, path: /tiny, entrypoint: true}
minors: {"1.2": 2023-12-01}
"""
BEFORE_ITS_END, AFTER_IT = "1700000000", "1710000000"
SOURCE = '#include <stdio.h>\nint main(void)\n{\n\treturn puts("tiny " VERSION) < 0;\n}\n'
KEYS = ("architecture: amd64\nruntime: containerd\npackages: {base: [containerd]}\noutputs:\n  qcow2: {enabled: false}\n"
        "components: {tiny: 1.2.3}\n")
IMAGE, ABOUT, PROGRAM = "example.org/tiny:v1.2.3", "./etc/nodekiln/image.json", "./usr/bin/tiny"
STORE = "./var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"


def make(directory, source):
    kiln = BuildEnv(directory, KEYS)
    (directory / "components").mkdir()
    (directory / "components/tiny.yaml").write_text(COMPONENT)
    (directory / "components/tiny.c").write_text(source)
    return kiln


def member(kiln, name):
    return subprocess.run(["tar", "--zstd", "-xOf", kiln.out / "small.tar.zst", name], capture_output=True, check=True).stdout


def program_problems(kiln):
    """The installed program runs anywhere: it is static."""
    (kiln.directory / "tiny").write_bytes(member(kiln, PROGRAM))
    (kiln.directory / "tiny").chmod(0o755)
    printed = subprocess.run([kiln.directory / "tiny"], capture_output=True, text=True).stdout
    return [] if printed == "tiny 1.2.3\n" else [f"the installed program prints {printed!r}"]


def about_problems(kiln):
    about = json.loads(read_members(kiln.out / "small.tar.zst", (ABOUT,))[ABOUT])
    want = {"components": {"tiny": "1.2.3"}, "programs": ["/usr/bin/tiny"], "image_tags": {}, "images": [IMAGE]}
    problems = [f"image.json says {key} {about.get(key)}, expected {value}" for key, value in want.items() if about.get(key) != value]
    component = json.loads((kiln.out / "small.manifest.json").read_text())["components"][0]
    if (component["name"], component["version"], component["source"], len(component["key"])) != ("tiny", "1.2.3", "c", 64):
        problems.append(f"the manifest says {component}")
    return problems


def warning_problems(kiln):
    """The day on which the image is built makes no difference to the manifest; on the terminal it does."""
    problems = []
    for epoch, wanted in ((BEFORE_ITS_END, 0), (AFTER_IT, 1)):
        done = subprocess.run(kiln.build_argv(), env=kiln.environment() | {"SOURCE_DATE_EPOCH": epoch}, capture_output=True, text=True)
        warnings = json.loads((kiln.out / "small.manifest.json").read_text()).get("warnings")
        if done.returncode != 0 or warnings is None or len(warnings) != wanted:
            problems.append(f"with the epoch {epoch} the manifest's warnings are {warnings}, expected {wanted}: {done.stderr.strip()[-300:]}")
        if "tiny 1.2 has had no fixes since its end of life on 2023-12-01" not in done.stdout + done.stderr:
            problems.append(f"with the epoch {epoch} the build does not say that tiny's minor has ended")
    return problems


def main():
    require_root()
    check, work = Check(), work_directory()
    try:
        kiln = make(work / "good", SOURCE)
        done = kiln.build()
        built = done.returncode == 0
        check("a component is compiled and packed", [] if built else [done.stderr.strip()])
        if built:
            check("its program is installed", program_problems(kiln))
            check("image.json and the manifest name it", about_problems(kiln))
            check("the manifest warns as of the epoch", warning_problems(kiln))
            check("containerd's store has its image",
                  [] if IMAGE.encode() in member(kiln, STORE) else [f"{STORE} does not name {IMAGE}"])
        done = make(work / "broken", SOURCE.replace("puts", "gets_")).build()
        said = sentences(done.stderr)
        check("a file that does not compile is named",
              [] if done.returncode and len(said) == 1 and "component tiny" in said[0] and "tiny.c" in said[0] else [done.stderr])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return check.failed > 0


if __name__ == "__main__":
    sys.exit(main())
