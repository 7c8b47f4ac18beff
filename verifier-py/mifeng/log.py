"""The log of a bundle: entries, trees, tiles, heads, beats (spec/log.md, beat.md, dossier.md)."""
import re
from functools import lru_cache

from . import jcs, moment, note
from .errors import Bad, need
from .hashes import digest, suite as suite_of, tree_root

MAX_ENTRIES, MAX_ENTRY = 1 << 22, 256


def tile_index(n):
    parts = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03d}")
    return "/".join(parts)


def tile_names(size, level):
    """[(name, first, count)] of the tiles that `size` hashes (or entries) call for at one level."""
    out = []
    for i in range((size + 255) // 256):
        width = min(256, size - 256 * i)
        out.append((f"{level}/{tile_index(i)}" + (f".p/{width}" if width < 256 else ""), 256 * i, width))
    return out


@lru_cache(maxsize=65536)
def entry(data):
    need(len(data) <= MAX_ENTRY, "log.malformed", "an entry of more than 256 bytes")
    value = jcs.read(data, "log.malformed", "an entry")
    need(isinstance(value, dict) and value.get("v") == 1 and jcs.is_int(value["v"]), "log.malformed", "entry")
    if "batch" in value:
        jcs.members(value, ["batch", "depth", "v"], "log.malformed", "entry")
        need(jcs.is_int(value["depth"]) and 0 <= value["depth"] <= 16, "log.malformed", "depth")
        jcs.hex32(value["batch"], "log.malformed")
    else:
        jcs.members(value, ["body", "sig", "v"], "log.malformed", "entry")
        jcs.hex32(value["body"], "log.malformed")
        jcs.hex32(value["sig"], "log.malformed")
    return value


def read_entries(files):
    """The raw entries out of the entry tiles; the tiles themselves are compared afterwards."""
    tiles = {}
    for name in files:
        found = re.match(r"log/tile/entries/((?:x\d{3}/)*\d{3})(\.p/\d+)?\Z", name)
        if found:
            index = int("".join(p.lstrip("x") for p in found[1].split("/")))
            need(index not in tiles, "log.file-unexpected", name)
            tiles[index] = files[name].bytes()
    out = []
    for i in range(len(tiles)):
        need(i in tiles, "log.file-missing", f"entry tile {i}")
        data, at = tiles[i], 0
        while at < len(data):
            length = int.from_bytes(data[at:at + 2], "big")
            need(at + 2 + length <= len(data), "log.malformed", "an entry is cut")
            out.append(data[at + 2:at + 2 + length])
            at += 2 + length
    need(len(out) <= MAX_ENTRIES, "log.too-large", "entries")
    need(out, "log.file-missing", "no entries")
    return tuple(out)


@lru_cache(maxsize=64)
def expected_files(entries, name):
    """The hash tiles of one tree, and the head of every prefix on demand."""
    leaves = [digest(name, b"\0" + e) for e in entries]
    tiles, level, hashes = {}, 0, leaves
    while hashes:
        for path, first, count in tile_names(len(hashes), level):
            tiles[path] = b"".join(hashes[first:first + count])
        hashes = [tree_root(name, hashes[i:i + 256]) for i in range(0, len(hashes) - 255, 256)]
        level += 1
    return leaves, tiles


@lru_cache(maxsize=64)
def entry_tiles(entries):
    return {path: b"".join(len(e).to_bytes(2, "big") + e for e in entries[first:first + count])
            for path, first, count in tile_names(len(entries), "entries")}


@lru_cache(maxsize=4096)
def root_at(entries, name, size):
    return tree_root(name, expected_files(entries, name)[0][:size])


class Log:
    """A log that holds: `entries` (parsed), `heads` [Checkpoint], `size`, `root` of the authoritative tree."""

    def __init__(self, files, config):
        self.suite = suite_of(config["suite"])
        self.raw = read_entries(files)
        self.entries = [entry(e) for e in self.raw]
        self.size = len(self.raw)
        gm = self.suite.id == "gm-1"
        self.key = note.key(config["key"], self.suite.id, "log")
        self.keys = {"sha256": self.key}
        if gm:
            self.keys["sm3"] = note.key(config.get("key_sm3"), self.suite.id, "log")
            need(self.keys["sm3"].name == self.key.name + "/sm3", "log.origin", "name of the SM3 key")
        self.origin = self.key.name
        self.authority = self.keys[self.suite.hash]
        self.root = root_at(self.raw, self.suite.hash, self.size)
        self._tiles(files, gm)
        self._checkpoints(files, gm)

    def _tiles(self, files, gm):
        wanted = {"log/tile/" + k: v for k, v in expected_files(self.raw, "sha256")[1].items()}
        wanted.update({"log/tile/" + k: v for k, v in entry_tiles(self.raw).items()})
        if gm:
            wanted.update({"log/sm3/tile/" + k: v for k, v in expected_files(self.raw, "sm3")[1].items()})
            wanted.update({"log/sm3/tile/" + k: v for k, v in entry_tiles(self.raw).items()})
        for name, data in wanted.items():
            need(name in files, "log.file-missing", name)
            need(files[name].bytes() == data, "log.file-differs", name)
        for name in files:
            if name.startswith(("log/tile/", "log/sm3/tile/")):
                need(name in wanted, "log.file-unexpected", name)

    def _checkpoints(self, files, gm):
        for tree, name in (("sha256", "log/checkpoint"), ("sm3", "log/sm3/checkpoint")):
            if tree == "sm3" and not gm:
                need(name not in files, "log.file-unexpected", name)
                continue
            need(name in files, "log.file-missing", name)
            point = note.checkpoint(files[name].bytes())
            point.signed_by(self.keys[tree])
            need(len(point.lines) == 1, "log.malformed", "more than one signature on the checkpoint")
            need(point.size == self.size and point.root == root_at(self.raw, tree, self.size), "log.not-proven", name)

    def heads_of(self, files, witnesses):
        """Every stored head is a head of this log, with no line of an unknown key."""
        known = [self.authority] + witnesses
        out = []
        for name in files:
            if not name.startswith("log/heads/"):
                continue
            point = note.checkpoint(files[name].bytes())
            need(name == f"log/heads/{point.size:010d}.note", "log.malformed", name)
            point.signed_by(self.authority)
            need(0 < point.size <= self.size and point.root == root_at(self.raw, self.suite.hash, point.size),
                 "log.fork", name)
            point.seen = {}
            for line_name, ident, _ in point.lines:
                match = [k for k in known if (k.name, k.id) == (line_name, ident)]
                need(match, "log.bad-signature", f"{name}: a line of an unknown key {line_name}")
            for w in witnesses:
                said = point.by(w)
                if said is not None:
                    point.seen[w.name, w.id] = said
            out.append(point)
        return out


def places(suite, seed, depth, count):
    """The first `count` places of the permutation of a beat."""
    a = list(range(1 << depth))
    ctr = 0
    for n in range(count):
        b = len(a) - n
        while True:
            x = int.from_bytes(suite.tag("place", seed, ctr.to_bytes(8, "big"))[:8], "big")
            ctr += 1
            if x < (2**64 - 1) - ((2**64 - 1) % b):
                break
        other = n + x % b
        a[n], a[other] = a[other], a[n]
    return a[:count]


@lru_cache(maxsize=65536)
def batch_root(suite, seed, depth, commitments):
    values = [suite.tag("filler", seed, i.to_bytes(8, "big")) for i in range(1 << depth)]
    for place, c in zip(places(suite, seed, depth, len(commitments)), commitments):
        values[place] = c
    return suite.root([suite.leaf(v) for v in values])


class Schedule:
    """spec/beat.md, Schedule: when beat number n falls."""

    def __init__(self, beats):
        jcs.members(beats, ["depth", "paces"])
        need(jcs.is_int(beats["depth"]) and 0 <= beats["depth"] <= 16, "record.data", "depth")
        need(isinstance(beats["paces"], list) and 1 <= len(beats["paces"]) <= 64, "record.data", "paces")
        self.depth, self.paces = beats["depth"], []
        for pace in beats["paces"]:
            jcs.members(pace, ["from", "period_ms"])
            need(jcs.is_int(pace["period_ms"]) and 100 <= pace["period_ms"] <= 86_400_000, "record.data", "period")
            start = moment.parse(pace["from"])
            need(not self.paces or self.paces[-1][0] < start, "record.data", "paces out of order")
            self.paces.append((start, pace["period_ms"] * 10**6))

    def at(self, n):
        for i, (start, period) in enumerate(self.paces):
            if i + 1 < len(self.paces):
                count = -((start - self.paces[i + 1][0]) // period)
                if n >= count:
                    n -= count
                    continue
            return start + n * period

    def before(self, end):
        """How many beats fall at or before `end`."""
        total = 0
        for i, (start, period) in enumerate(self.paces):
            stop = self.paces[i + 1][0] if i + 1 < len(self.paces) else None
            if end < start:
                break
            if stop is not None and end >= stop:
                total += -((start - stop) // period)
            else:
                total += (end - start) // period + 1
        return total


def commitment(suite, body_hash, sig_hash):
    return suite.tag("record", jcs.write({"body": body_hash, "sig": sig_hash}))


def read_beats(suite, data):
    value = jcs.read(data, "log.malformed", "log/beats.json")
    need(isinstance(value, list), "log.malformed", "log/beats.json")
    for beat in value:
        jcs.members(beat, ["records", "seed"], "log.malformed", "beat")
        jcs.hex32(beat["seed"], "log.malformed")
        need(isinstance(beat["records"], list), "log.malformed", "beat")
        for r in beat["records"]:
            jcs.members(r, ["body", "received", "sig"], "log.malformed", "beat")
            jcs.hex32(r["body"], "log.malformed")
            jcs.hex32(r["sig"], "log.malformed")
            moment.parse(r["received"], "log.malformed")
    return value


def account(suite, entry_value, beat):
    """spec/beat.md, Accounting: every leaf is filler or disclosed, at its place."""
    commitments = tuple(commitment(suite, r["body"], r["sig"]) for r in beat["records"])
    need(len(commitments) <= 1 << entry_value["depth"] and len(set(commitments)) == len(commitments),
         "log.unaccounted", "more records than leaves, or one twice")
    root = batch_root(suite, bytes.fromhex(beat["seed"]), entry_value["depth"], commitments)
    need(root.hex() == entry_value["batch"], "log.unaccounted", "a leaf of a beat is neither filler nor disclosed")
