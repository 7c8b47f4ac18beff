"""Draws (spec/draw.md): the same pool and answers give everybody the same order."""
from functools import lru_cache

from . import jcs
from .curve import hash_to_point
from .errors import need
from .hashes import suite as suite_of


def check_rows(rows, code="record.data"):
    need(isinstance(rows, list) and 1 <= len(rows) <= 65_536, code, "rows of a pool")
    before, total = b"", 0
    for row in rows:
        jcs.members(row, ["id", "weight"], code, "row of a pool")
        need(isinstance(row["id"], str) and text_ok(row["id"]), code, "id of a row")
        ident = row["id"].encode()
        need(ident > before, code, "rows out of order, or an id twice")
        need(jcs.is_int(row["weight"]) and row["weight"] >= 1, code, "weight")
        before, total = ident, total + row["weight"]
    need(total <= 2**64, code, "sum of the weights")


def text_ok(text):
    return 1 <= len(text) <= 128 and all(0x21 <= ord(c) <= 0x7E for c in text)


class Draw:
    def __init__(self, suite, tender_event, rows, specialty, n):
        pool = {"rows": rows, "specialty": specialty, "v": 1}
        self.suite, self.rows = suite, rows
        self.pool_hash = suite.tag("draw-pool", jcs.write(pool))
        self.id = suite.tag("draw-id", tender_event, self.pool_hash, specialty.encode(), n.to_bytes(4, "big"))
        self.point = suite.curve.pack(hash_to_point(suite, "draw-point", self.id))
        self.label = b"beacon\0" + self.id

    def seed(self, value):
        return self.suite.tag("draw-seed", self.suite.curve.pack(value), self.id)


def order(suite, seed, rows, m):
    return list(_order(suite.id, seed, tuple((r["id"], r["weight"]) for r in rows), m))


@lru_cache(maxsize=1024)
def _order(suite_id, seed, rows, m):
    suite, left, out, ctr = suite_of(suite_id), list(rows), [], 0
    for _ in range(min(m, len(left))):
        total = sum(w for _, w in left)
        while True:
            x = int.from_bytes(suite.tag("draw", seed, ctr.to_bytes(8, "big")), "big")
            ctr += 1
            if x < 2**256 // total * total:
                break
        u = x % total
        for i, (ident, weight) in enumerate(left):
            if u < weight:
                out.append(ident)
                del left[i]
                break
            u -= weight
    return tuple(out)
