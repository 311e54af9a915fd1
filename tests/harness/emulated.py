# SPDX-License-Identifier: Apache-2.0
"""An emulated machine of chosen parts, watched by what it says on its serial lines: for guests without a login."""
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from harness.cases import Failed
from harness.process import die_with_parent

# The processor that an emulated Linux is fast on; builder/host/qemu.c says why.
PROCESSOR = "max,vendor=GenuineIntel,family=6,model=28,stepping=10,monitor=off"
OVMF_CODE, OVMF_VARIABLES = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"
LOOK_SECONDS = 0.3


def volume(path, files, label="cidata"):
    """An ISO with these files: {name: text}."""
    tree = Path(f"{path}.d")
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    subprocess.run(["genisoimage", "-quiet", "-V", label, "-r", "-J", "-o", path, tree], check=True)
    return path


class Machine:
    """Started with QEMU's arguments for its parts; `root` in them is the drive with an overlay over the image."""

    def __init__(self, work, image, parts, uefi=False, processor=PROCESSOR, processors="2", memory="1G"):
        self.work, self.lines = work, [work / "ttyS0", work / "ttyS1"]
        disk = work / "root.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", Path(image).resolve(), disk], check=True)
        argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg,thread=multi", "-cpu", processor,
                "-smp", processors, "-m", memory, "-device", "virtio-rng-pci", "-drive", f"if=none,id=root,format=qcow2,cache=unsafe,file={disk}",
                "-serial", f"file:{self.lines[0]}",
                "-chardev", f"socket,id=facts,path={work}/facts,server=on,wait=off,logfile={self.lines[1]}", "-serial", "chardev:facts",
                "-monitor", f"unix:{work}/monitor,server=on,wait=off", *(self.firmware() if uefi else []), *parts]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=open(work / "qemu", "wb"), preexec_fn=die_with_parent)

    def firmware(self):
        shutil.copy(OVMF_VARIABLES, self.work / "variables.fd")
        return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={OVMF_CODE}", "-drive",
                f"if=pflash,unit=1,format=raw,file={self.work}/variables.fd"]

    def said(self, line=0):
        """All of a serial line so far, without the codes that move a terminal's cursor."""
        text = self.lines[line].read_text(errors="replace") if self.lines[line].exists() else ""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)

    def wait(self, pattern, until, line=0):
        """Until the serial line has the pattern; returns its match. until: time.monotonic()."""
        while time.monotonic() < until:
            found = re.search(pattern, self.said(line))
            if found:
                return found
            if self.process.poll() is not None:
                raise Failed(f"QEMU ended with {self.process.returncode}: {(self.work / 'qemu').read_text()[-300:]}")
            time.sleep(LOOK_SECONDS)
        raise Failed(f"no {pattern!r} on ttyS{line}; its end: {self.said(0)[-600:]!r}")

    def write(self, name, text):
        """Writes to the machine's socket: `monitor` or `facts`."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.work}/{name}")
            s.sendall(text.encode())
            time.sleep(LOOK_SECONDS)

    def stop(self):
        self.process.kill()
        self.process.wait()
