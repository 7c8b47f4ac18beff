"""Canonical JSON (spec/README.md, Shared rules): accepted only if writing what was read gives the same bytes."""
import base64
import binascii
import json
import re
import unicodedata
from functools import lru_cache

from .errors import Bad, need

LIMIT = 2**53 - 1
DEPTH = 64
HEX64 = re.compile(r"[0-9a-f]{64}\Z")
HEX = re.compile(r"(?:[0-9a-f]{2})*\Z")


def _no_floats(text):
    raise ValueError(f"not an integer: {text}")


def _integer(text):
    value = int(text) if len(text) <= 17 else LIMIT + 1
    if abs(value) > LIMIT:
        raise ValueError("an integer beyond 2^53 - 1")
    return value


def _pairs(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a member stands twice")
    return out


_DECODER = json.JSONDecoder(parse_float=_no_floats, parse_int=_integer, parse_constant=_no_floats,
                            object_pairs_hook=_pairs)


def write(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8")


def _depth(value):
    level, deep = [value], 0
    while level:
        deep += 1
        if deep > DEPTH:
            return False
        level = [c for v in level if isinstance(v, (dict, list)) for c in (v.values() if isinstance(v, dict) else v)]
    return True


@lru_cache(maxsize=65536)
def _read(data):
    try:
        text = data.decode("utf-8")
        value = _DECODER.decode(text)
        if not _depth(value) or not _ascii_keys(value) or write(value) != data:
            return None
        return value
    except (ValueError, RecursionError):
        return None


def _ascii_keys(value):
    if isinstance(value, dict):
        return all(k.isascii() and _ascii_keys(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(_ascii_keys, value))
    return True


def read(data, code="json.malformed", what="JSON"):
    """The value; never change it: the same object is given to the next reader of the same bytes."""
    value = _read(bytes(data))
    if value is None:
        raise Bad(code, f"{what} is not canonical JSON")
    return value


def members(value, names, code="record.data", what="object"):
    """Exactly these members; a name that ends in ? may be null or absent."""
    need(isinstance(value, dict), code, f"{what} is not an object")
    wanted = [n.rstrip("?") for n in names]
    for name in value:
        need(name in wanted, code, f"{what}: unknown member {name}")
    for name in names:
        need(name.endswith("?") or name in value, code, f"{what}: missing member {name}")
    return value


def is_int(v):
    return isinstance(v, int) and not isinstance(v, bool)


def hex32(text, code="record.data"):
    need(isinstance(text, str) and HEX64.match(text) is not None, code, "expected 64 lower-case hex digits")
    return bytes.fromhex(text)


# White_Space of Unicode. Python's strip() would take four control characters more.
WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def plain(text):
    """Whether a text is what it looks like: no control characters but the end of a line, no explicit directions."""
    return not any(c != "\n" and unicodedata.category(c) == "Cc" or "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069" for c in text)


def blank(text):
    return not text.strip(WHITE)


def unhex(text, code="record.data"):
    need(isinstance(text, str) and HEX.match(text) is not None, code, "expected lower-case hex")
    return bytes.fromhex(text)


def unbase64(text, code="record.data"):
    """Only the one padded encoding of its bytes."""
    try:
        need(isinstance(text, str) and text.isascii(), code, "not base64")
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Bad(code, "not base64") from None
    need(base64.b64encode(data).decode() == text, code, "not the one encoding of its bytes")
    return data
