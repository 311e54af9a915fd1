#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small container templates, one good and each of the others wrong in one way: `nodekiln verify` must find exactly that."""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
NODEKILN = os.environ.get("NODEKILN", str(TOP / "out/nodekiln"))
GATE = 9

ABOUT = {"artifact": "lxc", "runtime": "containerd", "kubernetes": {"source": "packages", "version": "1.34.1"},
         "pause_image": "registry/pause:3.10", "images": ["registry/pause:3.10"], "units": ["containerd", "kubelet.service", "getty@tty1.service", "static.socket"]}
CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "registry/pause:3.10"\n'
WANTED = "[Unit]\n[Install]\nWantedBy=multi-user.target\n"
STORE = "./var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"
UNITS, ETC = "./usr/lib/systemd/system/", "./etc/systemd/system/"


class Link(str):
    pass


class Device:
    pass


class Directory:
    def __init__(self, mode=0o755, uid=0):
        self.mode, self.uid = mode, uid


class File:
    """A member with a mode, an owner or extended attributes of its own."""

    def __init__(self, content="x", mode=0o644, uid=0, gid=0, **xattrs):
        self.content, self.mode, self.uid, self.gid, self.xattrs = content, mode, uid, gid, xattrs


# dpkg's database: every file of the good image that is not a step's.
INFO = "./var/lib/dpkg/info/"
PACKAGED = ["/etc/debian_version", "/etc/os-release", "/bin/sh", "/sbin/init", "/etc/containerd/config.toml", "/usr/bin/kubelet",
            "/usr/bin/kubeadm", "/usr/bin/kubectl", "/usr/bin/su", "/usr/bin/ping", "/usr/bin/other", "/usr/share/doc/x/key.pem",
            "/etc/x.conf", "/usr/lib/python3/m.py",
            *(UNITS[1:] + unit for unit in ("containerd.service", "kubelet.service", "getty@.service", "static.socket"))]


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


STATUS = f"Package: base\nStatus: install ok installed\nConffiles:\n /etc/x.conf {md5('conf')}\n\n"
GOOD = {
    INFO + "base.list": "\n".join(PACKAGED) + "\n", "./var/lib/dpkg/status": STATUS,
    INFO + "base.md5sums": "".join(f"{md5('x')}  {path}\n" for path in ("usr/bin/su", "usr/bin/ping", "usr/bin/other")),
    "./usr/bin/su": File(mode=0o4755), "./usr/bin/ping": File(mode=0o755), "./usr/bin/other": File(mode=0o755),
    "./usr/share/doc/x/key.pem": "x", "./etc/x.conf": "conf", "./etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n",
    "./etc/group": "root:x:0:\ndaemon:x:1:\nsudo:x:27:\nusers:x:100:\n", "./etc/gshadow": "root:*::\nsudo:!::\n",
    "./usr/lib/python3/m.py": "x", "./usr/lib/python3/__pycache__/m.cpython-313.pyc": "x",
    "./etc/machine-id": "", "./etc/debian_version": "12.1\n", "./etc/os-release": "ID=debian\n", "./bin/sh": "x", "./sbin/init": "x",
    "./etc/shadow": "root:*:1::::::\nsshd:!:1::::::\n", "./etc/nodekiln/image.json": json.dumps(ABOUT),
    STORE: "bolt registry/pause:3.10 bolt",
    "./etc/containerd/config.toml": CONFIG, "./usr/bin/kubelet": "x", "./usr/bin/kubeadm": "x", "./usr/bin/kubectl": "x",
    UNITS + "containerd.service": WANTED, UNITS + "kubelet.service": WANTED, UNITS + "getty@.service": WANTED,
    UNITS + "static.socket": "[Unit]\n", "./var/log": Directory(), "./tmp": Directory(),
    ETC + "multi-user.target.wants/containerd.service": Link("/usr/lib/systemd/system/containerd.service"),
    ETC + "multi-user.target.wants/kubelet.service": Link("/usr/lib/systemd/system/kubelet.service"),
    ETC + "getty.target.wants/getty@tty1.service": Link("/usr/lib/systemd/system/getty@.service"),
}

