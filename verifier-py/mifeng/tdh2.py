"""Board ciphertexts and shares with proofs (spec/tdh2.md)."""
from functools import lru_cache

from . import jcs
from .curve import hash_to_point
from .errors import Bad, need

CIPHERTEXT = 162


@lru_cache(maxsize=8)
def gbar(suite):
    return hash_to_point(suite, "tdh2-gbar/" + suite.tag_name, b"")


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


class Ciphertext:
    def __init__(self, suite, raw):
        need(len(raw) == CIPHERTEXT, "lock.invalid-ciphertext", "length")
        c = suite.curve
        self.c, self.u_raw, self.v_raw = raw[:32], raw[32:65], raw[65:98]
        self.u, self.v = c.unpack(self.u_raw), c.unpack(self.v_raw)
        self.e, self.f = c.scalar(raw[98:130]), c.scalar(raw[130:162])


@lru_cache(maxsize=16384)
def ciphertext(suite, y_raw, label, raw):
    """A ciphertext whose check holds under label and board."""
    try:
        x = Ciphertext(suite, raw)
    except Bad as e:
        raise Bad("lock.invalid-ciphertext", e.text) from None
    c = suite.curve
    w = c.sum((x.f, c.g), (-x.e % c.n, x.u))
    w2 = c.sum((x.f, gbar(suite)), (-x.e % c.n, x.v))
    need(w is not None and w2 is not None, "lock.invalid-ciphertext", "identity")
    e = suite.scalar("tdh2-2", label, y_raw, x.c, x.u_raw, x.v_raw, c.pack(w), c.pack(w2))
    need(e == x.e, "lock.invalid-ciphertext", "the check does not hold")
    return x


def encrypt(suite, y_raw, label, share, rho):
    c = suite.curve
    r, w = (int.from_bytes(part, "big") % c.n for part in (rho[:48], rho[48:96]))
    if not r or not w:
        return None
    y = c.unpack(y_raw)
    u, v = c.pack(c.base(r)), c.pack(c.mul(r, gbar(suite)))
    body = xor(share, suite.tag("tdh2-1", y_raw, u, c.pack(c.mul(r, y))))
    e = suite.scalar("tdh2-2", label, y_raw, body, u, v, c.pack(c.base(w)), c.pack(c.mul(w, gbar(suite))))
    return body + u + v + e.to_bytes(32, "big") + ((w + r * e) % c.n).to_bytes(32, "big")


def read_share(share, code="record.data"):
    """{"d","e","index","z"} → (index, D, e, z) in bytes."""
    jcs.members(share, ["d", "e", "index", "z"], code, "share")
    need(jcs.is_int(share["index"]) and 1 <= share["index"] <= 255, code, "index of a share")
    d = jcs.unhex(share["d"], code)
    need(len(d) == 33, code, "point of a share")
    return share["index"], d, jcs.hex32(share["e"], code), jcs.hex32(share["z"], code)


@lru_cache(maxsize=65536)
def share_holds(suite, label, index, y_i_raw, base_raw, d_raw, e_raw, z_raw):
    c = suite.curve
    try:
        y_i, base, d = c.unpack(y_i_raw), c.unpack(base_raw), c.unpack(d_raw)
        e, z = c.scalar(e_raw), c.scalar(z_raw)
    except Bad:
        return False
    a = c.sum((z, c.g), (-e % c.n, y_i))
    b = c.sum((z, base), (-e % c.n, d))
    if a is None or b is None:
        return False
    return e == suite.scalar("dleq", label, bytes([index]), y_i_raw, base_raw, d_raw, c.pack(a), c.pack(b))


@lru_cache(maxsize=4096)
def combine(suite, t, shares):
    """x·B from (index, D) pairs, whose proofs hold, indices distinct: the t lowest."""
    c = suite.curve
    chosen = sorted(shares)[:t]
    pairs = []
    for i, d in chosen:
        numerator = denominator = 1
        for j, _ in chosen:
            if j != i:
                numerator = numerator * j % c.n
                denominator = denominator * (j - i) % c.n
        pairs.append((numerator * pow(denominator, -1, c.n) % c.n, c.unpack(d)))
    return c.sum(*pairs)


def plain(suite, y_raw, ciphertext_, point):
    return xor(ciphertext_.c, suite.tag("tdh2-1", y_raw, ciphertext_.u_raw, suite.curve.pack(point)))
