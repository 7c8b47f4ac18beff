"""Strict DER: definite minimal lengths of at most four octets, minimal integers and identifiers, nothing after."""
import datetime
import re

from .errors import Bad


class Node:
    """One element: `tag` (first octet), `body` its content, `raw` with the header."""

    __slots__ = ("tag", "body", "raw", "_kids")

    def __init__(self, tag, body, raw):
        self.tag, self.body, self.raw, self._kids = tag, body, raw, None

    def kids(self):
        if self._kids is None:
            if not self.tag & 0x20:
                raise Bad("pki.malformed", "a primitive element where a constructed one is expected")
            self._kids, at = [], 0
            while at < len(self.body):
                node, at = _one(self.body, at)
                self._kids.append(node)
        return self._kids

    def expect(self, tag):
        if self.tag != tag:
            raise Bad("pki.malformed", f"expected tag {tag:02x}, found {self.tag:02x}")
        return self


def _one(data, at):
    def bad(text):
        return Bad("pki.malformed", text)

    if at + 2 > len(data):
        raise bad("an element is cut")
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise bad("a tag of more than one octet")
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise bad("an indefinite or overlong length")
        field = data[start:start + count]
        start += count
        length = int.from_bytes(field, "big")
        if len(field) < count or not field[0] or length < 0x80:
            raise bad("a length that is not minimal")
    if start + length > len(data):
        raise bad("an element is cut")
    return Node(tag, data[start:start + length], data[at:start + length]), start + length


def read(data):
    data = bytes(data)
    node, at = _one(data, 0)
    if at != len(data):
        raise Bad("pki.malformed", "something follows the element")
    return node


def integer(node):
    b = node.expect(2).body
    if not b or (len(b) > 1 and (b[0] == 0 and b[1] < 0x80 or b[0] == 0xFF and b[1] >= 0x80)):
        raise Bad("pki.malformed", "an integer that is not minimal")
    return int.from_bytes(b, "big", signed=True)


def oid(node):
    b = node.expect(6).body
    parts, value, fresh = [], 0, True
    if not b or b[-1] & 0x80:
        raise Bad("pki.malformed", "an object identifier is cut")
    for octet in b:
        if fresh and octet == 0x80:
            raise Bad("pki.malformed", "an object identifier that is not minimal")
        value, fresh = value << 7 | octet & 0x7F, not octet & 0x80
        if fresh:
            parts.append(value)
            value = 0
    first = min(parts[0] // 40, 2)
    return ".".join(map(str, [first, parts[0] - 40 * first] + parts[1:]))


def boolean(node):
    b = node.expect(1).body
    if b not in (b"\0", b"\xff"):
        raise Bad("pki.malformed", "a truth value that is neither 00 nor ff")
    return b == b"\xff"


def bits(node):
    """A BIT STRING without unused bits."""
    b = node.expect(3).body
    if not b or b[0]:
        raise Bad("pki.malformed", "a bit string with unused bits")
    return b[1:]


def flags(node):
    """A named-bit list as the set of its positions."""
    b = node.expect(3).body
    if not b or b[0] > 7 or (b[0] and len(b) == 1):
        raise Bad("pki.malformed", "a bit string")
    return {8 * i + j for i, octet in enumerate(b[1:]) for j in range(8) if octet & 0x80 >> j}


UTC = datetime.timezone.utc


def time(node, fraction=False):
    """UTCTime or GeneralizedTime in UTC, with seconds, as an aware datetime and (for stamps) nanoseconds beside it."""
    text = node.body.decode("ascii", "replace")
    if node.tag == 0x17 and re.match(r"\d{12}Z\Z", text):
        year = int(text[:2])
        text = f"{1900 + year if year >= 50 else 2000 + year}{text[2:]}"
    elif node.tag != 0x18:
        raise Bad("pki.malformed", "not a time")
    found = re.match(r"(\d{14})(?:\.(\d*[1-9]))?Z\Z", text)
    if not found or (found[2] and not fraction):
        raise Bad("pki.malformed", "not a time in UTC with seconds")
    try:
        whole = datetime.datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise Bad("pki.malformed", "not a time") from None
    seconds = int((whole - datetime.datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return seconds * 10**9 + int((found[2] or "0").ljust(9, "0")[:9])
