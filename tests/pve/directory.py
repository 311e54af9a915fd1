# SPDX-License-Identifier: Apache-2.0
"""Users, groups, pools, tokens and tickets, and how a request names its sender."""
import hmac
import re
import secrets
import time
import uuid
from dataclasses import dataclass, field

from .form import unescape

USER = r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+"
TOKEN = r"[A-Za-z][A-Za-z0-9.\-_]+"
TICKET_SECONDS = 2 * 60 * 60


class Stranger(Exception):
    """The text of a 401."""


@dataclass
class Pool:
    vms: set = field(default_factory=set)
    storages: set = field(default_factory=set)
    comment: str = ""

    def paths(self):
        return {f"/vms/{vmid}" for vmid in self.vms} | {f"/storage/{storage}" for storage in self.storages}


def new_user(**more):
    return {"enable": 1, "expire": 0, "password": None, "comment": None, "tokens": {}, **more}


class Directory:
    def __init__(self, now=time.time):
        self.now = now
        self.users = {"root@pam": new_user()}
        self.groups = {}
        self.pools = {}
        self.key = secrets.token_bytes(16)

    def members(self, group):
        return self.groups.get(group, ())

    def groups_of(self, userid):
        return sorted(group for group, members in self.groups.items() if userid in members)

    def token(self, user, token):
        return self.users.get(user, {}).get("tokens", {}).get(token)

    def add_token(self, user, token, privsep=1, expire=0, comment=None, value=None):
        value = value or str(uuid.uuid4())
        self.users[user]["tokens"][token] = {"value": value, "privsep": int(privsep), "expire": int(expire), "comment": comment}
        return value

    def pool_of(self, vmid):
        return next((name for name, pool in self.pools.items() if vmid in pool.vms), None)

    def enabled(self, user):
        info = self.users.get(user)
        return bool(info) and (user == "root@pam" or (info["enable"] and not 0 < info["expire"] < self.now()))

    # Credentials. Everything that is wrong with one reads alike from outside.

    def verify_token(self, text):
        who, equals, value = text.rpartition("=")
        match = re.fullmatch(f"({USER})!({TOKEN})", who)
        if not equals or not match or not self.enabled(match[1]):
            raise Stranger("Authentication failed!")
        info = self.token(match[1], match[2])
        if not info or 0 < info["expire"] < self.now() or not hmac.compare_digest(info["value"].encode(), value.encode("utf-8", "replace")):
            raise Stranger("Authentication failed!")
        return who

    def signature(self, text):
        return hmac.new(self.key, text.encode(), "sha256").hexdigest()

    def make_ticket(self, user):
        text = f"PVE:{user}:{int(self.now()):08X}"
        return f"{text}::{self.signature(text)}"

    def make_csrf(self, user):
        stamp = f"{int(self.now()):08X}"
        return f"{stamp}:{self.signature(stamp + user)}"

    def verify_ticket(self, ticket):
        text, _, signature = ticket.partition("::")
        match = re.fullmatch(f"PVE:({USER}):([0-9A-F]{{8}})", text)
        if not match or signature != self.signature(text) or self.now() - int(match[2], 16) > TICKET_SECONDS \
                or not self.enabled(match[1]):
            raise Stranger("Authentication failed!")
        return match[1]

    def verify_csrf(self, user, token):
        stamp, _, signature = (token or "").partition(":")
        if signature != self.signature(stamp + user):
            raise Stranger("Permission denied - invalid csrf token")

    def log_in(self, user, password):
        """A password, or an old ticket for one."""
        info = self.users.get(user)
        if info and info["password"] and info["password"] == password and self.enabled(user):
            return user
        try:
            if self.verify_ticket(password) == user:
                return user
        except Stranger:
            pass
        raise Stranger("authentication failure")


def credential(value, key):
    """What follows KEY= or "KEY " in a header: up to a semicolon, percent-decoded."""
    match = re.search(rf"(?:^|\s){key}(?:=| )([^;]*)", value or "")
    return unescape(match[1]) if match else None


@dataclass
class Login:
    who: str = None
    token: bool = False


def identify(directory, request):
    """Raises Stranger. Order: cookie, ticket in Authorization, API token."""
    authorization = request.header("Authorization")
    ticket = credential(request.header("Cookie"), "PVEAuthCookie") or credential(authorization, "PVEAuthCookie")
    if ticket:
        return Login(directory.verify_ticket(ticket))
    token = credential(authorization, "PVEAPIToken")
    if not token:
        raise Stranger("No ticket")
    return Login(directory.verify_token(token), True)
