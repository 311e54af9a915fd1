# SPDX-License-Identifier: Apache-2.0
"""A file without a name, in memory, as a block device, for builders that need one. The kernel frees both (autoclear) when the last
who has the device open is gone: nothing is left, however we end.

    with Device(Path("/dev/shm"), 4 << 30) as device:
        subprocess.run(["vmdb2", "--image", device.path, ...])
"""
import errno
import fcntl
import os
import struct

LOOP_CTL_GET_FREE, LOOP_CONFIGURE = 0x4C82, 0x4C0A
AUTOCLEAR, PARTSCAN = 4, 8
# struct loop_config: fd, block size, struct loop_info64 (its flags at 52 of 232 bytes), 64 bytes reserved.
CONFIG = "=II 52x I 176x 64x"
ATTEMPTS = 10


class Device:
    def __init__(self, directory, size):
        backing = os.open(directory, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC)
        control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
        try:
            os.ftruncate(backing, size)
            self.fd = self.attach(backing, control)
        finally:
            os.close(control)
            os.close(backing)

    def attach(self, backing, control):
        for _ in range(ATTEMPTS):
            self.path = f"/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}"
            fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(fd, LOOP_CONFIGURE, struct.pack(CONFIG, backing, 0, AUTOCLEAR | PARTSCAN))
                return fd
            except OSError as why:
                os.close(fd)
                if why.errno != errno.EBUSY:  # else another process was faster
                    raise
        raise OSError(errno.EBUSY, "every free loop device was taken by another process")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
