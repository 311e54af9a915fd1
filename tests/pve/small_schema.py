# SPDX-License-Identifier: Apache-2.0
"""The parameters that nodekiln uses and a few more, as PVE checks them. One line each: NAME TYPE [optional "!" = needed] [limits].

A line starting with 8 or 9 is for that line of PVE only.
"""
import functools
import re

NODE = "node string! format=pve-node\n"
GUEST = NODE + "vmid integer! format=pve-vmid minimum=100 maximum=999999999\n"
EDIT = "delete string format=pve-configid-list\nrevert string format=pve-configid-list\ndigest string maxLength=40\n"
QEMU = """
acpi boolean
agent string
args string
balloon integer minimum=0
bios string enum=seabios,ovmf
boot string format=pve-qm-boot
cdrom string format=pve-qm-ide
cicustom string format=pve-qm-cicustom
cipassword string
citype string enum=configdrive2,nocloud,opennebula
ciupgrade boolean
ciuser string
cores integer minimum=1
cpu string format=pve-vm-cpu-conf
description string maxLength=8192
efidisk0 string
tpmstate0 string
hotplug string
ide[n] string format=pve-qm-ide
ipconfig[n] string format=pve-qm-ipconfig
kvm boolean
lock string enum=backup,clone,create,migrate,rollback,snapshot,snapshot-delete,suspending,suspended
machine string
memory string format=pve-qm-memory
name string format=dns-name
nameserver string format=address-list
net[n] string format=pve-qm-net
numa boolean
onboot boolean
ostype string enum=other,wxp,w2k,w2k3,w2k8,wvista,win7,win8,win10,win11,l24,l26,solaris
protection boolean
rng0 string format=pve-qm-rng
sata[n] string format=pve-qm-ide
scsi[n] string format=pve-qm-ide
scsihw string enum=lsi,lsi53c810,virtio-scsi-pci,virtio-scsi-single,megasas,pvscsi
searchdomain string
serial[n] string pattern=(/dev/.+|socket)
skiplock boolean
smbios1 string format=pve-qm-smbios1 maxLength=512
sockets integer minimum=1
sshkeys string format=urlencoded
startup string format=pve-startup-order
tablet boolean
tags string format=pve-tag-list
template boolean
unused[n] string format=pve-volume-id
vga string
virtio[n] string format=pve-qm-ide
vmgenid string pattern=(?:[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}|[01])
"""
LXC = """
arch string enum=amd64,i386,arm64,armhf,riscv32,riscv64
cmode string enum=shell,console,tty
console boolean
cores integer minimum=1 maximum=8192
description string maxLength=8192
dev[n] string
9 entrypoint string
9 env string
features string
hookscript string format=pve-volume-id
hostname string format=dns-name maxLength=255
lock string enum=backup,create,destroyed,disk,fstrim,migrate,mounted,rollback,snapshot,snapshot-delete
memory integer minimum=16
mp[n] string
nameserver string
net[n] string
onboot boolean
ostype string enum=debian,devuan,ubuntu,centos,fedora,opensuse,archlinux,alpine,gentoo,nixos,unmanaged
protection boolean
rootfs string
searchdomain string
startup string format=pve-startup-order
swap integer minimum=0
tags string format=pve-tag-list
template boolean
timezone string
unused[n] string
tty integer minimum=0 maximum=6
unprivileged boolean
"""
STORAGE = NODE + "storage string! format=pve-storage-id\n"
VOLUME = NODE + "storage string format=pve-storage-id\nvolume string!\n"
CREATE = ("pool string format=pve-poolid\nstorage string format=pve-storage-id\nstart boolean\nforce boolean\n"
          "unique boolean\n")
CLONE = ("newid integer! format=pve-vmid minimum=100 maximum=999999999\nfull boolean\npool string format=pve-poolid\n"
         "storage string format=pve-storage-id\ntarget string format=pve-node\nsnapname string format=pve-configid maxLength=40\n"
         "description string maxLength=8192\n")
DESTROY = "purge boolean\ndestroy-unreferenced-disks boolean\n"
CONTENT = "content string! format=pve-storage-content enum=iso,vztmpl,import\nfilename string! maxLength=255\n"
CHECKSUM = ("checksum string requires=checksum-algorithm\n"
            "checksum-algorithm string requires=checksum enum=md5,sha1,sha224,sha256,sha384,sha512\n")
