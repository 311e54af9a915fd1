#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What users type by mistake: one sentence that names the file and what to do, the documented exit code, and every file as it was. A
mistake is a row of ROWS; none needs the network or root. mistakes.py [PATTERN] runs the rows whose name has PATTERN in it."""
import base64
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.build_env import RECIPE, TOP, USAGE, sentences
from harness.cases import report

NODEKILN = os.environ.get("NODEKILN") or TOP / "out/nodekiln"
NODE = "cluster: lab\nrole: init\nnode: {ip: 192.0.2.1}\n"
OTHER_KUBECONFIG = "apiVersion: v1\nkind: Config\nclusters: [{name: work, cluster: {server: 'https://192.0.2.9'}}]\n"
KEY = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32))
FILES = {
    "cp.yaml": NODE,
    "w.yaml": NODE.replace("init", "worker").replace("192.0.2.1}", "192.0.2.2}\ncontrol_plane_endpoint: 192.0.2.1:6443"),
    "mine.yaml": "name: mine\ninclude: [debian-12]\n",
    "notes.txt": "mine\n",
    "config": OTHER_KUBECONFIG,
    "dir/keep": "",
}


@dataclass
class Row:
    name: str
    command: str  # its words, split at blanks
    code: int
    says: tuple = ()
    before: tuple = ()  # commands that must succeed first
    files: tuple = ()  # (name, text or bytes), in addition to FILES


ROWS = [
    # An output never replaces what is no output of the same kind.
    Row("seed-over-its-node", "seed cp.yaml --out cp.yaml", USAGE, ("cp.yaml is there already and is no seed", "--out")),
    Row("seed-over-its-node-by-another-name", "seed cp.yaml --out ./dir/../cp.yaml", USAGE, ("is no seed",)),
    Row("seed-over-a-text", "seed cp.yaml -o notes.txt", USAGE, ("notes.txt is there already",)),
    Row("seed-over-its-secrets", "seed cp.yaml --secrets s --out ./s", USAGE, ("two outputs",)),
    Row("seed-over-its-kubeconfig", "seed cp.yaml --kubeconfig k --out dir/../k", USAGE, ("two outputs",)),
    Row("kubeconfig-over-its-secrets", "seed cp.yaml --secrets s --kubeconfig ./s", USAGE, ("two outputs",)),
    Row("kubeconfig-over-its-node", "seed cp.yaml --kubeconfig cp.yaml", USAGE, ("cp.yaml is there already", "kubeconfig")),
    Row("kubeconfig-over-that-of-others", "seed cp.yaml --kubeconfig config", USAGE, ("config is there already",)),
    *(Row(f"kubeconfig-by-force-over-{what}", f"seed cp.yaml --force --kubeconfig {what}", USAGE, (f"{what} is there already", "alone"))
      for what in ("cp.yaml", "config", "notes.txt", "dir")),
    Row("secrets-in-a-node", "seed cp.yaml --secrets w.yaml", RECIPE, ("w.yaml:1",)),
    Row("secrets-in-a-directory", "seed cp.yaml --secrets dir", 1, ("dir",)),
    Row("secrets-in-a-device", "seed cp.yaml --secrets /dev/null", USAGE, ("/dev/null is not a regular file",)),
    Row("seed-again-without-secrets", "seed cp.yaml", USAGE, ("cp.iso is a seed already", "--secrets", "--force"), ("seed cp.yaml",)),
    Row("seed-again-with-new-secrets", "seed cp.yaml w.yaml --secrets new", USAGE, ("cp.iso is a seed already",), ("seed cp.yaml w.yaml --secrets old",)),
    Row("kubeconfig-of-other-secrets", "seed cp.yaml -o x.iso --kubeconfig k", USAGE, ("k is there already",), ("seed cp.yaml --kubeconfig k",)),
    Row("several-seeds-in-a-file", "seed cp.yaml w.yaml --out notes.txt", USAGE, ("several seeds need a directory",)),
    Row("lock-over-its-recipe", "lock mine.yaml -o mine.yaml", USAGE, ("mine.yaml is there already and is not a lock",)),
    Row("lock-over-a-text", "lock mine.yaml -o notes.txt", USAGE, ("notes.txt is there already",)),
    Row("lock-over-a-directory", "lock mine.yaml -o dir", USAGE, ("dir is there already",)),
    Row("lock-over-a-device", "lock mine.yaml -o /dev/null", USAGE, ("/dev/null is there already",)),
    Row("build-into-a-file", "build mine.yaml --out notes.txt", USAGE, ("notes.txt", "directory")),

    # Files that are not there, or something else: code 3.
    *(Row(f"{name}-{what}", f"{command} {file}", RECIPE, says) for what, file, says in (
        ("not-there", "nothing.yaml", ("nothing.yaml", "No such file")), ("a-directory", "./dir", ("./dir is a directory; name a file",)))
      for name, command in (("plan", "plan"), ("lock", "lock"), ("build", "build"), ("seed", "seed"), ("key", "seed cp.yaml --ssh-key"),
                            ("user-data", "seed cp.yaml --user-data"), ("network", "seed cp.yaml --network"), ("base", "seed cp.yaml --lxc"),
                            ("verify", "verify"), ("inspect", "inspect"), ("boot", "boot"), ("diff", "diff cp.yaml"), ("deploy", "deploy"),
                            ("destroy", "destroy --yes"), ("roles", "roles"), ("target", "publish x --target"), ("locked", "build mine.yaml --lock"))),
    *(Row(f"{command}-a-text", f"{command} notes.txt", RECIPE, ("notes.txt",)) for command in ("inspect", "verify", "boot", "seed", "deploy")),

    # Networks in which a node does not come up, or is not reached.
    *(Row(f"network-{name}", f"seed cp.yaml {options}", code, says, files=(("cp.yaml", "cluster: lab\nrole: init\n" + more),))
      for name, options, code, says, more in (
          ("gateway-outside", "--address 203.0.113.7/32 --gateway 10.0.2.2", USAGE, ("outside of the network",), ""),
          ("gateway-itself", "--address 192.0.2.7/24 --gateway 192.0.2.7", USAGE, ("own address",), ""),
          ("network-address", "--address 192.0.2.0/24 --gateway 192.0.2.1", USAGE, ("address of the network itself",), ""),
          ("broadcast-address", "--address 192.0.2.255/24 --gateway 192.0.2.1", USAGE, ("broadcast",), ""),
          ("loopback", "--address 127.0.0.5/8 --gateway 127.0.0.1", USAGE, ("loopback",), ""),
          ("no-gateway", "--address 192.0.2.7/24", RECIPE, ("cp.yaml: the address 192.0.2.7/24 has no gateway",), ""),
          ("node-ip", "--address 192.0.2.7/24 --gateway 192.0.2.1", RECIPE, ("node.ip is 192.0.2.8",), "node: {ip: 192.0.2.8}\n"),
          ("pods", "--address 10.244.0.7/24 --gateway 10.244.0.1", RECIPE, ("networking.pod_subnet",), "networking: {pod_subnet: 10.244.0.0/16}\n"),
          ("services", "--address 10.96.0.7/24 --gateway 10.96.0.1", RECIPE, ("networking.service_subnet 10.96.0.0/12",), ""))),
    *(Row(f"network-file-{name}", "seed cp.yaml --network net.yaml", RECIPE, ("net.yaml:", word), files=(("net.yaml", text),))
      for name, text, word in (("empty", "", "this is empty"), ("tab", "version: 2\nethernets:\n\te: {dhcp4: true}\n", "invalid YAML"),
                               ("ifupdown", "auto eth0\niface eth0 inet dhcp\n", "this is no map"), ("version", "version: 3\n", "must be 1 or 2"),
                               ("without-cards", "version: 2\n", "version 2 has ethernets"),
                               ("network-address", "version: 2\nethernets: {e: {addresses: [192.0.2.0/24]}}\n", "address of the network itself"),
                               ("gateway-outside", "version: 2\nethernets: {e: {addresses: [192.0.2.7/24], gateway4: 198.51.100.1}}\n", "is outside"))),
    Row("endpoint-in-capitals", "seed cp.yaml", RECIPE, ("in lower case it is valid",), files=(("cp.yaml", NODE + "control_plane_endpoint: API.Lab.Example\n"),)),

    # Words that are nearly right.
    Row("command", "bild", USAGE, ("did you mean build?",)),
    Row("option-without-value", "seed cp.yaml --secrets --json", USAGE, ("--secrets needs a value: --secrets FILE",)),
    Row("option-with-empty-value", "seed cp.yaml --kubeconfig=", USAGE, ("--kubeconfig needs a value",)),
    Row("option", "seed cp.yaml --secrts x", USAGE, ("did you mean --secrets?",)),
    Row("option-with-value", "build --ot=x mine.yaml", USAGE, ("unknown option --ot; did you mean --out?",)),
    Row("topic", "help buld", USAGE, ("did you mean build?",)),
    Row("recipe", "plan debian13", RECIPE, ("did you mean debian-13?",)),
    Row("recipe-that-is-here", "plan mine", RECIPE, ("did you mean ./mine.yaml?",)),
    Row("key", "plan mine.yaml --set disk.sise=3G", RECIPE, ("unknown key 'sise' (did you mean 'size'?)",)),
    Row("key-with-a-map-below", "plan ./bad.yaml", RECIPE, ("./bad.yaml:3: unknown key 'oberlays'",),
        files=(("bad.yaml", "include: debian-12\n\noberlays:\n  vm:\n    - x\n"),)),
    Row("name-of-a-file", "plan ./My_Recipe.yaml", RECIPE, ("name is 'My_Recipe'",), files=(("My_Recipe.yaml", "include: debian-12\n"),)),
]

# What works: (name, commands, files, a word of the output).
RIGHT = [
    ("byte-order-mark", ("seed cp.yaml",), {"cp.yaml": b"\xef\xbb\xbf" + NODE.replace("\n", "\r\n").encode()}, "init cp of cluster lab"),
    ("byte-order-marks", ("seed cp.yaml --user-data ud.yaml --ssh-key k.pub --network net.yaml",),
     {"ud.yaml": b"\xef\xbb\xbf#cloud-config\r\nusers: []\r\n", "k.pub": b"\xef\xbb\xbfssh-ed25519 " + KEY + b" me\r\n",
      "net.yaml": b"\xef\xbb\xbfversion: 2\nethernets: {e: {dhcp4: true}}\n"}, "init cp of cluster lab"),
    ("yml", ("seed cp.yml",), {"cp.yml": NODE}, "cp.iso: init cp of cluster lab"),
    ("recipe-yml", ("plan its-file.yml",), {"its-file.yml": "include: [mine.yaml]\n"}, "recipe      its-file:"),
    ("named-by-its-file", ("plan ./its-file.yaml",), {"its-file.yaml": "include: [debian-12]\n"}, "recipe      its-file:"),
    ("named-by-an-option", ("plan its-file.yaml --set name=other",), {"its-file.yaml": "include: [debian-12]\n"}, "recipe      other:"),
    ("directories-are-made", ("seed cp.yaml w.yaml -o a/b", "seed cp.yaml -o c/d/cp.iso", "seed cp.yaml --out e/f/ --kubeconfig g/k"), {}, "e/f/cp.iso"),
    ("seed-again", ("seed cp.yaml w.yaml --secrets s --kubeconfig k",) * 2, {}, "w.iso: worker w"),
    ("seed-again-by-force", ("seed cp.yaml --kubeconfig k", "seed cp.yaml --kubeconfig k --force"), {}, "cp.iso: init"),
    ("seed-into-an-empty-file", ("seed cp.yaml -o empty",), {"empty": ""}, "empty: init cp"),
    ("version", ("version",), {}, "nodekiln "),
    ("short-help", ("-h",), {}, "usage: nodekiln COMMAND"),
    ("short-help-of-a-command", ("seed -h",), {}, "usage: nodekiln seed"),
    ("help-before-a-command", ("--help seed",), {}, "usage: nodekiln seed"),
]


def write(directory, files):
    for name, text in dict(files).items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def run(directory, command):
    return subprocess.run([NODEKILN, *command.split()], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=120)


def state(directory):
    """Each file's content, hidden ones too; and /dev/null, which root could replace."""
    found = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    return {**found, "/dev/null": Path("/dev/null").is_char_device()}


