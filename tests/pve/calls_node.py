# SPDX-License-Identifier: Apache-2.0
"""Nodes themselves: space on the root filesystem, where uploads wait, and the certificate."""
import ssl
import subprocess

from .call import ANYBODY, method, perm

ROOT_TOTAL = 100 << 30


def root_free(cluster, node):
    return cluster.nodes[node].get("root-free", ROOT_TOTAL // 2)


@method("GET", "/nodes/{node}/status", perm("/nodes/{node}", "Sys.Audit"), protected=False)
def status(call):
    free = root_free(call.cluster, call.node())
    return {"pveversion": f"pve-manager/{call.fake.full_release}/0123456789abcdef", "uptime": 1000, "cpu": 0.01, "loadavg": ["0.00"] * 3,
            "rootfs": {"total": ROOT_TOTAL, "free": free, "avail": free, "used": ROOT_TOTAL - free},
            "memory": {"total": 32 << 30, "used": 4 << 30, "free": 28 << 30}}


@method("GET", "/nodes/{node}/certificates/info", ANYBODY, protected=False)
def certificates(call):
    call.node()
    leaf = call.fake.certificates.leaf
    text = subprocess.run(["openssl", "x509", "-in", leaf, "-noout", "-dates", "-subject", "-issuer"], check=True, capture_output=True,
                          text=True).stdout
    fields = dict(line.split("=", 1) for line in text.splitlines())
    seconds = {name: int(ssl.cert_time_to_seconds(fields[key])) for name, key in (("notbefore", "notBefore"), ("notafter", "notAfter"))}
    return [{"filename": "pve-ssl.pem", "fingerprint": call.fake.fingerprint, "subject": fields["subject"], "issuer": fields["issuer"],
             "san": list(call.fake.certificates.names), "public-key-type": "rsaEncryption",
             "public-key-bits": call.fake.certificates.bits, "pem": leaf.read_text(), **seconds}]
