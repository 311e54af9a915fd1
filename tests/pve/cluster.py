# SPDX-License-Identifier: Apache-2.0
"""The cluster: nodes, guests, storages, datacenter options, and the file with all of it that a test gives or takes."""
import threading

from .acl import Acl
from .directory import Directory, Pool, new_user
from .errors import ApiError
from .guest import FOLDER, Guest
from .rules import Rules

LOCK_SECONDS = 10.0


class Cluster:
    """lock: held by a thread that reads or changes anything here, for moments only."""

    def __init__(self, version, node="pve1", nodes=()):
        self.version = version
        self.node = node  # the one that the request came to
        self.nodes = {name: {"online": True} for name in [node, *nodes]}
        self.guests, self.storages, self.datacenter = {}, {}, {}
        self.directory = Directory()
        self.acl = Acl(version, self.directory)
        self.rules = Rules(self.acl, self.directory)
        self.lock = threading.RLock()
        self.quorum = True
        self.lock_seconds = LOCK_SECONDS

    def need_node(self, name):
        """The node's name; "localhost" is the one spoken to."""
        name = self.node if name == "localhost" else name
        if name not in self.nodes:
            raise ApiError(f"hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known")
        return name

    def need_guest(self, node, kind, vmid):
        guest = self.guests.get(int(vmid))
        if not guest or guest.kind != kind or guest.node != node:
            raise ApiError(f"Configuration file 'nodes/{node}/{FOLDER[kind]}/{vmid}.conf' does not exist")
        return guest

    def need_quorum(self):
        if not self.quorum:
            raise ApiError("cluster not ready - no quorum?")

    def need_storage(self, name):
        if name not in self.storages:
            raise ApiError(f"storage '{name}' does not exist")
        return self.storages[name]

    def next_id(self):
        limits = self.datacenter.get("next-id", {})
        low, high = int(limits.get("lower", 100)), int(limits.get("upper", 1000000))
        free = next((vmid for vmid in range(low, high) if vmid not in self.guests), None)
        if free is None:
            raise ApiError(f"unable to get any free VMID in range [{low}, {high}]")
        return str(free)

    def add_guest(self, vmid, kind, node, options, status="stopped", pool=None):
        if int(vmid) in self.guests:
            raise ApiError(f"unable to create {'VM' if kind == 'qemu' else 'CT'} {vmid}: config file already exists")
        guest = self.guests[int(vmid)] = Guest(vmid, kind, node, options, status)
        if pool:
            self.directory.pools[pool].vms.add(int(vmid))
        return guest

    def remove_guest(self, vmid):
        """With its access lists and its place in a pool."""
        self.guests.pop(int(vmid), None)
        self.acl.forget_path(f"/vms/{vmid}")
        for pool in self.directory.pools.values():
            pool.vms.discard(int(vmid))

    # The whole state as plain data, for --state and for assertions.

    def dump(self):
        directory = self.directory
        return {
            "node": self.node, "nodes": self.nodes, "datacenter": self.datacenter, "storages": self.storages,
            "users": directory.users, "groups": {group: sorted(members) for group, members in directory.groups.items()},
            "pools": {name: {"vms": sorted(pool.vms), "storages": sorted(pool.storages), "comment": pool.comment}
                      for name, pool in directory.pools.items()},
            "roles": {role: sorted(privileges) for role, privileges in self.acl.roles.items()},
            "acl": list(self.acl.listing()),
            "guests": {str(guest.vmid): {"type": guest.kind, "node": guest.node, "status": guest.status, "config": dict(guest.options)}
                       for guest in self.guests.values()},
        }

    def load(self, state):
        directory = self.directory
        self.node = state.get("node", self.node)
        self.nodes = state.get("nodes", {**self.nodes, self.node: {"online": True}})
        self.datacenter.update(state.get("datacenter", {}))
        self.storages.update(state.get("storages", {}))
        for user, info in state.get("users", {}).items():
            directory.users[user] = new_user(**{key: info[key] for key in info if key not in ("tokens", "groups")})
            for token, details in info.get("tokens", {}).items():
                directory.add_token(user, token, **details)
            for group in info.get("groups", ()):
                directory.groups.setdefault(group, set()).add(user)
        for group, members in state.get("groups", {}).items():
            directory.groups.setdefault(group, set()).update(members)
        for name, pool in state.get("pools", {}).items():
            directory.pools[name] = Pool(set(pool.get("vms", ())), set(pool.get("storages", ())), pool.get("comment", ""))
        for role, privileges in state.get("roles", {}).items():
            self.acl.roles[role] = set(privileges.split() if isinstance(privileges, str) else privileges)
        for entry in state.get("acl", ()):
            self.acl.grant(entry["path"], entry["roleid"], entry["type"] + "s", entry["ugid"], entry.get("propagate", 1))
        for vmid, guest in state.get("guests", {}).items():
            self.guests[int(vmid)] = Guest(vmid, guest["type"], guest.get("node", self.node), guest.get("config", {}),
                                           guest.get("status", "stopped"))
