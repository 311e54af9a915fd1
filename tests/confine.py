#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""confine.py [--without CAPABILITY] PROGRAM ARGUMENT...: runs it as root in a container runs it, with the capabilities and the filter of
system calls that Docker has by default: no mount, no namespace. A process that starts so cannot get out of it. Not a test itself."""
import ctypes
import os
import platform
import struct
import sys

# Of linux/capability.h, what Docker leaves: https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities
LEFT = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8, "NET_BIND_SERVICE": 10,
        "NET_RAW": 13, "SYS_CHROOT": 18, "MKNOD": 27, "AUDIT_WRITE": 29, "SETFCAP": 31}
LAST_CAPABILITY = int(open("/proc/sys/kernel/cap_last_cap", encoding="ascii").read())

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# mount umount2 pivot_root unshare setns, and process_vm_readv process_vm_writev, which Docker allows since 23; those of the new mount
# API have the same numbers everywhere.
FORBIDDEN = {"x86_64": [165, 166, 155, 272, 308, 310, 311], "aarch64": [40, 39, 41, 97, 268, 270, 271]}[platform.machine()] + \
    [*range(428, 434), 442]
CLONE, CLONE3 = {"x86_64": 56, "aarch64": 220}[platform.machine()], 435
NAMESPACES = 0x7E020000  # the flags of clone(2) that make one

LOAD, EQUAL, ANY_BIT, ANSWER = 0x20, 0x15, 0x45, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JSET|K, BPF_RET|K
ALLOW, FAIL = 0x7FFF0000, 0x00050000
EPERM, ENOSYS = 1, 38
PR_CAPBSET_DROP, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 24, 22, 2


def rules():
    """(code, jump if true, jump if false, value); what is looked at is in struct seccomp_data."""
    program = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, ARCHITECTURES[platform.machine()]), (ANSWER, 0, 0, FAIL | ENOSYS), (LOAD, 0, 0, 0)]
    for number in FORBIDDEN:
        program += [(EQUAL, 0, 1, number), (ANSWER, 0, 0, FAIL | EPERM)]
    program += [(EQUAL, 0, 1, CLONE3), (ANSWER, 0, 0, FAIL | ENOSYS)]
    return program + [(EQUAL, 0, 3, CLONE), (LOAD, 0, 0, 16), (ANY_BIT, 0, 1, NAMESPACES), (ANSWER, 0, 0, FAIL | EPERM),
                      (ANSWER, 0, 0, ALLOW)]


def call(libc, *arguments):
    if libc.prctl(*arguments) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def confine(left):
    libc = ctypes.CDLL(None, use_errno=True)
    program = rules()
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in program))
    header = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(code)))
    call(libc, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header)
    for capability in set(range(LAST_CAPABILITY + 1)) - left:
        call(libc, PR_CAPBSET_DROP, capability, 0, 0, 0)


def main(arguments):
    left = dict(LEFT)
    if arguments[0] == "--without":
        del left[arguments[1]]
        arguments = arguments[2:]
    confine(set(left.values()))
    os.execvp(arguments[0], arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
