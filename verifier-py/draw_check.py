#!/usr/bin/env python3
"""Recomputes a draw or a panel (spec/draw.md) from its pool and its point V, with nothing but the standard library.

usage: draw_check.py FILE    FILE as in test-vectors/draw, or what `mifeng draw run` wrote; exits 0 only if id, seed,
order (and pools, avoidance and seats) all follow. Whether V is the authority's own: lock_check.py.
"""
import hashlib
import json
import sys


def jcs(value):
    """RFC 8785 of values without fractions and with ASCII keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sm3(data):
    """GB/T 32905-2016."""
    mask = 0xFFFFFFFF
    rot = lambda x, n: (x << n % 32 | x >> (32 - n % 32)) & mask if n % 32 else x
    state = [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E]
    data += b"\x80" + bytes((55 - len(data)) % 64) + (8 * len(data)).to_bytes(8, "big")
    for at in range(0, len(data), 64):
        w = [int.from_bytes(data[at + i : at + i + 4], "big") for i in range(0, 64, 4)]
        for j in range(16, 68):
            x = w[j - 16] ^ w[j - 9] ^ rot(w[j - 3], 15)
            w.append(x ^ rot(x, 15) ^ rot(x, 23) ^ rot(w[j - 13], 7) ^ w[j - 6])
        a, b, c, d, e, f, g, h = state
        for j in range(64):
            ss1 = rot((rot(a, 12) + e + rot(0x79CC4519 if j < 16 else 0x7A879D8A, j)) & mask, 7)
            ff = a ^ b ^ c if j < 16 else a & b | a & c | b & c
            gg = e ^ f ^ g if j < 16 else e & f | ~e & mask & g
            t1 = (ff + d + (ss1 ^ rot(a, 12)) + (w[j] ^ w[j + 4])) & mask
            t2 = (gg + h + ss1 + w[j]) & mask
            a, b, c, d, e, f, g, h = t1, a, rot(b, 9), c, t2 ^ rot(t2, 9) ^ rot(t2, 17), e, rot(f, 19), g
        state = [x ^ y for x, y in zip(state, (a, b, c, d, e, f, g, h))]
    return b"".join(x.to_bytes(4, "big") for x in state)


def draw(v):
    digest = {"gm-1": sm3, "intl-1": lambda data: hashlib.sha256(data).digest()}[v["suite"]]
    tag = lambda t, *parts: digest(
        b"mifeng/v1/" + t.encode() + b"\0" + b"".join(len(p).to_bytes(8, "big") + p for p in parts))
    rows = [(r["id"], r["weight"]) for r in v["pool"]["rows"]]
    assert rows == sorted(rows, key=lambda r: r[0].encode()) and all(w >= 1 for _, w in rows)
    draw_id = tag("draw-id", bytes.fromhex(v["tender_event"]), tag("draw-pool", jcs(v["pool"])),
                  v["pool"]["specialty"].encode(), v["n"].to_bytes(4, "big"))
    seed = tag("draw-seed", bytes.fromhex(v["value"]), draw_id)
    order, counter = [], 0
    while rows and len(order) < len(v["order"]):
        total = sum(w for _, w in rows)
        x = int.from_bytes(tag("draw", seed, counter.to_bytes(8, "big")), "big")
        counter += 1
        if x < 2**256 // total * total:
            u, i = x % total, 0
            while u >= rows[i][1]:
                u, i = u - rows[i][1], i + 1
            order.append(rows.pop(i)[0])
    return tag, (draw_id.hex(), seed.hex(), order) == (v["draw_id"], v["seed"], v["order"])


def panel(v):
    """A record of `mifeng draw run`: who was left out, the pools, each draw, the declines, who sits."""
    ask, out = v["request"], {a["id"] for a in v["avoided"]}
    due = {a["id"] for a in ask["avoid_ids"]} | {
        c["id"] for c in v["candidates"] if set(c["employers"]) & set(ask["avoid_employers"])} | {
        e["id"] for e in ask["earlier"] if {e["purpose"], ask["purpose"]} == {"need", "evaluation"}}
    experts, declined, seated = sum(s["seats"] for s in ask["seats"]), {d["id"] for d in v["declined"]}, []
    members = experts + ask["representatives"]
    good = out == due & {c["id"] for c in v["candidates"]} and len(v["draws"]) == len(ask["seats"])
    good &= ask["purpose"] != "evaluation" or members % 2 == 1 and members >= 5 and experts * 3 >= members * 2
    for row, d, sits in zip(ask["seats"], v["draws"], v["seats"]):
        free = [{"id": c["id"], "weight": c["weight"]} for c in v["candidates"]
                if row["specialty"] in c["specialties"] and c["id"] not in out]
        tag, follows = draw(d)
        event = tag("draw-request", jcs(ask), jcs(v["candidates"]), jcs(v["authority"])).hex()
        due = [i for i in d["order"] if i not in declined and i not in seated][: row["seats"]]
        places = min(row["seats"] + row["alternates"], len(free))
        good &= follows and d["n"] == ask["n"] and d["tender_event"] == event and len(d["order"]) == places
        good &= (d["pool"]["rows"], d["pool"]["specialty"], sits["specialty"]) == (
            free, row["specialty"], row["specialty"]) and sits["ids"] == due and len(due) == row["seats"]
        seated += due
    return good


if __name__ == "__main__":
    read = json.load(open(sys.argv[1], encoding="utf-8"))
    sys.exit(0 if (panel(read) if "draws" in read else draw(read)[1]) else "the draw does not follow from its pool and point")
