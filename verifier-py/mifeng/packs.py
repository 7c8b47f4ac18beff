"""Rule packs (spec/rules.md): found by the digest that a lot pins, never another one."""
import json
import os
from functools import lru_cache

from . import jcs
from .errors import Bad, need
from .hashes import digest

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "crates", "core", "mifeng-score", "packs")


class Pack:
    def __init__(self, value):
        self.value, self.id = value, value["id"]
        self.start, self.end = value["from"], value.get("to")
        self.entries = {e["id"]: e for e in value["entries"]}
        self.regime = value["regime"]

    def has(self, ident):
        return ident in self.entries

    def number(self, ident):
        from .score import number
        return number(self.entries[ident]["value"]) if ident in self.entries else None

    def basis(self, ident):
        e = self.entries.get(ident)
        return e and {"article": e["article"], "pack": self.id, "sure": e["sure"]}


def use(folder):
    global FOLDER
    FOLDER = folder
    known.cache_clear()


@lru_cache(maxsize=1)
def known():
    """(hash name, digest) → pack"""
    out = {}
    need(os.path.isdir(FOLDER), "rules.pack", f"no rule packs in {FOLDER}; give --packs")
    for name in sorted(os.listdir(FOLDER)):
        if name.endswith(".json"):
            with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
                value = json.load(f)
            raw = jcs.write(value)
            for h in ("sm3", "sha256"):
                out[h, digest(h, raw).hex()] = Pack(value)
    return out


def find(pin, suite):
    if not isinstance(pin, dict) or set(pin) != {"digest", "id"}:
        raise Bad("rules.pack", "the rules pin no pack")
    for h in ("sm3", "sha256"):
        pack = known().get((h, pin["digest"]))
        if pack is not None and pack.id == pin["id"]:
            return pack
    raise Bad("rules.pack", f"no known pack meets the pin {pin['id']!r:.40}")