# name: (what is added or replaced; None removes), and the findings' beginnings
CASES = {
    "good": ({}, []),
    "machine-id": ({"./etc/machine-id": "0123456789abcdef0123456789abcdef\n"}, ["/etc/machine-id is not empty"]),
    "no machine-id": ({"./etc/machine-id": None}, ["/etc/machine-id is missing"]),
    "host key": ({"./etc/ssh/ssh_host_rsa_key": "k"}, ["/etc/ssh/ssh_host_rsa_key exists"]),
    "root's key": ({"./root/.ssh/authorized_keys": "k"}, ["/root/.ssh/authorized_keys exists"]),
    "password": ({"./etc/shadow": "root:$y$x:1::::::\n"}, ["/etc/shadow: root has a password hash"]),
    "no password": ({"./etc/shadow": "root::1::::::\n"}, ["/etc/shadow: root has an empty password"]),
    "log": ({"./var/log/apt/term.log": "l"}, ["/var/log/apt/term.log exists"]),
    "seed": ({"./var/lib/cloud/seed/nocloud/user-data": "u"}, ["/var/lib/cloud/seed exists"]),
    "cluster credential": ({"./etc/kubernetes/admin.conf": "c"}, ["/etc/kubernetes/admin.conf exists"]),
    "resolv.conf": ({"./etc/resolv.conf": "nameserver 192.0.2.1\n"}, ["/etc/resolv.conf is not empty"]),
    "resolv.conf link": ({"./etc/resolv.conf": Link("/run/x")}, []),
    "unit off": ({ETC + "multi-user.target.wants/kubelet.service": None}, ["unit kubelet.service is not enabled"]),
    "instance off": ({ETC + "getty.target.wants/getty@tty1.service": None}, ["unit getty@tty1.service is not enabled"]),
    "unit missing": ({UNITS + "containerd.service": None}, ["unit containerd.service is not in the image", ETC[1:] + "multi-user.target.wants/containerd.service is not of"]),
    "unit masked": ({ETC + "containerd.service": Link("/dev/null")}, ["unit containerd.service is masked"]),
    "pause image": ({"./etc/containerd/config.toml": CONFIG.replace("3.10", "3.2")},
                    ["containerd's sandbox image is registry/pause:3.2, kubeadm's pause image is registry/pause:3.10"]),
    "no containerd config": ({"./etc/containerd/config.toml": None}, ["/etc/containerd/config.toml is missing"]),
    "no image store": ({STORE: None}, ["the image registry/pause:3.10 is listed as preloaded"]),
    "another image": ({STORE: "bolt registry/pause:3.9 bolt"}, ["the image registry/pause:3.10 is listed as preloaded"]),
    "no kubeadm": ({"./usr/bin/kubeadm": None}, ["/usr/bin/kubeadm is missing"]),
    "not ours": ({"./etc/nodekiln/image.json": None}, ["/etc/nodekiln/image.json is missing"]),
    "broken json": ({"./etc/nodekiln/image.json": "{"}, ["/etc/nodekiln/image.json"]),
    "a vm's tree": ({"./etc/nodekiln/image.json": json.dumps({**ABOUT, "artifact": "vm"})}, ["/etc/nodekiln/image.json says"]),
    "device": ({"./dev/null": Device()}, ["member ./dev/null is a device node"]),
    "no os-release": ({"./etc/os-release": None}, ["/etc/os-release is missing"]),
    "no debian_version": ({"./etc/debian_version": None}, ["/etc/debian_version is missing"]),
}
PEM = "-----BEGIN {}PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"
KUBECONFIG = "apiVersion: v1\nusers:\n- user:\n    client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ==\n"
ABOUT_FILES = json.dumps({**ABOUT, "files": ["/etc/mine", "/usr/bin/mine", "/etc/x.conf"]})
CAPABILITY = {"security.capability": "\x01\0\0\2\0 \0\0" + "\0" * 12}

