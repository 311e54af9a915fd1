# SPDX-License-Identifier: Apache-2.0
"""The table of methods: a path with its parameters in braces, a method, who may call it, and the function that does it."""
import re
from dataclasses import dataclass

TABLE = {}  # {path: {method: Method}}
ANYBODY = {"user": "all"}
WORLD = {"user": "world"}


@dataclass
class Method:
    path: str
    method: str
    function: callable
    permissions: dict
    protected: bool  # done by pvedaemon, and proxied there
    token: bool  # API tokens may call it
    upload: bool = False


@dataclass
class Call:
    """One request to a method."""
    fake: object
    who: str
    values: dict
    upload: object = None  # the temporary file of an upload
    total: int = None

    @property
    def cluster(self):
        return self.fake.cluster

    @property
    def acl(self):
        return self.fake.cluster.acl

    def node(self):
        return self.cluster.need_node(self.values["node"])

    def guest(self, kind):
        return self.cluster.need_guest(self.node(), kind, self.values["vmid"])


def perm(path, *privileges, any_of=False):
    return {"check": ["perm", path, list(privileges)] + (["any", 1] if any_of else [])}


def method(verb, path, permissions=None, protected=True, token=True, upload=False):
    def register(function):
        TABLE.setdefault(path, {})[verb] = Method(path, verb, function, permissions, protected, token, upload)
        return function
    return register


def matcher(path):
    last = path.count("{volume}")  # a volume's name has slashes of its own
    parts = [f"(?P<{part[1:-1]}>{'.+' if last and part == '{volume}' else '[^/]+'})" if part[0] == "{" else re.escape(part)
             for part in path.strip("/").split("/") if part]
    return re.compile("/".join(parts))


def find(verb, uri):
    """(Method, parameters of the path), or (None, None). Fixed parts win over braces."""
    uri = re.sub("/+", "/", uri).strip("/")
    for path in sorted(TABLE, key=lambda path: path.count("{")):
        match = matcher(path).fullmatch(uri)
        if match and verb in TABLE[path]:
            return TABLE[path][verb], match.groupdict()
    return None, None
