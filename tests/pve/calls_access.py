# SPDX-License-Identifier: Apache-2.0
"""Users, their tokens, roles and access lists."""
from .acl import PATHS, normalize, verify_privileges
from .call import ANYBODY, method, perm
from .directory import new_user
from .errors import ApiError, bad_parameters
from .formats import split_list

USER = "/access/users/{userid}"
TOKEN = USER + "/token/{tokenid}"
OWN_OR_MANAGED = {"check": ["or", ["userid-param", "self"], ["userid-group", ["User.Modify"]]]}
CREATE_USER = {"check": ["and", ["userid-param", "Realm.AllocateUser"], ["userid-group", ["User.Modify"], "groups_param", "create"]]}
DELETE_USER = {"check": ["and", ["userid-param", "Realm.AllocateUser"], ["userid-group", ["User.Modify"]]]}


def locked(what, function):
    """Errors inside the lock of user.cfg are wrapped, whatever they were."""
    try:
        return function()
    except ApiError as error:
        raise ApiError(f"{what} failed: {error.task_text()}") from None


def written(call):
    """user.cfg is written, without what its reader ignored."""
    call.acl.invalid = []


def need_user(call):
    user = call.cluster.directory.users.get(call.values["userid"])
    if not user:
        raise ApiError(f"no such user ('{call.values['userid']}')")
    return user


def need_token(call):
    token = need_user(call)["tokens"].get(call.values["tokenid"])
    if not token:
        raise ApiError(f"no such token '{call.values['tokenid']}' for user '{call.values['userid']}'")
    return token


def shown_token(token):
    shown = {"privsep": int(token["privsep"]), "expire": int(token["expire"])}
    return {**shown, "comment": token["comment"]} if token.get("comment") else shown


@method("GET", USER + "/token", OWN_OR_MANAGED, protected=False)
def list_tokens(call):
    return [{"tokenid": name, **shown_token(token)} for name, token in need_user(call)["tokens"].items()]


@method("GET", TOKEN, OWN_OR_MANAGED, protected=False)
def read_token(call):
    return shown_token(need_token(call))


@method("POST", TOKEN, OWN_OR_MANAGED)
def create_token(call):
    user, token, values = call.values["userid"], call.values["tokenid"], call.values
    if token in need_user(call)["tokens"]:
        raise bad_parameters({"tokenid": "Token already exists."})
    written(call)
    value = call.cluster.directory.add_token(user, token, values.get("privsep", 1), values.get("expire") or 0, values.get("comment"))
    info = {name: values[name] for name in ("expire", "comment") if values.get(name) is not None}
    return {"full-tokenid": f"{user}!{token}", "value": value, "info": {"privsep": values.get("privsep", 1), **info}}


@method("PUT", TOKEN, OWN_OR_MANAGED)
def change_token(call):
    token = need_token(call)
    token.update({name: int(call.values[name]) for name in ("privsep", "expire") if call.values.get(name) is not None})
    if call.values.get("comment") is not None:
        token["comment"] = call.values["comment"]
    return shown_token(token)


@method("DELETE", TOKEN, OWN_OR_MANAGED)
def delete_token(call):
    need_token(call)
    del call.cluster.directory.users[call.values["userid"]]["tokens"][call.values["tokenid"]]
    call.acl.token_is_gone(f"{call.values['userid']}!{call.values['tokenid']}")


def shown_user(call, userid):
    user = call.cluster.directory.users[userid]
    return {"enable": user["enable"], "expire": user["expire"], **({"comment": user["comment"]} if user.get("comment") else {})}


@method("GET", "/access/users", ANYBODY)
def list_users(call):
    """Oneself, and those in groups that one may manage."""
    directory, acl = call.cluster.directory, call.acl
    sees_all = acl.check(call.who, "/access/groups", ["User.Modify", "Sys.Audit"], any_of=True, quiet=True)
    groups = [group for group in directory.groups
              if acl.check(call.who, f"/access/groups/{group}", ["User.Modify", "Sys.Audit"], any_of=True, quiet=True)]
    return [{"userid": userid, **shown_user(call, userid)} for userid in sorted(directory.users)
            if sees_all or userid == call.who or any(userid in directory.members(group) for group in groups)]


