# SPDX-License-Identifier: Apache-2.0
"""Named formats of parameters. A check returns nothing or raises Malformed with the server's words."""
import ipaddress
import re

DNS_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
DNS_NAME = rf"({DNS_LABEL}\.)*{DNS_LABEL}"
NODE_NAME = DNS_LABEL
CONFIG_ID = "[a-zA-Z][a-zA-Z0-9_-]+"
USER_ID = r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+"
TOKEN_ID = USER_ID + r"![A-Za-z][A-Za-z0-9.\-_]+"
TAG = r"[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*"
SIZE = r"\d+(\.\d+)?([KMGT](iB)?)?"
VOLUME_ID = r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+"


class Malformed(ValueError):
    pass


def split_list(text):
    if "\0" in text:
        return text.split("\0")
    return re.sub("[,;]", " ", text).split()


def by_pattern(pattern, message):
    def check(value):
        if not re.fullmatch(pattern, value, re.ASCII):
            raise Malformed(message.replace("VALUE", value))
    return check


def identifier(kind):
    def check(value):
        if len(value) < 2:
            raise Malformed(f"{kind} ID '{value}' cannot be shorter than 2 characters")
        if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]", value):
            raise Malformed(f"{kind} ID '{value}' contains illegal characters")
    return check


def address(kind, name):
    def check(value):
        try:
            kind(value)
        except ValueError:
            raise Malformed(f"value does not look like a valid {name}") from None
    return check


def any_of(message, *checks):
    def check(value):
        for one in checks:
            try:
                return one(value)
            except Malformed:
                pass
        raise Malformed(message.replace("VALUE", value))
    return check


def network(value):
    if "/" not in value:
        raise ValueError
    ipaddress.ip_interface(value)


ipv4 = address(ipaddress.IPv4Address, "IPv4 address")
ipv6 = address(ipaddress.IPv6Address, "IPv6 address")
dns_name = by_pattern(DNS_NAME, "value does not look like a valid DNS name")
volume = by_pattern(VOLUME_ID, "unable to parse volume ID 'VALUE'")
anything = by_pattern(r"(?s).*", "")

CPU_MODELS = re.compile(r"host|max|kvm32|kvm64|qemu32|qemu64|x86-64-v[234](-AES)?|486|pentium[23]?|core2duo|coreduo|athlon|phenom"
                        r"|(Broadwell|Cascadelake|Conroe|Cooperlake|Haswell|Icelake|IvyBridge|KnightsMill|Nehalem|Penryn|SandyBridge"
                        r"|SapphireRapids|Skylake|Westmere|GraniteRapids|SierraForest|EPYC|Opteron)[\w\-]*")


def cpu(value):
    """A custom model cannot be known here."""
    found = re.match(r"(?:cputype=)?([^,=]+)(?:,|$)", value)
    if found and not found[1].startswith("custom-") and not CPU_MODELS.fullmatch(found[1]):
        raise Malformed(f"Built-in cputype '{found[1]}' is not defined (missing 'custom-' prefix?)")


FORMATS = {
    "pve-vm-cpu-conf": cpu,
    "string": anything,
    "dns-name": dns_name,
    "pve-node": by_pattern(NODE_NAME, "value does not look like a valid node name"),
    "pve-vmid": by_pattern("[1-9][0-9]{2,8}", "value does not look like a valid VM ID"),
    "pve-tag": by_pattern(TAG, "invalid characters in tag"),
    "pve-configid": by_pattern(CONFIG_ID, "invalid configuration ID 'VALUE'"),
    "pve-storage-id": identifier("storage"),
    "pve-bridge-id": by_pattern(r"[-_.\w]+", "invalid bridge ID 'VALUE'"),
    "pve-userid": by_pattern(USER_ID, "value 'VALUE' does not look like a valid user name"),
    "pve-tokenid": by_pattern(TOKEN_ID, "value 'VALUE' does not look like a valid token ID"),
    "pve-groupid": by_pattern(r"[A-Za-z0-9.\-_]+", "group name 'VALUE' contains invalid characters"),
    "pve-roleid": by_pattern(r"[A-Za-z0-9.\-_]+", "role name 'VALUE' contains invalid characters"),
    "pve-poolid": by_pattern(r"[A-Za-z0-9.\-_]+(/[A-Za-z0-9.\-_]+){0,2}", "pool name 'VALUE' contains invalid characters"),
    "pve-priv": by_pattern(r"[A-Za-z.]+", "invalid privilege 'VALUE'"),
    "pve-realm": by_pattern(r"[A-Za-z][A-Za-z0-9.\-_]+", "value does not look like a valid realm"),
    "pve-volume-id": volume,
    "pve-volume-id-or-qm-path": any_of("unable to parse volume ID 'VALUE'", by_pattern("none|cdrom|/.*", ""), volume),
    "pve-volume-id-or-absolute-path": any_of("unable to parse volume ID 'VALUE'", by_pattern("/.*", ""), volume),
    "pve-storage-content": by_pattern("images|rootdir|vztmpl|iso|backup|snippets|import|none", "invalid content type 'VALUE'"),
    "pve-task-status-type": by_pattern("(?i)ok|error|warning|unknown", "invalid status 'VALUE'"),
    "pve-startup-order": by_pattern(r"((order=)?\d+|up=\d+|down=\d+|,|\s)+", "unable to parse startup options"),
    "urlencoded": by_pattern(r"[-%a-zA-Z0-9_.!~*'()]*", "invalid urlencoded string: VALUE"),
    "mac-addr": by_pattern("(?i)[a-f0-9][02468ace](:[a-f0-9]{2}){5}", "value does not look like a valid unicast MAC address"),
    "disk-size": by_pattern(SIZE, "value does not look like a valid disk size: VALUE"),
    "ipv4": ipv4,
    "ipv6": ipv6,
    "CIDR": address(network, "CIDR network"),
    "address": any_of("value does not look like a valid address: VALUE", ipv4, ipv6, dns_name),
    "pve-ipv4-config": any_of("value does not look like a valid ipv4 network configuration", by_pattern("dhcp|manual", ""),
                              address(network, "")),
    "pve-ipv6-config": any_of("value does not look like a valid ipv6 network configuration", by_pattern("auto|dhcp|manual", ""),
                              address(network, "")),
    "pve-lxc-mp-string": by_pattern(r"(?!.*(^|/)\.\.?(/|$)).*", "VALUE contains illegal character sequences"),
    "email": by_pattern(r"[^@\s]+@[^@\s]+", "value does not look like a valid email address"),
}

