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


def may_use(call, zone, name):
    """A bridge, or one of its VLANs."""
    path, found = f"/sdn/zones/{zone}/{name}", call.acl.entries
    return any(call.acl.check(call.who, one, ["SDN.Use", "SDN.Audit"], any_of=True, quiet=True)
               for one in [path, *(entry for entry in found if entry.startswith(path + "/"))])


@method("GET", "/nodes/{node}/network", ANYBODY)
def network(call):
    """Bridges, and with any_bridge VNets; only those that the caller may use."""
    node, wanted = call.cluster.nodes[call.node()], call.values.get("type")
    found = [{"iface": name, "type": "bridge", "active": 1} for name in node.get("bridges", ["vmbr0"]) if may_use(call, "localnetwork", name)]
    if wanted == "any_bridge":
        found += [{"iface": name, "type": "vnet", "active": 1} for name, zone in call.acl.vnets.items() if may_use(call, zone, name)]
    return [{"iface": "eno1", "type": "eth", "active": 1}, *found] if wanted is None else found


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
