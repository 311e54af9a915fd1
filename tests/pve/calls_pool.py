# SPDX-License-Identifier: Apache-2.0
"""Pools: guests and storages that rights are given for together."""
import re

from .call import ANYBODY, method, perm
from .calls_access import locked
from .calls_cluster import guest_entry
from .directory import Pool
from .errors import ApiError
from .formats import split_list

ALLOCATE_POOL = perm("/pool/{poolid}", "Pool.Allocate")


def need_pool(call):
    pool = call.cluster.directory.pools.get(call.values["poolid"])
    if pool is None:
        raise ApiError(f"pool '{call.values['poolid']}' does not exist")
    return pool


def shown_pool(call, name):
    pool = call.cluster.directory.pools[name]
    members = [guest_entry(call, call.cluster.guests[vmid]) for vmid in sorted(pool.vms) if vmid in call.cluster.guests]
    members += [{"id": f"storage/{call.cluster.node}/{name}", "storage": name, "type": "storage", "node": call.cluster.node}
                for name in sorted(pool.storages) if name in call.cluster.storages]
    return {"poolid": name, "members": members, **({"comment": pool.comment} if pool.comment else {})}


@method("GET", "/pools", ANYBODY, protected=False)
def list_pools(call):
    if call.values.get("poolid"):
        need_pool(call)
        return [shown_pool(call, call.values["poolid"])]
    return [{"poolid": name, **({"comment": pool.comment} if pool.comment else {})}
            for name, pool in sorted(call.cluster.directory.pools.items())
            if call.acl.check(call.who, f"/pool/{name}", ["Pool.Audit"], quiet=True)]


@method("GET", "/pools/{poolid}", perm("/pool/{poolid}", "Pool.Audit"), protected=False)
def read_pool(call):
    need_pool(call)
    return shown_pool(call, call.values["poolid"])


@method("POST", "/pools", ALLOCATE_POOL)
def create_pool(call):
    name, pools = call.values["poolid"], call.cluster.directory.pools

    def work():
        if name in pools:
            raise ApiError(f"pool '{name}' already exists")
        if "/" in name and name.rpartition("/")[0] not in pools:
            raise ApiError(f"parent '{name.rpartition('/')[0]}' of pool '{name}' does not exist")
        if not re.match("[A-Za-z]", name.rpartition("/")[2]):
            raise ApiError("pool name must start with a letter")
        pools[name] = Pool(comment=call.values.get("comment") or "")
    locked("create pool", work)


def move_vm(call, pool, vmid, delete):
    directory = call.cluster.directory
    call.acl.check_modify(call.who, f"/vms/{vmid}")
    if delete and vmid not in pool.vms:
        raise ApiError(f"VM {vmid} is not a pool member")
    if not delete and vmid in pool.vms:
        raise ApiError(f"VM {vmid} is already a pool member")
    other = directory.pool_of(vmid)
    if other and not delete:
        if call.values.get("allow-move") != "1":
            raise ApiError(f"VM {vmid} belongs already to pool '{other}' and 'allow-move' is not set")
        call.acl.check(call.who, f"/pool/{other}", ["Pool.Allocate"])
        directory.pools[other].vms.discard(vmid)
    (pool.vms.discard if delete else pool.vms.add)(vmid)


@method("PUT", "/pools", ALLOCATE_POOL)
@method("PUT", "/pools/{poolid}", ALLOCATE_POOL)
def change_pool(call):
    delete = call.values.get("delete") == "1"

    def work():
        pool = need_pool(call)
        pool.comment = call.values.get("comment") or pool.comment
        for vmid in split_list(call.values.get("vms") or ""):
            move_vm(call, pool, int(vmid), delete)
        for storage in split_list(call.values.get("storage") or ""):
            call.acl.check_modify(call.who, f"/storage/{storage}")
            (pool.storages.discard if delete else pool.storages.add)(storage)
    locked("update pools", work)


@method("DELETE", "/pools", ALLOCATE_POOL)
@method("DELETE", "/pools/{poolid}", ALLOCATE_POOL)
def delete_pool(call):
    def work():
        pool = need_pool(call)
        for vmid in sorted(pool.vms & set(call.cluster.guests)):
            raise ApiError(f"pool '{call.values['poolid']}' is not empty (contains VM {vmid})")
        for storage in sorted(pool.storages & set(call.cluster.storages)):
            raise ApiError(f"pool '{call.values['poolid']}' is not empty (contains storage '{storage}')")
        del call.cluster.directory.pools[call.values["poolid"]]
        call.acl.forget_path(f"/pool/{call.values['poolid']}")
    locked("delete pool", work)