def problems_of(row, directory):
    write(directory, FILES)
    write(directory, row.files)
    for command in row.before:
        done = run(directory, command)
        if done.returncode:
            return [f"{command}: {done.stderr}"]
    before = state(directory)
    done = run(directory, row.command)
    said = sentences(done.stderr)
    problems = [f"exit code {done.returncode}, not {row.code}"] if done.returncode != row.code else []
    if len(said) != 1 or not done.stderr.rstrip().splitlines()[-1].startswith("error: "):
        problems.append(f"{len(said)} sentences")
    problems += [f"the sentence lacks '{word}'" for word in row.says if said and word not in said[-1]]
    after = state(directory)
    problems += [f"changed: {sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))}"] if before != after else []
    return problems + ([f"it said: {done.stderr.strip()[-400:]}"] if problems else [])


def faults_of(commands, files, word, directory):
    write(directory, {**FILES, **files})
    for command in commands:
        done = run(directory, command)
        if done.returncode:
            return [f"{command}: exit code {done.returncode}: {done.stderr.strip()[-400:]}"]
    return [] if word in done.stdout + done.stderr else [f"'{word}' is not in: {done.stdout + done.stderr}"]


def main():
    pattern, ok = "".join(sys.argv[1:2]), True
    cases = [(row.name, problems_of, (row,)) for row in ROWS] + [(name, faults_of, rest) for name, *rest in RIGHT]
    for name, function, arguments in cases:
        if pattern not in name:
            continue
        directory = Path(tempfile.mkdtemp(prefix="nodekiln-mistakes."))
        try:
            ok &= report(f"mistakes-{name}", function(*arguments, directory))
        finally:
            shutil.rmtree(directory)
    sys.exit(not ok)


if __name__ == "__main__":
    main()
