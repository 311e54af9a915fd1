# SPDX-License-Identifier: Apache-2.0
"""Parameters against a schema as the real server has it. Everything not described is an error.

The environment variable NODEKILN_PVE_SCHEMA names a file {"v8": {PATH: {METHOD: {"parameters": ...}}}, "v9": ...}; without it the
small table (small_schema.py) is used, which knows what nodekiln sends; so it is for paths that an extract lacks.
"""
import functools
import json
import os
import re

from . import formats, small_schema
from .errors import bad_parameters
from .formats import Malformed

UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"
COUNTS = {"net": 32, "ide": 4, "sata": 6, "scsi": 31, "virtio": 16, "serial": 4, "usb": 14, "hostpci": 16, "parallel": 3, "numa": 8,
          "ipconfig": 32, "unused": 256, "mp": 256, "dev": 256, "virtiofs": 10}
# The extract that the variable names may have lost every property called "description" together with the descriptions.
DESCRIPTION = {"type": "string", "maxLength": 8192, "optional": 1}
DESCRIBED = re.compile(r"/nodes/\{node\}/(qemu|lxc)(/\{vmid\}/(config|clone))?")


@functools.cache
def load_file(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def methods(version):
    """{path: {method: {...}}} in force."""
    path = os.environ.get("NODEKILN_PVE_SCHEMA")
    return {**small_schema.methods(version), **(load_file(path)[f"v{version}"] if path else {})}


@functools.cache
def properties(version, path, method):
    known = methods(version).get(path, {}).get(method, {}).get("parameters", {}).get("properties") or {}
    if method != "GET" and DESCRIBED.fullmatch(path):
        known = {"description": DESCRIPTION, **known}
    return known


def find(known, name):
    """The schema of a parameter: by its name, or as one of NAME[n]."""
    if name in known:
        return known[name] if "[n]" not in name else None
    numbered = re.fullmatch(r"(.*?[a-z])(0|[1-9]\d*)", name)
    if numbered and int(numbered[2]) < COUNTS.get(numbered[1], 0):
        return known.get(numbered[1] + "[n]")
    return None


def parse_boolean(text):
    """In property strings only: parameters themselves must be 1 or 0."""
    return {"1": "1", "on": "1", "yes": "1", "true": "1", "0": "0", "off": "0", "no": "0", "false": "0"}.get(text.lower(), text)


def default_key(fields):
    return next((name for name, schema in fields.items() if schema.get("default_key")), None)


def parse_property_string(fields, text, path=""):
    """{name: value} of "a=b,c=d"; a lone value belongs to the default key."""
    values = {}
    for part in text.split(","):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        if equals and not (name and value):
            raise Malformed("missing key in comma-separated list property")
        if not equals:
            name, value = default_key(fields), part
            if not name:
                raise Malformed("value without key, but schema does not define a default key")
        elif "alias" in fields.get(name, {}):
            key_alias = fields[name].get("keyAlias")
            if key_alias:
                values[key_alias] = name
            name = fields[name]["alias"]
        if name in values:
            raise Malformed(f"duplicate key in comma-separated list property: {name}")
        if name not in fields:
            raise Malformed(f"invalid key in comma-separated list property: {name}")
        values[name] = parse_boolean(value) if fields[name].get("type") == "boolean" else value
    errors = check_object(fields, values, path)
    if errors:
        raise Malformed("format error\n" + "\n".join(f"{name}: {why}" for name, why in errors.items()))
    return values


def check_format(form, value, path):
    if isinstance(form, dict):
        parse_property_string(form, value, path)
    else:
        formats.named(form, value, lambda fields, text: parse_property_string(fields, text, path))


def perl_pattern(pattern):
    """Perl prints compiled patterns as (?^:...)."""
    return pattern.replace("(?^:", "(?:").replace("(?^i:", "(?i:")


def type_error(kind, value):
    if isinstance(value, (list, dict)):
        return f"type check ('{kind}') failed - got {'ARRAY' if isinstance(value, list) else 'HASH'}"
    wrong = {"boolean": value not in ("0", "1"), "integer": not re.fullmatch(r"[+-]?\d+", value),
             "number": not is_number(value)}.get(kind, False)
    return f"type check ('{kind}') failed - got '{value}'" if wrong else None


def is_number(value):
    return bool(re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?", value))


def check_value(schema, value, path):
    """What is wrong with a value that is there, or None."""
    wrong = type_error(schema.get("type"), value)
    if wrong:
        return wrong
    if schema.get("format"):
        try:
            check_format(schema["format"], value, path)
        except Malformed as why:
            return f"invalid format - {why}\n"
    if schema.get("pattern") and not re.fullmatch(perl_pattern(schema["pattern"]), value):
        return "value does not match the regex pattern"
    if len(value) > schema.get("maxLength", len(value)):
        return f"value may only be {schema['maxLength']} characters long"
    if len(value) < schema.get("minLength", 0):
        return f"value must be at least {schema['minLength']} characters long"
    return check_range(schema, value)


def check_range(schema, value):
    if is_number(value):
        if "maximum" in schema and float(value) > float(schema["maximum"]):
            return f"value must have a maximum value of {schema['maximum']}"
        if "minimum" in schema and float(value) < float(schema["minimum"]):
            return f"value must have a minimum value of {schema['minimum']}"
    if "enum" in schema and value not in schema["enum"]:
        return f"value '{value}' does not have a value in the enumeration '{', '.join(schema['enum'])}'"
    return None


def check_object(known, values, path=""):
    """{name: why}"""
    errors = {}
    prefix = f"{path}." if path else ""
    for name, schema in known.items():
        needed = not schema.get("optional") and "alias" not in schema and "[n]" not in name
        if needed and values.get(name) is None:
            errors[prefix + name] = MISSING
    for name, value in values.items():
        schema = find(known, name)
        if schema is None:
            errors[prefix + name or "_root"] = UNKNOWN
            continue
        wrong = check_value(schema, value, prefix + name) if value is not None and "alias" not in schema else None
        if wrong:
            errors[prefix + name] = wrong
        if schema.get("requires") and values.get(schema["requires"]) is None:
            errors[prefix + schema["requires"]] = f"missing property required by '{prefix + name}'"
    return errors


def plain(schema, value):
    """JSON's numbers and booleans as the strings that handlers get; a repeated name is a list where lists are allowed."""
    if isinstance(value, bool):
        return str(int(value)) if (schema or {}).get("type") == "boolean" else str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list) and str((schema or {}).get("format", "")).endswith("-list"):
        return ",".join(map(str, value))
    return value


def check(version, path, method, values):
    """The parameters as strings, or the 400 with every error at once."""
    known = properties(version, path, method)
    values = {name: plain(find(known, name), value) for name, value in values.items()}
    errors = check_object(known, values)
    if errors:
        raise bad_parameters(errors)
    return values
