# SPDX-License-Identifier: Apache-2.0
"""The `permissions` of a method, as its definition says them ({"check": ["perm", "/vms/{vmid}", ["VM.Audit"]]}), checked."""
import re

from .acl import normalize
from .errors import ApiError, denied


def fill(template, parameters):
    return re.sub(r"\{([^}]+)\}", lambda m: str(parameters.get(m[1]) or ""), template)


def options(rest):
    return dict(zip(rest[::2], rest[1::2]))


class Rules:
    def __init__(self, acl, directory):
        self.acl, self.directory = acl, directory

    def check(self, permissions, who, parameters):
        """Raises when user who may not call this. who None: not logged in."""
        permissions = permissions or {}
        if not who:
            if permissions.get("user") == "world":
                return
            raise denied("user != null")
        if who == "root@pam" or permissions.get("user") == "all":
            return
        if not permissions:
            raise denied("user != root@pam")
        if "check" not in permissions or not self.test(permissions["check"], who, parameters, False):
            raise denied()

    def test(self, check, who, parameters, quiet):
        return getattr(self, "test_" + check[0].replace("-", "_"))(check[1:], who, parameters, quiet)

    def test_and(self, checks, who, parameters, quiet):
        return all(self.test(check, who, parameters, quiet) for check in checks)

    def test_or(self, checks, who, parameters, quiet):
        if any(self.test(check, who, parameters, True) for check in checks):
            return True
        if quiet:
            return False
        raise denied()

    def test_perm(self, check, who, parameters, quiet):
        template, privileges, *rest = check
        more = options(rest)
        if more.get("require_param") and parameters.get(more["require_param"]) is None:
            if quiet:
                return False
            raise denied()
        return self.acl.check(who, normalize(fill(template, parameters)) or "", privileges, bool(more.get("any")), quiet)

    def test_perm_modify(self, check, who, parameters, quiet):
        path = normalize(fill(check[0], parameters))
        return bool(path) and self.acl.check_modify(who, path, quiet)

    def test_userid_param(self, check, who, parameters, quiet):
        userid = parameters.get("userid", "")
        if check[0] == "Realm.AllocateUser":
            return self.acl.check(who, f"/access/realm/{userid.rpartition('@')[2]}", [check[0]], False, quiet)
        if userid not in self.directory.users:
            return self.absent(userid, quiet)
        if who == userid:  # a token of that user is another identity
            return True
        if quiet:
            return False
        raise denied()

    def absent(self, userid, quiet):
        if quiet:
            return False
        raise ApiError(f"no such user ('{userid}')")

    def test_userid_group(self, check, who, parameters, quiet):
        privileges, *rest = check
        mode = options(rest).get("groups_param")
        userid = parameters.get("userid", "")
        if mode != "create" and userid not in self.directory.users:
            return self.absent(userid, quiet)
        if self.acl.check(who, "/access/groups", privileges, True, quiet=True):
            return True
        mine = [group for group in self.directory.groups
                if self.acl.check(who, f"/access/groups/{group}", privileges, True, quiet=True)]
        if mode:
            wanted = [group for group in re.split("[,; ]+", parameters.get("groups") or "") if group]
            for group in wanted or [""]:
                if group not in mine:
                    raise denied(f"/access/groups{'/' + group if group else ''}, {'|'.join(privileges)}")
        if mode != "create" and not any(userid in self.directory.members(group) for group in mine):
            if quiet:
                return False
            raise denied()
        return True
