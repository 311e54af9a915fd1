# SPDX-License-Identifier: Apache-2.0
"""Roles, access control lists and what follows from them: which privileges a user or a token has on a path."""
import re

from .errors import ApiError, bad_parameters, denied

GROUPS = {  # category: {level: privileges}, as the special roles are made of them
    "VM": {"admin": "VM.Config.Disk VM.Config.CPU VM.Config.Memory VM.Config.Network VM.Config.HWType VM.Config.Options VM.Allocate "
                    "VM.Clone VM.Migrate VM.Snapshot VM.Snapshot.Rollback",
           "user": "VM.Config.CDROM VM.Config.Cloudinit VM.Console VM.Backup VM.PowerMgmt", "audit": "VM.Audit"},
    "Sys": {"root": "Sys.PowerMgmt Sys.Modify Sys.Incoming Sys.AccessNetwork", "admin": "Sys.Console Sys.Syslog", "audit": "Sys.Audit"},
    "Datastore": {"admin": "Datastore.Allocate Datastore.AllocateTemplate", "user": "Datastore.AllocateSpace",
                  "audit": "Datastore.Audit"},
    "SDN": {"admin": "SDN.Allocate SDN.Audit", "user": "SDN.Use", "audit": "SDN.Audit"},
    "User": {"root": "Realm.Allocate", "admin": "User.Modify Group.Allocate Realm.AllocateUser"},
    "Pool": {"admin": "Pool.Allocate", "user": "Pool.Audit", "audit": "Pool.Audit"},
    "Mapping": {"admin": "Mapping.Modify", "user": "Mapping.Use", "audit": "Mapping.Audit"},
}
ONLY_IN = {  # privileges of the category VM that one line of PVE has and the other has not
    8: {"admin": "VM.Monitor"},
    9: {"admin": "VM.GuestAgent.Unrestricted VM.Replicate", "audit": "VM.GuestAgent.Audit",
        "user": "VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite"},
}
OTHER = "Permissions.Modify"
PATHS = re.compile(r"/|/access(/groups(/[\w.\-]+)?|/realm(/[\w.\-]+)?)?|/nodes(/[\w.\-]+)?|/pool(/[\w.\-]+){0,3}|/storage(/[\w.\-]+)?"
                   r"|/sdn(/zones(/[\w.\-]+(/[\w.\-]+(/[1-9]\d{0,3})?)?)?)?|/vms(/[1-9]\d{2,})?|/mapping(/[\w.\-]+){0,2}", re.ASCII)
TOP_PATHS = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")


def level(version, category, name):
    text = GROUPS[category].get(name, "")
    return (text + " " + (ONLY_IN[version].get(name, "") if category == "VM" else "")).split()


def special_roles(version):
    """The roles that cannot be changed, {name: {privileges}}."""
    roles = {"NoAccess": set(), "Administrator": {OTHER}, "PVEAdmin": set(), "PVEAuditor": set(),
             "PVETemplateUser": {"VM.Clone", "VM.Audit"}}
    for category in GROUPS:
        root, admin, user, audit = (level(version, category, name) for name in ("root", "admin", "user", "audit"))
        roles["Administrator"].update(root + admin + user + audit)
        roles[f"PVE{category}Admin"] = set(admin + user + audit)
        roles["PVEAdmin"].update(admin + user + audit)
        if user:
            roles[f"PVE{category}User"] = set(user + audit)
        roles["PVEAuditor"].update(audit)
    roles["PVEAdmin"].discard("Mapping.Modify")
    return roles


def normalize(path):
    path = "/" + re.sub("/+", "/", path).strip("/")
    return path if re.fullmatch(r"[\w.\-/]+", path, re.ASCII) else None


def verify_privileges(version, privileges):
    known = special_roles(version)["Administrator"]
    for privilege in privileges:
        if privilege not in known:
            raise bad_parameters({"privs": f"invalid privilege '{privilege}'"})


