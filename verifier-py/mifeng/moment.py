"""Instants as integers: nanoseconds since 1970. No floats and no clock."""
import datetime
import re

from .errors import need

SECOND = 10**9
FORM = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})\Z")


def parse(text, code="record.data", z=True):
    """RFC 3339; with `z` UTC and Z only."""
    found = FORM.match(text) if isinstance(text, str) else None
    need(found is not None and (not z or found[4] == "Z"), code, f"not a time: {text!r:.40}")
    try:
        whole = datetime.datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")
    except ValueError:
        need(False, code, f"not a time: {text!r:.40}")
    seconds = int((whole - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)).total_seconds())
    if found[4] != "Z":
        offset = int(found[4][1:3]) * 3600 + int(found[4][4:]) * 60
        seconds -= offset if found[4][0] == "+" else -offset
    instant = seconds * SECOND + int((found[3] or "0").ljust(9, "0"))
    need(not z or show(instant) == text, code, f"a time that is not written as it must be: {text!r:.40}")
    return instant


def show(instant):
    """As the project writes times: UTC, Z, no trailing zeros in the fraction."""
    seconds, nanos = divmod(instant, SECOND)
    whole = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    fraction = f".{nanos:09d}".rstrip("0").rstrip(".")
    return whole.isoformat() + fraction + "Z"


def beijing_day(instant):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=instant // SECOND + 8 * 3600)).date().isoformat()