TEXT = {"type": "string", "optional": 1}
BOOLEAN = {"type": "boolean", "optional": 1}
DRIVE = {"file": {"type": "string", "format": "pve-volume-id-or-qm-path", "default_key": 1}, "volume": {"alias": "file"},
         "media": {**TEXT, "enum": ["cdrom", "disk"]}, "import-from": {**TEXT, "format": "pve-volume-id-or-absolute-path"},
         "size": {**TEXT, "format": "disk-size"}, "format": TEXT, "cache": TEXT, "discard": {**TEXT, "enum": ["ignore", "on"]},
         "iothread": BOOLEAN, "ssd": BOOLEAN, "backup": BOOLEAN, "replicate": BOOLEAN, "shared": BOOLEAN, "ro": BOOLEAN, "aio": TEXT,
         "serial": TEXT}
NET_MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "i82551", "i82557b",
              "i82559er", "ne2k_isa", "ne2k_pci", "pcnet")
PROPERTY_STRINGS = {  # formats with a name whose values are comma-separated lists
    "pve-qm-smbios1": {**{name: TEXT for name in ("serial", "sku", "manufacturer", "product", "version", "family")},
                       "base64": BOOLEAN, "uuid": {**TEXT, "pattern": "[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"}},
    "pve-qm-ipconfig": {"ip": {**TEXT, "format": "pve-ipv4-config"}, "gw": {**TEXT, "format": "ipv4"},
                        "ip6": {**TEXT, "format": "pve-ipv6-config"}, "gw6": {**TEXT, "format": "ipv6"}},
    "pve-qm-cicustom": {name: {**TEXT, "format": "pve-volume-id"} for name in ("user", "network", "meta", "vendor")},
    "pve-qm-boot": {"legacy": {**TEXT, "default_key": 1, "pattern": "[acdn]{1,4}"}, "order": TEXT},
    "pve-qm-ide": DRIVE,
    "pve-qm-memory": {"current": {"type": "integer", "default_key": 1, "minimum": 16}},
    "pve-qm-net": {"model": {"type": "string", "default_key": 1, "enum": list(NET_MODELS)},
                   **{model: {"alias": "macaddr", "keyAlias": "model"} for model in NET_MODELS},
                   "macaddr": {**TEXT, "format": "mac-addr"}, "bridge": {**TEXT, "format": "pve-bridge-id"},
                   "tag": {"type": "integer", "optional": 1, "minimum": 1, "maximum": 4094},
                   "mtu": {"type": "integer", "optional": 1, "minimum": 1, "maximum": 65520}, "firewall": BOOLEAN, "link_down": BOOLEAN,
                   "queues": {"type": "integer", "optional": 1}, "rate": {"type": "number", "optional": 1}, "trunks": TEXT},
    "pve-qm-rng": {"source": {"type": "string", "default_key": 1, "enum": ["/dev/urandom", "/dev/random", "/dev/hwrng"]},
                   "max_bytes": {"type": "integer", "optional": 1}, "period": {"type": "integer", "optional": 1}},
}


def named(name, value, parse):
    """parse: reads a property string of a dictionary format; returns its fields."""
    base, kind = re.fullmatch("(.*?)(?:-(list|opt))?", name).groups()
    if kind == "list":
        for item in split_list(value):
            FORMATS.get(base, anything)(item)
    elif name in PROPERTY_STRINGS:
        parse(PROPERTY_STRINGS[name], value)
    elif kind != "opt" or value:
        FORMATS.get(base, anything)(value)