TOKEN_ID = r"tokenid string! pattern=[A-Za-z][A-Za-z0-9.\-_]+" + "\n"
USER_ID = "userid string! format=pve-userid maxLength=64\n"
TOKEN = USER_ID + TOKEN_ID + "comment string\nexpire integer minimum=0\nprivsep boolean\n"
POOL = "poolid string! format=pve-poolid\n"
POOL_EDIT = POOL + ("allow-move boolean\ncomment string\ndelete boolean\nstorage string format=pve-storage-id-list\n"
                    "vms string format=pve-vmid-list\n")
CURRENT = "current boolean\nsnapshot string format=pve-configid maxLength=40\n"
CALLS = {
    "/version GET": "",
    "/cluster/nextid GET": "vmid integer format=pve-vmid minimum=100 maximum=999999999",
    "/cluster/resources GET": "type string enum=vm,storage,node,sdn",
    "/cluster/status GET": "",
    "/access/permissions GET": "path string\nuserid string",
    "/access/ticket GET": "",
    "/access/ticket POST": "username string! maxLength=64\npassword string!\nrealm string maxLength=32\nnew-format boolean\notp string",
    "/nodes GET": "",
    "/nodes/{node}/status GET": NODE,
    "/nodes/{node}/network GET": NODE + "type string enum=bridge,bond,eth,alias,vlan,fabric,OVSBridge,OVSBond,OVSPort,OVSIntPort,vnet,"
                                        "any_bridge,any_local_bridge,include_sdn",
    "/nodes/{node}/certificates/info GET": NODE,
    "/nodes/{node}/qemu GET": NODE + "full boolean",
    "/nodes/{node}/lxc GET": NODE,
    "/nodes/{node}/qemu/{vmid} GET": GUEST,
    "/nodes/{node}/lxc/{vmid} GET": GUEST,
    "/nodes/{node}/qemu/{vmid}/config GET": GUEST + CURRENT,
    "/nodes/{node}/lxc/{vmid}/config GET": GUEST + CURRENT,
    "/nodes/{node}/qemu/{vmid}/config PUT": GUEST + EDIT + "force boolean requires=delete" + QEMU,
    "/nodes/{node}/qemu/{vmid}/config POST": GUEST + EDIT + "force boolean requires=delete\n"
                                             "background_delay integer minimum=1 maximum=30" + QEMU,
    "/nodes/{node}/lxc/{vmid}/config PUT": GUEST + EDIT + LXC,
    "/nodes/{node}/qemu/{vmid}/status/current GET": GUEST,
    "/nodes/{node}/lxc/{vmid}/status/current GET": GUEST,
    "/nodes/{node}/tasks GET": NODE + "limit integer minimum=0\nstart integer minimum=0\nvmid integer\nsource string enum=archive,active,all",
    "/nodes/{node}/tasks/{upid} DELETE": NODE + "upid string!",
    "/nodes/{node}/tasks/{upid}/status GET": NODE + "upid string!",
    "/nodes/{node}/tasks/{upid}/log GET": NODE + "upid string!\nstart integer minimum=0\nlimit integer minimum=0\ndownload boolean",
    "/nodes/{node}/storage GET": NODE + "content string format=pve-storage-content-list\nenabled boolean\nformat boolean\n"
                                        "storage string format=pve-storage-id\ntarget string format=pve-node",
    "/nodes/{node}/storage/{storage}/status GET": STORAGE,
    "/nodes/{node}/storage/{storage}/content GET": STORAGE + "content string format=pve-storage-content\nvmid integer",
    "/nodes/{node}/storage/{storage}/content/{volume} GET": VOLUME,
    "/nodes/{node}/storage/{storage}/content/{volume} DELETE": VOLUME + "delay integer minimum=1 maximum=30",
    "/nodes/{node}/storage/{storage}/upload POST": STORAGE + CONTENT + CHECKSUM + "tmpfilename string pattern=/var/tmp/pveupload-[0-9a-f]+",
    "/nodes/{node}/storage/{storage}/download-url POST": STORAGE + CONTENT + CHECKSUM + "url string! pattern=https?://.*\n"
                                                         "compression string\nverify-certificates boolean",
    "/nodes/{node}/qemu POST": GUEST + CREATE + QEMU.replace("skiplock boolean\n", ""),
    "/nodes/{node}/lxc POST": GUEST + CREATE + "ostemplate string! maxLength=255\npassword string minLength=5\nssh-public-keys string"
                              + LXC,
    "/nodes/{node}/qemu/{vmid} DELETE": GUEST + DESTROY + "skiplock boolean",
    "/nodes/{node}/lxc/{vmid} DELETE": GUEST + DESTROY + "force boolean",
    "/nodes/{node}/qemu/{vmid}/clone POST": GUEST + CLONE + "name string format=dns-name\nformat string enum=raw,qcow2,vmdk",
    "/nodes/{node}/lxc/{vmid}/clone POST": GUEST + CLONE + "hostname string format=dns-name",
    "/nodes/{node}/qemu/{vmid}/template POST": GUEST + "disk string",
    "/nodes/{node}/lxc/{vmid}/template POST": GUEST,
    "/nodes/{node}/qemu/{vmid}/resize PUT": GUEST + "digest string maxLength=40\nskiplock boolean\ndisk string!\n"
                                            r"size string! pattern=\+?\d+(\.\d+)?[KMGT]?",
    "/nodes/{node}/qemu/{vmid}/cloudinit PUT": GUEST,
    "/nodes/{node}/qemu/{vmid}/cloudinit/dump GET": GUEST + "type string! enum=user,network,meta",
    "/nodes/{node}/qemu/{vmid}/status/start POST": GUEST + "skiplock boolean\ntimeout integer minimum=0",
    "/nodes/{node}/qemu/{vmid}/status/stop POST": GUEST + "skiplock boolean\nkeepActive boolean\ntimeout integer minimum=0",
    "/nodes/{node}/qemu/{vmid}/status/shutdown POST": GUEST + "skiplock boolean\nforceStop boolean\ntimeout integer minimum=0",
    "/nodes/{node}/lxc/{vmid}/status/start POST": GUEST + "skiplock boolean\ndebug boolean",
    "/nodes/{node}/lxc/{vmid}/status/stop POST": GUEST + "skiplock boolean",
    "/access/acl GET": "",
    "/access/acl PUT": "path string!\nroles string! format=pve-roleid-list\nusers string format=pve-userid-list\n"
                       "groups string format=pve-groupid-list\ntokens string format=pve-tokenid-list\npropagate boolean\ndelete boolean",
    "/access/roles GET": "",
    "/access/roles POST": "roleid string! format=pve-roleid\nprivs string format=pve-priv-list",
    "/access/users GET": "enabled boolean\nfull boolean",
    "/access/users POST": USER_ID + "comment string\nenable boolean\nexpire integer minimum=0\ngroups string format=pve-groupid-list\n"
                                    "password string minLength=8 maxLength=64",
    "/access/users/{userid} GET": USER_ID,
    "/access/users/{userid} DELETE": USER_ID,
    "/access/users/{userid}/token GET": USER_ID,
    "/access/users/{userid}/token/{tokenid} GET": USER_ID + TOKEN_ID,
    "/access/users/{userid}/token/{tokenid} POST": TOKEN,
    "/access/users/{userid}/token/{tokenid} PUT": TOKEN,
    "/access/users/{userid}/token/{tokenid} DELETE": USER_ID + TOKEN_ID,
    "/pools GET": "poolid string format=pve-poolid\ntype string enum=qemu,lxc,storage",
    "/pools POST": POOL + "comment string",
    "/pools PUT": POOL_EDIT,
    "/pools DELETE": POOL,
    "/pools/{poolid} GET": POOL + "type string enum=qemu,lxc,storage",
    "/pools/{poolid} PUT": POOL_EDIT,
    "/pools/{poolid} DELETE": POOL,
}


def whole(text):
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def parse_line(line):
    name, kind, *limits = line.split(" ")
    schema = {"type": kind.rstrip("!")}
    if not kind.endswith("!"):
        schema["optional"] = 1
    for limit in limits:
        key, _, value = limit.partition("=")
        schema[key] = value.split(",") if key == "enum" else whole(value)
    return name, schema


def parse_table(text, version):
    known = {}
    for line in filter(None, text.split("\n")):
        if line[0].isdigit():
            if int(line[0]) != version:
                continue
            line = line[2:]
        name, schema = parse_line(line)
        known[name] = schema
    return known


@functools.cache
def methods(version):
    table = {}
    for call, text in CALLS.items():
        path, method = call.split()
        table.setdefault(path, {})[method] = {"parameters": {"properties": parse_table(text, version)}}
    return table
