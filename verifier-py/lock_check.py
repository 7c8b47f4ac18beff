#!/usr/bin/env python3
"""Recomputes the published vectors of boards, threshold encryption, policies, draws and the VRF from the specification
pages (tdh2, board, policy, draw), with curve arithmetic of its own and nothing but the standard library.

usage: lock_check.py FOLDER    FOLDER is test-vectors; prints a line for each file, exits 0 only if all agree.
       lock_check.py --panel FILE    checks the answers in a record of `mifeng draw run`
"""
import hashlib
import hmac
import json
import sys
from pathlib import Path

from draw_check import jcs, sm3


class Curve:
    """y^2 = x^3 - 3x + b; points are (x, y), the identity is None."""

    def __init__(self, name, p, b, q, gx, gy, digest):
        self.name, self.p, self.b, self.q, self.g, self.digest = name, p, b, q, (gx, gy), digest

    def add(self, a, b):
        if a is None or b is None:
            return a or b
        p = self.p
        if a[0] == b[0]:
            if (a[1] + b[1]) % p == 0:
                return None
            slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, p)
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, p)
        x = (slope * slope - a[0] - b[0]) % p
        return x, (slope * (a[0] - x) - a[1]) % p

    def mul(self, k, a):
        out = None
        for bit in bin(k % self.q)[2:]:
            out = self.add(out, out)
            if bit == "1":
                out = self.add(out, a)
        return out

    def sum(self, *terms):
        out = None
        for k, a in terms:
            out = self.add(out, self.mul(k, a))
        return out

    def decode(self, data):
        """SEC 1 compressed; None if it is no point."""
        if len(data) != 33 or data[0] not in (2, 3):
            return None
        x = int.from_bytes(data[1:], "big")
        square = (x**3 - 3 * x + self.b) % self.p
        y = pow(square, (self.p + 1) // 4, self.p)
        if x >= self.p or y * y % self.p != square:
            return None
        return x, y if y % 2 == data[0] % 2 else self.p - y

    def encode(self, a):
        return bytes([2 + a[1] % 2]) + a[0].to_bytes(32, "big")


SHA256 = lambda data: hashlib.sha256(data).digest()
P256 = Curve(
    "P-256", 2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5, SHA256)
SM2 = Curve(
    "sm2p256v1", 2**256 - 2**224 - 2**96 + 2**64 - 1,
    0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0, sm3)
SUITES = {"gm-1": SM2, "intl-1": P256}
number = lambda data: int.from_bytes(data, "big")
fixed = lambda n: n.to_bytes(32, "big")
unhex = bytes.fromhex


def tag(c, name, *parts):
    framed = b"".join(len(p).to_bytes(8, "big") + p for p in parts)
    return c.digest(b"mifeng/v1/" + name.encode() + b"\0" + framed)


def tag_q(c, name, *parts):
    return number(tag(c, name + "/0", *parts) + tag(c, name + "/1", *parts)[:16]) % c.q


def mac(c, key, data):
    if c.digest is SHA256:
        return hmac.new(key, data, hashlib.sha256).digest()
    key = key.ljust(64, b"\0")
    inner = c.digest(bytes(k ^ 0x36 for k in key) + data)
    return c.digest(bytes(k ^ 0x5C for k in key) + inner)


def kdf(c, key, label, context, length):
    """HKDF-Expand (RFC 5869)."""
    info, out, block = b"mifeng/v1/" + label.encode() + b"\0" + context, b"", b""
    while len(out) < length:
        block = mac(c, key, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:length]


def to_point(c, label, data):
    for i in range(2**16):
        point = c.decode(b"\2" + tag(c, label, data, i.to_bytes(4, "big")))
        if point:
            return point
    raise ValueError("no point")


def at_zero(c, indices):
    """Lagrange coefficients at 0."""
    out = []
    for i in indices:
        w = 1
        for j in indices:
            if j != i:
                w = w * j * pow(j - i, -1, c.q) % c.q
        out.append(w)
    return out


def board(v):
    c, t = SUITES[v["suite"]], v["t"]
    y, shares = c.decode(unhex(v["y"])), [c.decode(unhex(s)) for s in v["shares"]]
    need(y and all(shares), "board: points")
    for i in range(len(shares) - t + 1):
        some = range(i, i + t)
        need(c.sum(*zip(at_zero(c, [j + 1 for j in some]), [shares[j] for j in some])) == y, "board: one polynomial")
    key = tag(c, "board", v["suite"].encode(), bytes([t, len(shares)]), *map(c.encode, [y, *shares]))
    return c, y, shares, key


def check_share(c, keys, label, base, s):
    d, e, z, y = c.decode(unhex(s["d"])), number(unhex(s["e"])), number(unhex(s["z"])), keys[s["index"] - 1]
    a, b = c.sum((z, c.g), (-e, y)), c.sum((z, base), (-e, d))
    parts = map(c.encode, [y, base, d, a, b])
    need(tag_q(c, "dleq", label, bytes([s["index"]]), *parts) == e, f"share {s['index']}")
    return s["index"], d


def combined(c, t, points):
    points = sorted(points)[:t]
    return c.sum(*zip(at_zero(c, [i for i, _ in points]), [d for _, d in points]))


class Disagrees(Exception):
    pass


def need(holds, what):
    if not holds:
        raise Disagrees(what)


def tdh2(v):
    c, y, keys, key = board(v["board"])
    need(key.hex() == v["board_key"], "board key")
    label, rho, m, ct = (unhex(v[k]) for k in ("label", "rho", "m", "ciphertext"))
    bar = to_point(c, "tdh2-gbar/" + c.name, b"")
    need(c.encode(bar).hex() == v["g_bar"], "second generator")
    r, w = number(rho[:48]) % c.q, number(rho[48:]) % c.q
    u, u_bar = c.mul(r, c.g), c.mul(r, bar)
    pad = lambda point: tag(c, "tdh2-1", c.encode(y), c.encode(u), c.encode(point))
    body = bytes(a ^ b for a, b in zip(m, pad(c.mul(r, y))))
    e = tag_q(c, "tdh2-2", label, c.encode(y), body, *map(c.encode, [u, u_bar, c.mul(w, c.g), c.mul(w, bar)]))
    made = body + c.encode(u) + c.encode(u_bar) + fixed(e) + fixed((w + r * e) % c.q)
    need(made == ct, "ciphertext")
    points = [check_share(c, keys, label, u, s) for s in v["shares"]]
    opened = combined(c, v["board"]["t"], points)
    need(bytes(a ^ b for a, b in zip(body, pad(opened))) == m, "opened")


def gf(a, b):
    out = 0
    while b:
        out ^= a * (b & 1)
        a, b = a << 1 ^ (0x11B if a & 0x80 else 0), b >> 1
    return out


def deal(c, node, path, secret, sigma, context):
    if "leaf" in node:
        return [(path, secret)]
    coefficients = [kdf(c, sigma, "coef", context + path.encode() + bytes([0, j]), 32) for j in range(1, node["k"])]
    out = []
    for i, child in enumerate(node["of"], 1):
        share, power = bytearray(secret), 1
        for a in coefficients:
            power = gf(power, i)
            for at in range(32):
                share[at] ^= gf(a[at], power)
        out += deal(c, child, f"{path}.{i}", bytes(share), sigma, context)
    return out


def policy(v):
    c, sigma, context = SUITES[v["suite"]], unhex(v["sigma"]), unhex(v["context"])
    for case in v["cases"]:
        tree = json.loads(case["policy"])
        need(jcs(tree).decode() == case["policy"], "canonical text")
        dealt = [{"path": p, "share": s.hex()} for p, s in deal(c, tree, "r", sigma, sigma, context)]
        need(dealt == case["shares"], "shares of " + case["policy"])


def draw_answers(v, c, draw_id):
    _, _, keys, _ = board(v["board"])
    base = to_point(c, "draw-point", draw_id)
    points = [check_share(c, keys, b"beacon\0" + draw_id, base, s) for s in v["shares"]]
    return base, c.encode(combined(c, v["board"]["t"], points))


def draw(v):
    c, draw_id = SUITES[v["suite"]], unhex(v["draw_id"])
    base, value = draw_answers(v, c, draw_id)
    need(c.encode(base).hex() == v["point"], "point")
    need(value.hex() == v["value"], "value")


def panel(v):
    """The answers in a record of `mifeng draw run`; draw_check.py does the rest."""
    for d in v["draws"]:
        c, draw_id = SUITES[d["suite"]], unhex(d["draw_id"])
        if v["authority"].get("board"):
            _, value = draw_answers({**d, "board": v["authority"]["board"]}, c, draw_id)
        else:
            value = vrf_output(unhex(v["authority"]["key"]), draw_id, unhex(d["proof"]))
        need(value.hex() == d["value"], "value")


def vrf_point(public, alpha):
    """RFC 9381 section 5.4.1.1."""
    for counter in range(256):
        point = P256.decode(b"\2" + SHA256(b"\1\1" + public + alpha + bytes([counter, 0])))
        if point:
            return point
    raise ValueError("no point")


def vrf_output(public, alpha, proof):
    c, y, gamma, h = P256, P256.decode(public), P256.decode(proof[:33]), vrf_point(public, alpha)
    e, s = number(proof[33:49]), number(proof[49:])
    need(gamma and len(proof) == 81 and s < c.q, "proof")
    u, v = c.sum((s, c.g), (-e, y)), c.sum((s, h), (-e, gamma))
    points = b"".join(map(c.encode, [y, h, gamma, u, v]))
    need(SHA256(b"\1\2" + points + b"\0")[:16] == proof[33:49], "proof")
    return SHA256(b"\1\3" + c.encode(gamma) + b"\0")


def vrf(v):
    for case in v["vectors"]:
        public, alpha = unhex(case["pk"]), unhex(case["alpha_hex"])
        need(P256.encode(P256.mul(number(unhex(case["sk"])), P256.g)) == public, "public key")
        need(P256.encode(vrf_point(public, alpha)).hex() == case["h"], "point")
        need(vrf_output(public, alpha, unhex(case["pi"])).hex() == case["beta"], "output")


# Key generation: COCKTAIL(SM2, SM3), spec/board.md.
NAME, PREFIX = b"COCKTAIL(SM2, SM3)", b"COCKTAIL-DKG-SM2-SM3-"


def to_scalar(data):
    return number(sm3(b"\1" + data) + sm3(b"\2" + data)[:16]) % SM2.q


def signed(public, message, signature):
    r, z = SM2.decode(signature[:33]), number(signature[33:])
    e = to_scalar(PREFIX + b"H7" + signature[:33] + SM2.encode(public) + message)
    return r is not None and SM2.sum((z, SM2.g), (-e, public)) == r


def value_at(points, x):
    return SM2.sum(*((pow(x, k, SM2.q), a) for k, a in enumerate(points)))


def dkg(v):
    c, n, t = SM2, v["n"], v["t"]
    members = [c.mul(number(unhex(s)), c.g) for s in v["static_secret_keys"]]
    encoded = list(map(c.encode, members))
    need([m.hex() for m in encoded] == v["static_public_keys"], "static keys")
    session = unhex(v["session"])
    context = sm3(b"COCKTAIL-DKG-CONTEXT" + len(session).to_bytes(8, "big") + session + len(NAME).to_bytes(8, "big")
                  + NAME + n.to_bytes(4, "little") + b"".join(encoded))
    need(context.hex() == v["context"], "context")
    all_commitments, proofs, ephemerals, polynomials = [], b"", b"", []
    for message, secrets in zip(map(unhex, v["round1"]), v["round1_secrets"]):
        secrets = [number(unhex(s)) for s in secrets]
        commitment = [c.mul(a, c.g) for a in secrets[:t]]
        head, ephemeral = b"".join(map(c.encode, commitment)), c.encode(c.mul(secrets[t], c.g))
        need(message[: len(head)] == head, "commitment")
        proof, rest = message[len(head) : len(head) + 65], message[len(head) + 65 :]
        need(rest[:33] == ephemeral, "ephemeral key")
        need(signed(commitment[0], context + head + ephemeral, proof), "proof of possession")
        lengths, rest = [], rest[33:]
        while rest:
            lengths.append(number(rest[:8]))
            rest = rest[8 + lengths[-1] :]
        need(lengths == [48] * n, "encrypted shares")
        all_commitments.append(commitment)
        proofs, ephemerals = proofs + proof, ephemerals + ephemeral
        polynomials.append(secrets[:t])
    framed = lambda data: len(data).to_bytes(8, "little") + data
    extension = tag(c, "dkg-messages", *map(unhex, v["round1"]))
    transcript = (framed(NAME) + framed(context) + n.to_bytes(4, "little") + t.to_bytes(4, "little") + b"".join(encoded)
                  + b"".join(c.encode(p) for row in all_commitments for p in row) + proofs + ephemerals
                  + framed(extension))
    need(sm3(transcript).hex() == v["transcript_hash"], "transcript")
    for public, signature in zip(members, v["signatures"]):
        need(signed(public, transcript, unhex(signature)), "signature")
    _, y, keys, key = board(v["board"])
    need(key.hex() == v["board_key"], "board key")
    need(c.mul(sum(p[0] for p in polynomials), c.g) == y, "public key")
    for i, share_key in enumerate(keys, 1):
        secret = sum(a * pow(i, k, c.q) for p in polynomials for k, a in enumerate(p))
        need(c.mul(secret, c.g) == share_key, f"share key {i}")
        need(value_at([c.sum(*((1, row[k]) for row in all_commitments)) for k in range(t)], i) == share_key, "sums")


KINDS = {"tdh2": tdh2, "policy": policy, "draw": draw, "dkg-sm2": dkg, "vrf": vrf}


def main(folder):
    failed = 0
    for kind, check in KINDS.items():
        files = sorted((Path(folder) / kind).glob("*.json"))
        if not files:
            print(f"FAILED  {kind}: no files")
            failed += 1
        for path in files:
            v = json.loads(path.read_text(encoding="utf-8"))
            try:
                (panel if "draws" in v else check)(v)
                print(f"ok      {kind}/{path.name}")
            except (Disagrees, KeyError, ValueError, TypeError) as e:
                print(f"FAILED  {kind}/{path.name}: {e}")
                failed += 1
    return failed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--panel"]:
        panel(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
        sys.exit(0)
    sys.exit(1 if main(sys.argv[1] if len(sys.argv) > 1 else "test-vectors") else 0)