@method("GET", USER, {"check": ["userid-group", ["User.Modify", "Sys.Audit"]]}, protected=False)
def read_user(call):
    userid = call.values["userid"]
    need_user(call)
    return {**shown_user(call, userid), "groups": call.cluster.directory.groups_of(userid)}


@method("POST", "/access/users", CREATE_USER)
def create_user(call):
    directory, userid = call.cluster.directory, call.values["userid"]

    def work():
        if userid in directory.users:
            raise ApiError(f"user '{userid}' already exists")
        groups = split_list(call.values.get("groups") or "")
        for group in groups:
            if group not in directory.groups:
                raise ApiError(f"no such group '{group}'")
        directory.users[userid] = new_user(password=call.values.get("password"), comment=call.values.get("comment"),
                                           enable=int(call.values.get("enable", 1)), expire=int(call.values.get("expire") or 0))
        for group in groups:
            directory.groups[group].add(userid)
    locked("create user", work)


@method("DELETE", USER, DELETE_USER)
def delete_user(call):
    directory, userid = call.cluster.directory, call.values["userid"]
    tokens = directory.users.pop(userid)["tokens"]
    for group in directory.groups.values():
        group.discard(userid)
    call.acl.forget("users", userid)
    for token in tokens:
        call.acl.forget("tokens", f"{userid}!{token}")


@method("GET", "/access/roles", ANYBODY, protected=False)
def list_roles(call):
    return [{"roleid": role, "privs": ",".join(sorted(privileges)), "special": int(role.startswith("PVE") or role in ("Administrator",
                                                                                                                    "NoAccess"))}
            for role, privileges in sorted(call.acl.roles.items())]


@method("POST", "/access/roles", perm("/access", "Sys.Modify"))
def create_role(call):
    role, privileges = call.values["roleid"], split_list(call.values.get("privs") or "")
    verify_privileges(call.cluster.version, privileges)

    def work():
        if role in call.acl.roles:
            raise ApiError(f"role '{role}' already exists")
        call.acl.roles[role] = set(privileges)
    locked("create role", work)


@method("GET", "/access/acl", ANYBODY, protected=False)
def list_acl(call):
    return [entry for entry in call.acl.listing() if call.acl.check(call.who, "/access", ["Sys.Audit"], quiet=True)
            or call.acl.check_modify(call.who, entry["path"], quiet=True)]


@method("PUT", "/access/acl", {"check": ["perm-modify", "{path}"]})
def change_acl(call):
    values, acl = call.values, call.acl
    kinds = {kind: split_list(values.get(kind) or "") for kind in ("users", "groups", "tokens")}
    if not any(kinds.values()):
        raise bad_parameters({kind: "either 'users', 'groups' or 'tokens' is required." for kind in kinds})
    path, delete = normalize(values["path"]), values.get("delete") == "1"
    if not path or not (delete or PATHS.fullmatch(path)):
        raise bad_parameters({"path": f"invalid ACL path '{values['path']}'"})
    propagate = int(values.get("propagate") or 1) if values.get("propagate") != "0" else 0
    locked("ACL update", lambda: change_entries(call, acl, path, split_list(values["roles"]), kinds, propagate, delete))
    written(call)


def change_entries(call, acl, path, roles, kinds, propagate, delete):
    for role in roles:
        acl.need_role(role)
        acl.check_handing_out(call.who, path, role, propagate, delete)
        for kind, whos in kinds.items():
            for who in whos:
                check_exists(call, kind, who)
                if delete:
                    acl.revoke(path, role, kind, who)
                else:
                    acl.grant(path, role, kind, who, propagate)


def check_exists(call, kind, who):
    directory = call.cluster.directory
    user, _, token = who.partition("!")
    if kind == "groups" and who not in directory.groups:
        raise ApiError(f"group '{who}' does not exist")
    if kind == "users" and who not in directory.users:
        raise ApiError(f"user '{who}' does not exist")
    if kind == "tokens" and user not in directory.users:
        raise ApiError(f"no such user ('{user}')")
    if kind == "tokens" and not directory.token(user, token):
        raise ApiError(f"no such token '{token}' for user '{user}'")
