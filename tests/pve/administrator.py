# SPDX-License-Identifier: Apache-2.0
"""An administrator, who types pveum and pvesm commands into a shell on a node. Only those that `nodekiln roles` prints are known."""
import argparse
import shlex

from .acl import verify_privileges

COMMANDS = {}


def command(words, *positional, **options):
    """options: whether they must be given."""
    parser = argparse.ArgumentParser(prog=words, exit_on_error=False)
    for name in positional:
        parser.add_argument(name)
    for name, needed in options.items():
        parser.add_argument(f"--{name}", required=needed)

    def register(function):
        COMMANDS[tuple(words.split())] = parser, function
        return function
    return register


@command("pveum pool add", "pool")
def pool_add(pve, pool):
    """The real one says that it is there already; the administrator continues."""
    if pool not in pve.cluster.directory.pools:
        pve.add_pool(pool)


@command("pveum group add", "group")
def group_add(pve, group):
    pve.cluster.directory.groups.setdefault(group, set())


@command("pveum user add", "user", groups=False)
def user_add(pve, user, groups):
    for group in filter(None, (groups or "").split(",")):
        if group not in pve.cluster.directory.groups:
            raise ValueError(f"group '{group}' does not exist")
    pve.add_user(user, groups=filter(None, (groups or "").split(",")))


@command("pveum user token add", "user", "token", privsep=False)
def token_add(pve, user, token, privsep):
    """Shows the secret, once."""
    return pve.add_token(user, token, privsep=int(privsep or 1)).partition("=")[2]


@command("pveum role add", "role", privs=True)
def role_add(pve, role, privs):
    if role in pve.cluster.acl.roles:
        raise ValueError(f"role '{role}' already exists")
    verify_privileges(pve.version, privs.split())
    pve.add_role(role, privs)


@command("pveum acl modify", "path", users=True, roles=True)
def acl_modify(pve, path, users, roles):
    if roles not in pve.cluster.acl.roles:
        raise ValueError(f"role '{roles}' does not exist")
    pve.grant(path, roles, users)


@command("pvesm set", "storage", content=True)
def storage_set(pve, storage, content):
    pve.cluster.storages[storage]["content"] = content


def type_in(pve, text, comments=False):
    """Runs the commands of a text, with comments also those in its comments; returns what they show."""
    shown = []
    for line in text.splitlines():
        line = line.removeprefix("# ") if comments and line.startswith("# pve") else line
        words = shlex.split(line, comments=True)
        if words:
            shown.append(run(pve, words))
    return [line for line in shown if line is not None]


def run(pve, words):
    name = next((name for name in COMMANDS if tuple(words[:len(name)]) == name), None)
    if not name:
        raise ValueError(f"no such command: {shlex.join(words)}")
    parser, function = COMMANDS[name]
    return function(pve, **vars(parser.parse_args(words[len(name):])))
