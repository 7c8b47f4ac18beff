"""What a public export leaves out (spec/dossier.md, Public export)."""
import re

from .errors import Bad, need

NAME = "withheld.txt"
LINE = re.compile(r"([0-9a-f]{64}) (0|[1-9][0-9]{0,18}) (seal/[0-9a-f]{64}\.bid)\Z")


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
        need(m[3] not in files, "file.withheld", f"{m[3]} is there")
        need(not out or m[3] > max(out), "file.withheld", "not in order")
        out[m[3]] = (m[1], int(m[2]))
    return out