class Acl:
    """entries: {path: {"users"|"groups"|"tokens": {who: {role: propagate}}}}. Users, groups and pools are the directory's."""

    def __init__(self, version, directory):
        self.version, self.directory = version, directory
        self.roles = special_roles(version)
        self.entries = {}
        self.vnets = {}  # {name: zone}
        self.invalid = []  # tokens that are gone: each command warns of their entries until the file is written again
        self.warned = []  # all of them, ever

    def grant(self, path, role, kind, who, propagate=1):
        self.entries.setdefault(path, {}).setdefault(kind, {}).setdefault(who, {})[role] = int(propagate)

    def revoke(self, path, role, kind, who):
        self.entries.get(path, {}).get(kind, {}).get(who, {}).pop(role, None)

    def forget(self, kind, who):
        for entry in self.entries.values():
            entry.get(kind, {}).pop(who, None)

    def token_is_gone(self, token):
        """The file is written with its entries; the next reader ignores them, and says so."""
        self.invalid = [token for entry in self.entries.values() if entry.get("tokens", {}).get(token)][:1]
        self.warned += self.invalid
        self.forget("tokens", token)

    def warnings(self):
        return [f"user config - ignore invalid acl token '{token}'" for token in self.invalid]

    def forget_path(self, path):
        self.entries.pop(path, None)

    def listing(self):
        for path, kinds in sorted(self.entries.items()):
            for kind, whos in kinds.items():
                for who, roles in whos.items():
                    for role, propagate in roles.items():
                        yield {"path": path, "type": kind[:-1], "ugid": who, "roleid": role, "propagate": propagate}

    def roles_on(self, who, path):
        """{role: propagate} from the lists alone: nearer ones replace farther ones, tokens before users before groups."""
        parts = [part for part in path.split("/") if part]
        roles = {}
        for depth in range(len(parts) + 1):
            entry = self.entries.get("/" + "/".join(parts[:depth]), {})
            groups = [roles for group, roles in entry.get("groups", {}).items() if who in self.directory.members(group)]
            for found in ([entry.get("tokens", {}).get(who, {})], [entry.get("users", {}).get(who, {})], groups):
                new = {role: propagate for roles_of in found for role, propagate in roles_of.items()
                       if propagate or depth == len(parts)}
                if new:
                    roles = new
                    break
        return {"NoAccess": roles["NoAccess"]} if "NoAccess" in roles else roles

    def pool_roles(self, who, path):
        """Roles on a guest or a storage through the pool it is in; these never propagate."""
        roles = set()
        for pool, members in self.directory.pools.items():
            if path in members.paths():
                roles |= set(self.roles_on(who, f"/pool/{pool}"))
        return roles

    def privileges(self, who, path):
        """{privilege: propagate}; the value is for show only, a key means it is held."""
        if who == "root@pam":
            return {privilege: 1 for privilege in self.roles["Administrator"]}
        user, _, token = who.partition("!")
        if token:
            info = self.directory.token(user, token)
            if not info:
                return {}
            if not info["privsep"]:
                return self.privileges(user, path)
        roles = self.roles_on(who, path)
        through_pools = self.pool_roles(who, path)
        if "NoAccess" in through_pools and "NoAccess" not in roles:
            roles = {"NoAccess": 0}
        elif "NoAccess" not in roles:
            roles = {**{role: 0 for role in through_pools}, **roles}
        held = {}
        for role, propagate in roles.items():
            for privilege in self.roles.get(role, ()):
                held[privilege] = held.get(privilege) or propagate
        if token and user != "root@pam":
            of_user = self.privileges(user, path)
            held = {privilege: int(bool(of_user[privilege] and held[privilege])) for privilege in held if privilege in of_user}
        return held

    def effective(self, who):
        """Every path where something is held: what GET /access/permissions shows."""
        paths = {*TOP_PATHS, *self.entries, *(path for pool in self.directory.pools.values() for path in pool.paths())}
        return {path: held for path in sorted(paths) if (held := self.privileges(who, path))}

    # Checks: they raise the 403, or with quiet=True return whether.

    def check(self, who, path, privileges, any_of=False, quiet=False):
        held = self.privileges(who, path)
        missing = [privilege for privilege in privileges if privilege not in held]
        if not missing or (any_of and len(missing) < len(privileges)):
            return True
        if quiet:
            return False
        raise denied(f"{path}, {'|'.join(privileges) if any_of else missing[0]}")

    def check_vm(self, who, vmid, pool, privileges, any_of=False):
        if pool and self.check(who, f"/pool/{pool}", privileges, any_of, quiet=True):
            return True
        return self.check(who, f"/vms/{vmid}", privileges, any_of)

    def check_modify(self, who, path, quiet=False):
        """A user may change access lists who may create the thing that they are about."""
        more = {"storage": "Datastore.Allocate", "vms": "VM.Allocate", "pool": "Pool.Allocate"}
        top = re.match("/([^/]+)/.", path)
        return self.check(who, path, [OTHER] + ([more[top[1]]] if top and top[1] in more else []), True, quiet)

    def check_handing_out(self, who, path, role, propagate, delete):
        """Without Permissions.Modify only a subset of one's own privileges can be given."""
        held = self.privileges(who, path)
        if OTHER in held:
            return
        verb = "remove" if delete else "add"
        for privilege in sorted(self.roles[role]):
            if privilege not in held:
                raise bad_parameters({"role": f"Cannot {verb} role '{role}' - requires 'Permissions.Modify' or superset of privileges."})
            if propagate and not held[privilege] and not delete:
                raise bad_parameters({"role": f"Cannot {verb} role '{role}' with propagation - requires 'Permissions.Modify' or "
                                              "propagated superset of privileges."})
        if role == "NoAccess":
            raise bad_parameters({"role": f"Cannot {verb} role '{role}' - requires 'Permissions.Modify'"})

    def need_role(self, role):
        if role not in self.roles:
            raise ApiError(f"role '{role}' does not exist")
