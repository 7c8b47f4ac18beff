"""What a public export leaves out (spec/dossier.md, Public export)."""
import re

from .errors import Bad, need

NAME = "withheld.txt"
LINE = re.compile(r"([0-9a-f]{64}) (0|[1-9][0-9]{0,18}) (seal/[0-9a-f]{64}\.bid|sig/([0-9a-f]{64})\.p7s)\Z")


def read(files):
    """name → (hash, size); empty for a whole dossier."""
    if NAME not in files:
        return {}
    try:
        text = files[NAME].bytes().decode("ascii")
    except UnicodeDecodeError:
        raise Bad("file.withheld", "not text") from None
    need(text.endswith("\n"), "file.withheld", "the last line has no end")
    out = {}
    for line in text[:-1].split("\n"):
        m = LINE.match(line)
        need(m, "file.withheld", line[:100])
        need(m[4] is None or m[4] == m[1], "file.withheld", f"{m[3]} is named after another hash")
        need(m[3] not in files, "file.withheld", f"{m[3]} is there")
        need(not out or m[3] > max(out), "file.withheld", "not in order")
        out[m[3]] = (m[1], int(m[2]))
    return out


def count(left_out):
    """(sealed bids, signatures of experts)"""
    bids = sum(name.startswith("seal/") for name in left_out)
    return bids, len(left_out) - bids
