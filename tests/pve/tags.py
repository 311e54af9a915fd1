# SPDX-License-Identifier: Apache-2.0
"""Tags: how they are kept, and which rights they need."""
from .errors import denied
from .formats import split_list


def normalized(text, datacenter):
    """Sorted, lower case, each once; datacenter.cfg may say otherwise."""
    style = datacenter.get("tag-style", {})
    fold = (lambda tag: tag) if style.get("case-sensitive") else str.lower
    tags = split_list(text or "")
    if style.get("ordering") != "config":
        tags.sort(key=fold)
    return ";".join(dict.fromkeys(fold(tag) for tag in tags))


def allowed(cluster, acl, who):
    """(tags that may be used, whether any other may be too)"""
    access = cluster.datacenter.get("user-tag-access", {})
    mode = access.get("user-allow", "free")
    tags = set(access.get("user-allow-list", ())) if mode != "none" else set()
    if mode in ("free", "existing"):
        for guest in cluster.guests.values():
            if acl.check(who, f"/vms/{guest.vmid}", ["VM.Audit"], quiet=True):
                tags.update(split_list(guest.options.get("tags", "")))
    return tags - set(cluster.datacenter.get("registered-tags", ())), mode == "free"


def assert_permitted(cluster, acl, who, vmid, old, new):
    acl.check_vm(who, vmid, None, ["VM.Config.Options"])
    if who == "root@pam" or acl.check(who, "/", ["Sys.Modify"], quiet=True):
        return
    usable, free = allowed(cluster, acl, who)
    registered = set(cluster.datacenter.get("registered-tags", ()))
    for tag in sorted(set(split_list(old or "")) ^ set(split_list(new or ""))):
        if (tag not in usable and not free) or tag in registered:
            raise denied(f"/, Sys.Modify for modifying tag '{tag}'")
