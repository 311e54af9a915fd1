# SPDX-License-Identifier: Apache-2.0
"""The table of methods and the small schema against each other, and against the real schema where NODEKILN_PVE_SCHEMA names it."""
from . import schema, small_schema
from .call import TABLE
from .selftest import Cases, same

case = Cases()
cases = case.of
LIMITS = ("enum", "minimum", "maximum", "maxLength", "minLength", "requires")
ALSO_REAL = {"description", "skiplock"}  # the first is lost in the extract; the second PVE 8 lacks in some calls


def small(version):
    return {(path, verb): info["parameters"]["properties"] for path, verbs in small_schema.methods(version).items()
            for verb, info in verbs.items()}


def implemented():
    return {(path, verb): method for path, verbs in TABLE.items() for verb, method in verbs.items()}


@case
def every_method_has_parameters(world):
    known = set(small(world.version)) - {(f"/nodes/{{node}}/{kind}/{{vmid}}", "GET") for kind in ("qemu", "lxc")}
    same(sorted(known ^ set(implemented())), [])


@case
def path_parameters_are_parameters(world):
    for (path, _), known in small(world.version).items():
        for part in path.split("/"):
            assert not part.startswith("{") or part[1:-1] in known, f"{path}: {part}"


@case
def methods_are_as_the_real_ones(world):
    """Which users may call them, whether tokens may, and whether pvedaemon does it."""
    real = schema.methods(world.version)
    for (path, verb), method in implemented().items():
        wanted = real.get(path, {}).get(verb, {})
        if "permissions" in wanted:
            found = {"permissions": method.permissions, "protected": int(method.protected), "allowtoken": int(method.token)}
            same(found, {key: wanted.get(key, 0) for key in found}, f"{verb} {path}")


@case
def the_small_schema_is_part_of_the_real_one(world):
    real = schema.methods(world.version)
    for (path, verb), known in small(world.version).items():
        whole = real.get(path, {}).get(verb, {}).get("parameters", {}).get("properties")
        for name, option in known.items():
            if whole is None or name in ALSO_REAL and name not in whole:
                continue
            assert name in whole, f"{verb} {path}: {name} is not there"
            same(bool(option.get("optional")), bool(whole[name].get("optional")), f"{verb} {path} {name}: optional")
            same(option["type"], whole[name]["type"], f"{verb} {path} {name}: type")
            for limit in LIMITS:
                if limit in option:
                    same(str(option[limit]), str(whole[name].get(limit)), f"{verb} {path} {name}: {limit}")
