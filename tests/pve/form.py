# SPDX-License-Identifier: Apache-2.0
"""How the real server reads parameters: loosely, and not as browsers write them."""
import json
import re

from .errors import ServerError


def unescape(text):
    """%XX in a byte string that came as latin-1; a lone % stays."""
    return re.sub("%([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text)


def decode_form(text):
    """Splits at & and at ;, then at every =, of which only the second field is kept. A repeated name becomes a list."""
    values = {}
    for part in re.split("[&;]", text) if text else ():
        fields = part.split("=")
        name = unescape(fields[0].replace("+", " "))
        # Perl's split drops empty fields at the end, so that "a=" has no value: undefined, as if it was not there
        value = fields[1] if any(fields[1:]) else None
        if value is not None:
            value = unescape(value.replace("+", " ")).encode("latin-1", "replace").decode("utf-8", "replace")
            if values.get(name) is not None:
                value = (values[name] if isinstance(values[name], list) else [values[name]]) + [value]
        values[name] = value
    return values


def json_error(body, line):
    """Perl's words for JSON that does not parse."""
    text = body.decode("utf-8", "replace")
    unquoted = re.match(r'\{\s*(?!["}])', text)
    at = unquoted.end() if unquoted else 0
    what = "'\"' expected" if unquoted else "malformed JSON string, neither tag, array, object, number, string or atom"
    before = text[at:] or "(end of string)"
    return f'{what}, at character offset {at} (before "{before}") at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line {line}.\n'


def decode_json(body, line):
    try:
        values = json.loads(body)
    except ValueError:
        raise ServerError(500, json_error(body, line)) from None
    if not isinstance(values, dict):
        raise ServerError(500, f"Not a HASH reference at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line {line}.\n")
    return values