RANDOM = "".join(chr(b) for n in range(4) for b in hashlib.sha256(bytes([n])).digest())
ISCSI = "## This node makes its own name when iscsid starts for the first time.\nGenerateName=yes\n"
NOTE = "./etc/nodekiln/first-boot-keys/base"
WANTS = ETC + "sysinit.target.wants/nodekiln-keys@base.service"
FIRST_BOOT = {NOTE: "/etc/key\n", WANTS: Link("/etc/systemd/system/nodekiln-keys@.service"), ETC + "nodekiln-keys@.service": "[Unit]\n",
              INFO + "base.postinst": File("#!/bin/sh\n", mode=0o755),
              "./etc/nodekiln/image.json": json.dumps({**ABOUT, "files": ["/etc/systemd/system/nodekiln-keys@.service"]})}
ACCOUNT = {"./etc/passwd": "root:x:0:0:root:/root:/bin/bash\n_x:x:105:105::/:/usr/sbin/nologin\n"}

# Ways to log in, secrets, and files that no package or step has. name: (changes, the kind and the path of each finding)
KINDS = {
    "second root": ({"./etc/passwd": "root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n"}, ["root-account /etc/passwd"]),
    "uid 00": ({"./etc/passwd": "root:x:0:0::/:/bin/sh\nzero:x:00:5::/:/bin/sh\n"}, ["root-account /etc/passwd"]),
    "uid 2^32": ({"./etc/passwd": "root:x:0:0::/:/bin/sh\nwrap:x:4294967296:5::/:/bin/sh\n"}, ["root-account /etc/passwd"]),
    "empty password in passwd": ({"./etc/passwd": "root::0:0::/:/bin/sh\n"}, ["password /etc/passwd"]),
    "hash in passwd": ({"./etc/passwd": "root:$6$x$y:0:0::/:/bin/sh\n"}, ["password /etc/passwd"]),
    "hash in gshadow": ({"./etc/gshadow": "sudo:$6$x$y::\n"}, ["password /etc/gshadow"]),
    "member of sudo": ({"./etc/group": "sudo:x:27:daemon\n"}, ["privileged-group /etc/group"]),
    "member of gid 0": ({"./etc/group": "mine:x:0:daemon\n"}, ["privileged-group /etc/group"]),
    "member of users": ({"./etc/group": "users:x:100:daemon\n"}, []),
    "a user's key": ({"./home/u/.ssh/authorized_keys": "ssh-ed25519 A\n"}, ["authorized-key /home/u/.ssh/authorized_keys"]),
    "a user's second file": ({"./var/lib/u/.ssh/authorized_keys2": "ssh-ed25519 A\n"}, ["authorized-key /var/lib/u/.ssh/authorized_keys2"]),
    "keys in /etc": ({"./etc/ssh/authorized_keys.d/root": "ssh-ed25519 A\n"}, ["authorized-key /etc/ssh/authorized_keys.d/root"]),
    "a trusted CA of users": ({"./etc/ssh/sshd_config.d/a.conf": "TrustedUserCAKeys /etc/ca\n"}, ["authorized-key /etc/ssh/sshd_config.d/a.conf"]),
    "rhosts": ({"./root/.rhosts": "+ +\n"}, ["authorized-key /root/.rhosts"]),
    **{f"private key: {label or 'plain'}": ({"./etc/k.pem": PEM.format(label)}, ["private-key /etc/k.pem"])
       for label in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ")},
    "private key in an odd place": ({"./srv/data/note.txt": "my key:\n" + PEM.format("RSA ")}, ["private-key /srv/data/note.txt"]),
    "private key in JSON": ({"./srv/k.json": json.dumps({"key": PEM.format("")})}, ["private-key /srv/k.json"]),
    "private key in a layer": ({"./var/lib/containerd/s/1/fs/etc/k": PEM.format("")}, ["private-key /var/lib/containerd/s/1/fs/etc/k"]),
    "private key of a package's documentation": ({"./usr/share/doc/x/key.pem": PEM.format("")}, []),
    "a program that knows the label": ({"./srv/lib": "-----BEGIN RSA PRIVATE KEY-----\0-----END"}, ["unknown-file /srv/lib"]),
    "dropbear's host key": ({"./etc/dropbear/k": "\0\0\0\x0bssh-ed25519\0\0\0@xxxx"}, ["private-key /etc/dropbear/k"]),
    "a key in DER": ({"./etc/k.der": "\x30\x0a\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70"}, ["private-key /etc/k.der"]),
    "a certificate in DER": ({"./etc/k.der": "\x30\x0a\x30\x08\x00\x30\x05\x06\x03\x2b\x65\x70"}, ["unknown-file /etc/k.der"]),
    "random bytes": ({"./etc/munge/munge.key": File(RANDOM, mode=0o400)}, ["private-key /etc/munge/munge.key"]),
    "bytes that are not random": ({"./etc/table": File("\0\1\2\3" * 32, mode=0o600)}, ["unknown-file /etc/table"]),
    "a cookie": ({"./var/lib/rabbitmq/.erlang.cookie": File("KWHNJDVCQPXTRSMLBZAY", mode=0o400)}, ["private-key /var/lib/rabbitmq/.erlang.cookie"]),
    "a control key": ({"./etc/bind/rndc.key": File('key "rndc-key" {\n\talgorithm hmac-sha256;\n\tsecret "q0Zt4yXyMyq8k1vVwC5nJ2rTgDfP9hLb3sAeUoIxRzE=";\n};\n', mode=0o640)},
                      ["private-key /etc/bind/rndc.key"]),
    "a machine's name": ({"./etc/nvme/id": "nqn.2014-08.org.nvmexpress:uuid:3f1d6a1c-7a0e-4c1b-9d4e-5b6a7c8d9e0f\n"}, ["leftover /etc/nvme/id"]),
    "a machine's number": ({"./etc/x/name": "InitiatorName=iqn.1993-08.org.debian:01:f3a2b4c5d6e7\n"}, ["leftover /etc/x/name"]),
    "a file with plain words": ({"./etc/x/conf": File("# generated 20260102\nlisten = 127.0.0.1:8080\nlog = /var/log/x/access.log\n", mode=0o600)},
                                ["unknown-file /etc/x/conf"]),
    "iscsid without a name": ({"./usr/sbin/iscsid": File(mode=0o755), INFO + "iscsi.list": "/usr/sbin/iscsid\n"},
                              ["leftover /etc/iscsi/initiatorname.iscsi"]),
    "iscsid with a name": ({"./usr/sbin/iscsid": File(mode=0o755), INFO + "iscsi.list": "/usr/sbin/iscsid\n",
                            "./etc/iscsi/initiatorname.iscsi": "InitiatorName=iqn.1993-08.org.debian:01:f3a2b4c5d6e7\n"},
                           ["leftover /etc/iscsi/initiatorname.iscsi"]),
    "iscsid that makes its name": ({"./usr/sbin/iscsid": File(mode=0o755), INFO + "iscsi.list": "/usr/sbin/iscsid\n",
                                    "./etc/iscsi/initiatorname.iscsi": ISCSI}, []),
    "a name without iscsid": ({"./etc/iscsi/initiatorname.iscsi": ISCSI}, ["leftover /etc/iscsi/initiatorname.iscsi"]),
    "a key for the first boot": (FIRST_BOOT, []),
    "a key for the first boot that is there": ({**FIRST_BOOT, "./etc/x.conf": "conf", NOTE: "/etc/x.conf\n"},
                                               ["unknown-program /etc/nodekiln/first-boot-keys/base"]),
    "a first boot without the unit": ({**FIRST_BOOT, WANTS: None}, ["unit /etc/nodekiln/first-boot-keys/base"]),
    "a first boot of no package": ({NOTE: None, NOTE + "less": "/etc/key\n"},
                                   ["unknown-program /etc/nodekiln/first-boot-keys/baseless", "unit /etc/nodekiln/first-boot-keys/baseless"]),
    "a service's own directory": ({"./etc/x": Directory(uid=105), **ACCOUNT, INFO + "x-server.list": "/etc/x\n"}, []),
    "a service's other directory": ({"./etc/y": Directory(uid=105), **ACCOUNT, INFO + "y-server.list": "/etc/y\n"},
                                    ["writable /etc/y"]),
    "apt's password": ({"./etc/apt/auth.conf.d/a.conf": "machine h login u password p\n"}, ["credential /etc/apt/auth.conf.d/a.conf"]),
    "apt's URL": ({"./etc/apt/sources.list": "deb https://u:p@h/debian stable main\n"}, ["credential /etc/apt/sources.list"]),
    "apt's proxy": ({"./etc/apt/apt.conf.d/9p": 'Acquire::http::Proxy "http://u:p@h:3128";\n'}, ["credential /etc/apt/apt.conf.d/9p"]),
    "environment": ({"./etc/environment": "DB_PASSWORD=hunter2\n"}, ["credential /etc/environment"]),
    "environment's proxy": ({"./etc/environment": "https_proxy=http://u:p@h:3128\n"}, ["credential /etc/environment"]),
    "environment without a secret": ({"./etc/environment": "PATH=/bin\n# PASSWORD=x\nTOKEN=\nMY_TOKEN=$OTHER\n"}, []),
    "a unit's environment": ({ETC + "containerd.service.d/p.conf": '[Service]\nEnvironment="API_TOKEN=abc"\n'},
                             ["credential /etc/systemd/system/containerd.service.d/p.conf"]),
    "netrc": ({"./root/.netrc": "machine h login u password p\n"}, ["credential /root/.netrc"]),
    "git's credentials": ({"./root/.git-credentials": "https://u:p@h\n"}, ["credential /root/.git-credentials"]),
    "docker's configuration": ({"./root/.docker/config.json": '{"auths": {"h": {"auth": "dTpw"}}}'}, ["credential /root/.docker/config.json"]),
    "kubelet's registries": ({"./var/lib/kubelet/config.json": '{"auths": {"h": {"auth": "dTpw"}}}'}, ["credential /var/lib/kubelet/config.json"]),
    "containerd's registries": ({"./etc/containerd/certs.d/h/hosts.toml": '[header]\nauthorization = "Basic dTpw"\n'},
                                ["credential /etc/containerd/certs.d/h/hosts.toml"]),
    "kubectl's configuration": ({"./root/.kube/config": "apiVersion: v1\n"}, ["credential /root/.kube/config"]),
    "a kubeconfig": ({"./srv/my-kubeconfig.yaml": KUBECONFIG}, ["private-key /srv/my-kubeconfig.yaml", "credential /srv/my-kubeconfig.yaml"]),
    "a cloud's key": ({"./root/.aws/credentials": "[default]\n"}, ["credential /root/.aws/credentials"]),
    "setuid without a package": ({"./usr/bin/rootme": File(mode=0o4755)}, ["setuid /usr/bin/rootme"]),
    "setgid without a package": ({"./opt/x": File(mode=0o2755)}, ["setuid /opt/x"]),
    "setuid of a package's plain program": ({"./usr/bin/other": File(mode=0o4755)}, ["setuid /usr/bin/other"]),
    "setgid instead of setuid": ({"./usr/bin/su": File(mode=0o2755)}, ["setuid /usr/bin/su"]),
    "another su": ({"./usr/bin/su": File("evil", mode=0o4755)}, ["changed-file /usr/bin/su"]),
    "ping's capability": ({"./usr/bin/ping": File(mode=0o755, **CAPABILITY)}, []),
    "a capability without a package": ({"./usr/bin/other": File(mode=0o755, **CAPABILITY)}, ["capability /usr/bin/other"]),
    "ld.so.preload": ({"./etc/ld.so.preload": "/usr/lib/evil.so\n"}, ["preload /etc/ld.so.preload"]),
    "an empty ld.so.preload": ({"./etc/ld.so.preload": ""}, ["unknown-file /etc/ld.so.preload"]),
    "LD_PRELOAD": ({"./etc/environment": "LD_PRELOAD=/usr/lib/evil.so\n"}, ["preload /etc/environment"]),
    "world-writable file": ({"./etc/x.conf": File("conf", mode=0o666)}, ["writable /etc/x.conf"]),
    "world-writable directory": ({"./srv/d": Directory(0o777)}, ["writable /srv/d"]),
    "sticky directory": ({"./srv/d": Directory(0o1777)}, []),
    "another owner": ({"./usr/bin/other": File(mode=0o755, uid=1000)}, ["writable /usr/bin/other"]),
    "group-writable": ({"./usr/bin/other": File(mode=0o775, gid=1000)}, ["writable /usr/bin/other"]),
    "changed program": ({"./usr/bin/other": File("evil", mode=0o755)}, ["changed-file /usr/bin/other"]),
    "changed configuration": ({"./etc/x.conf": "evil"}, ["changed-file /etc/x.conf"]),
    "configuration of an overlay": ({"./etc/x.conf": "ours", "./etc/nodekiln/image.json": ABOUT_FILES}, []),
    "a missing program": ({"./usr/bin/other": None}, ["changed-file /usr/bin/other"]),
    "a missing configuration": ({"./etc/x.conf": None}, ["changed-file /etc/x.conf"]),
    "a missing kernel of a container": ({INFO + "base.md5sums": f"{md5('x')}  boot/vmlinuz\n{md5('x')}  usr/lib/modules/6.1/a.ko\n"}, []),
    "a missing file that is diverted": ({"./usr/bin/other": None, "./usr/bin/other.real": File(mode=0o755),
                                         "./var/lib/dpkg/diversions": "/usr/bin/other\n/usr/bin/other.real\nbase\n"}, []),
    "a link in a program's place": ({"./usr/bin/other": Link("su")}, ["changed-file /usr/bin/other"]),
    "a link of an overlay": ({"./etc/x.conf": Link("passwd"), "./etc/nodekiln/image.json": ABOUT_FILES}, []),
    "a large file": ({"./usr/bin/other": File("x" * (3 << 20), mode=0o755), INFO + "base.md5sums": f"{md5('x' * (3 << 20))}  usr/bin/other\n"}, []),
    "a program in a cache": ({"./var/cache/evil": File(mode=0o755)}, ["unknown-program /var/cache/evil"]),
    "a program in dpkg's database": ({"./var/lib/dpkg/evil": File(mode=0o755)}, ["unknown-program /var/lib/dpkg/evil"]),
    "a package's script": ({INFO + "base.postinst": File(mode=0o755)}, []),
    "a file of depmod": ({"./usr/lib/modules/6.1/modules.dep.bin": "x"}, []),
    "a module like a file of depmod": ({"./usr/lib/modules/6.1/modules.x.ko": "x"}, ["unknown-program /usr/lib/modules/6.1/modules.x.ko"]),
    "a file of depmod elsewhere": ({"./usr/lib/modules/6.1/kernel/modules.dep": "x"}, ["unknown-program /usr/lib/modules/6.1/kernel/modules.dep"]),
    "unknown program": ({"./usr/bin/mine": File(mode=0o755)}, ["unknown-program /usr/bin/mine"]),
    "program of an overlay": ({"./usr/bin/mine": File(mode=0o755), "./etc/nodekiln/image.json": ABOUT_FILES}, []),
    "unknown unit": ({ETC + "evil.service": "[Service]\n"}, ["unknown-program /etc/systemd/system/evil.service"]),
    "unknown cron job": ({"./etc/cron.d/evil": "* * * * * root x\n"}, ["unknown-program /etc/cron.d/evil"]),
    "unknown sudo rule": ({"./etc/sudoers.d/evil": "x ALL=NOPASSWD: ALL\n"}, ["unknown-program /etc/sudoers.d/evil"]),
    "unknown byte code": ({"./usr/lib/python3/__pycache__/evil.cpython-313.pyc": "x"},
                          ["unknown-program /usr/lib/python3/__pycache__/evil.cpython-313.pyc"]),
    "unknown file": ({"./srv/data": "d"}, ["unknown-file /srv/data"]),
    "a link to a package's file": ({"./usr/bin/alias": Link("other")}, []),
    "a link to nowhere": ({"./usr/bin/alias": Link("nothing")}, ["unknown-file /usr/bin/alias"]),
    "no package database": ({"./var/lib/dpkg/status": None}, ["origin /var/lib/dpkg/status"]),
}
WARNINGS = ("unknown-file",)

# The same for Docker.
DOCKER_STORE, DOCKER_ID = "./var/lib/docker/image/overlay2/", "3a" * 32
DOCKER_IMAGES = {"Repositories": {"registry:5000/pause": {"registry:5000/pause:3.10": f"sha256:{DOCKER_ID}"}}}
CRI_DOCKERD = "[Service]\nExecStart=/usr/bin/cri-dockerd --pod-infra-container-image=registry:5000/pause:3.10\n"
DOCKER = {
    **GOOD, STORE: None, "./etc/containerd/config.toml": None,
    "./etc/nodekiln/image.json": json.dumps({**ABOUT, "runtime": "docker", "pause_image": "registry:5000/pause:3.10",
                                             "images": ["registry:5000/pause:3.10"], "files": ["/etc/systemd/system/cri-docker.service"]}),
    "./etc/systemd/system/cri-docker.service": CRI_DOCKERD,
    DOCKER_STORE + "repositories.json": json.dumps(DOCKER_IMAGES), f"{DOCKER_STORE}imagedb/content/sha256/{DOCKER_ID}": "{}",
}
NOT_PRELOADED = "the image registry:5000/pause:3.10 is listed as preloaded, but Docker's store lacks it"
DOCKER_CASES = {
    "Docker": ({}, []),
    "dockershim": ({"./etc/systemd/system/cri-docker.service": None}, []),
    "Docker without store": ({DOCKER_STORE + "repositories.json": None}, [NOT_PRELOADED]),
    "Docker's broken store": ({DOCKER_STORE + "repositories.json": "{"}, ["/var/lib/docker/image/overlay2", NOT_PRELOADED]),
    "Docker's other image": ({DOCKER_STORE + "repositories.json": json.dumps(DOCKER_IMAGES).replace("3.10", "3.9")}, [NOT_PRELOADED]),
    "Docker's name without image": ({f"{DOCKER_STORE}imagedb/content/sha256/{DOCKER_ID}": None}, [NOT_PRELOADED]),
    "Docker's key": ({"./etc/docker/key.json": "{}"}, ["/etc/docker/key.json exists"]),
    "Docker's identity": ({"./var/lib/docker/engine-id": "i"}, ["/var/lib/docker/engine-id exists"]),
    "Docker's networks": ({"./var/lib/docker/network/files/local-kv.db": "n"}, ["/var/lib/docker/network exists"]),
    "a container": ({"./var/lib/docker/containers/c": "c"}, ["/var/lib/docker/containers exists"]),
    "cri-dockerd's pause image": ({"./etc/systemd/system/cri-docker.service": CRI_DOCKERD.replace("3.10", "3.1")},
                                  ["/etc/systemd/system/cri-docker.service does not give cri-dockerd kubeadm's pause image"]),
}
# name: a change of one member's header, and the finding
HEADERS = {
    "absolute": (lambda m: setattr(m, "name", "/etc/x"), ["member /etc/x is not below ./"]),
    "plain": (lambda m: setattr(m, "name", "etc/x"), ["member etc/x is not below ./", "/etc/x is not of"]),
    "large id": (lambda m: setattr(m, "uid", 65536), ["member ./etc/x belongs to an id beyond 65535", "/etc/x belongs to user 65536"]),
}


def member(name, what):
    m = tarfile.TarInfo(name)
    m.mode = 0o755
    if isinstance(what, Link):
        m.type, m.linkname = tarfile.SYMTYPE, what
    elif isinstance(what, Device):
        m.type, m.devmajor, m.devminor = tarfile.CHRTYPE, 1, 3
    elif isinstance(what, Directory):
        m.type, m.mode, m.uid = tarfile.DIRTYPE, what.mode, what.uid
    elif isinstance(what, File):
        m.mode, m.uid, m.gid, m.size = what.mode, what.uid, what.gid, len(what.content)
        m.pax_headers = {f"SCHILY.xattr.{name}": value for name, value in what.xattrs.items()}
        return m, io.BytesIO(what.content.encode("latin-1"))
    else:
        m.mode, m.size = 0o755 if "bin/" in name else 0o644, len(what)
    return m, io.BytesIO(what.encode("latin-1") if m.isreg() else b"")


def template(path, tree, extra=None):
    kept = {name: what for name, what in tree.items() if what is not None}
    parents = {str(p) for name in kept for p in Path(name).parents if str(p) != "."}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, what in sorted({**{f"./{p}": Directory() for p in parents}, **kept}.items()):
            m, data = member(name, what)
            tar.addfile(m, data)
        if extra:
            m, data = member("./etc/x", "x")
            extra(m)
            tar.addfile(m, data)


def findings(path, kinds=False):
    done = subprocess.run([NODEKILN, "verify", "--json", path], capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return [f"exit status {done.returncode}, {done.stderr.strip()}"]
    listed = answer["files"][0]["findings"]
    errors = [f for f in listed if f["severity"] == "error"]
    found = [f"{f['kind']} {f['path']}" if kinds else f["message"] for f in listed]
    if done.returncode != (GATE if errors else 0) or answer["passed"] != (not errors):
        found.append(f"exit status {done.returncode}")
    found += [f"severity of {f['kind']}" for f in listed if (f["severity"] == "warning") != (f["kind"] in WARNINGS)]
    return found


def result(name, found, want):
    fine = len(found) == len(want) and all(f.startswith(w) for f, w in zip(found, want))
    print(f"ok verify: {name}" if fine else f"not ok verify: {name}: found {found}, want {want}")
    return fine


def check_outputs(work):
    """--accept and --sarif: one finding is accepted by its kind and path, another kind or path is not."""
    path = work / "case.tar"
    template(path, {**GOOD, "./usr/bin/other": File(mode=0o4755)})

    def verify(*options):
        return subprocess.run([NODEKILN, "verify", *options, path], capture_output=True, text=True)
    sarif = json.loads(verify("--sarif").stdout)
    results, rules = sarif["runs"][0]["results"], sarif["runs"][0]["tool"]["driver"]["rules"]
    one = results[0]
    checks = {
        "SARIF has the finding": sarif["version"] == "2.1.0" and len(results) == 1 and one["ruleId"] == "setuid" and one["level"] == "error",
        "SARIF says where": one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "/usr/bin/other",
        "SARIF has the rule": rules[one["ruleIndex"]]["id"] == "setuid",
        "accepted": verify("--accept", "setuid:/usr/bin/other").returncode == 0,
        "accepted by a pattern": verify("--accept", "setuid:/usr/bin/*").returncode == 0,
        "another path is not": verify("--accept", "setuid:/usr/bin/su").returncode == GATE,
        "another kind is not": verify("--accept", "writable:/usr/bin/other").returncode == GATE,
        "SARIF says so": "suppressions" in json.loads(verify("--sarif", "--accept", "setuid:*").stdout)["runs"][0]["results"][0],
        "an unknown kind is an error": verify("--accept", "nothing:*").returncode == 2,
    }
    for name, fine in checks.items():
        print(f"ok verify: {name}" if fine else f"not ok verify: {name}")
    return all(checks.values())


def check_sums(work, path):
    hexes = hashlib.sha256(path.read_bytes()).hexdigest()
    for name, line, want in (("sum matches", f"{hexes}  {path.name}\n", []),
                             ("sum differs", f"{'0' * 64}  {path.name}\n", ["its sha256 is"]),
                             ("no sum", f"{hexes}  other\n", ["SHA256SUMS in its directory has no line for"])):
        (work / "SHA256SUMS").write_text(line)
        yield result(name, findings(path), want)


def main():
    with tempfile.TemporaryDirectory(prefix="nodekiln-verify-") as work:
        work, fine = Path(work), True
        path = work / "case.tar"
        for name, (changes, want) in CASES.items():
            template(path, {**GOOD, **changes})
            fine &= result(name, findings(path), want)
        for name, (changes, want) in DOCKER_CASES.items():
            template(path, {**DOCKER, **changes})
            fine &= result(name, findings(path), want)
        for name, (changes, want) in KINDS.items():
            template(path, {**GOOD, **changes})
            fine &= result(name, findings(path, kinds=True), want)
        fine &= check_outputs(work)
        for name, (change, want) in HEADERS.items():
            template(path, GOOD, change)
            fine &= result(name, findings(path), want)
        template(path, GOOD)
        fine &= all(list(check_sums(work, path)))
    return 0 if fine else 1


sys.exit(main())
