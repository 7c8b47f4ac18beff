"""The two 256-bit curves and what stands on them: points, SM2 signatures and encryption, hash to point."""
from functools import lru_cache

from .errors import Bad
from .hashes import digest


class Curve:
    """y² = x³ − 3x + b over p, prime order n. A point is (x, y), the identity None."""

    def __init__(self, name, p, b, n, g):
        self.name, self.p, self.b, self.n, self.g = name, p, b, n, g

    def on(self, point):
        x, y = point
        return 0 <= x < self.p and 0 <= y < self.p and (y * y - (x * x * x - 3 * x + self.b)) % self.p == 0

    def _double(self, q):
        x, y, z = q
        if not z:
            return q
        p = self.p
        d = z * z % p
        g = y * y % p
        b = x * g % p
        a = 3 * (x - d) * (x + d) % p
        x3 = (a * a - 8 * b) % p
        return x3, (a * (4 * b - x3) - 8 * g * g) % p, 2 * y * z % p

    def _add(self, q, r):
        if not q[2]:
            return r
        if not r[2]:
            return q
        p = self.p
        x1, y1, z1 = q
        x2, y2, z2 = r
        a, b = z1 * z1 % p, z2 * z2 % p
        u1, u2 = x1 * b % p, x2 * a % p
        s1, s2 = y1 * b * z2 % p, y2 * a * z1 % p
        h, e = (u2 - u1) % p, (s2 - s1) % p
        if not h:
            return self._double(q) if not e else (1, 1, 0)
        hh = h * h % p
        hhh, v = h * hh % p, u1 * hh % p
        x3 = (e * e - hhh - 2 * v) % p
        return x3, (e * (v - x3) - s1 * hhh) % p, h * z1 * z2 % p

    def _affine(self, q):
        if not q[2]:
            return None
        i = pow(q[2], -1, self.p)
        return q[0] * i * i % self.p, q[1] * i * i % self.p * i % self.p

    @lru_cache(maxsize=256)
    def _window(self, point):
        """0·P … 15·P in Jacobian coordinates."""
        out, one = [(1, 1, 0)], (point[0], point[1], 1)
        for _ in range(15):
            out.append(self._add(out[-1], one))
        return out

    def sum(self, *pairs):
        """Σ k·P over (k, P), windows of four bits for all points together."""
        tables = [(k % self.n, self._window(q)) for k, q in pairs if q is not None]
        acc = (1, 1, 0)
        for shift in range(252, -4, -4):
            if acc[2]:
                acc = self._double(self._double(self._double(self._double(acc))))
            for k, table in tables:
                digit = (k >> shift) & 15
                if digit:
                    acc = self._add(acc, table[digit])
        return self._affine(acc)

    def mul(self, k, point):
        return self.sum((k, point))

    def base(self, k):
        return self.sum((k, self.g))

    def plus(self, q, r):
        return self.sum((1, q), (1, r))

    def neg(self, q):
        return None if q is None else (q[0], -q[1] % self.p)

    def pack(self, point):
        return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(32, "big")

    def pack65(self, point):
        return b"\4" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")

    def unpack(self, data):
        """SEC1 compressed, 33 bytes; the identity and points off the curve are refused."""
        if len(data) != 33 or data[0] not in (2, 3):
            raise Bad("crypto.encoding", "not a compressed point")
        x = int.from_bytes(data[1:], "big")
        point = self._lift(x, data[0] & 1)
        if point is None:
            raise Bad("crypto.encoding", "not a point of the curve")
        return point

    def unpack65(self, data):
        point = int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big")
        if len(data) != 65 or data[0] != 4 or not self.on(point):
            raise Bad("crypto.encoding", "not a point of the curve")
        return point

    def _lift(self, x, odd):
        if x >= self.p:
            return None
        square = (x * x * x - 3 * x + self.b) % self.p
        y = pow(square, (self.p + 1) // 4, self.p)
        if y * y % self.p != square:
            return None
        if y & 1 != odd:
            y = self.p - y
        return None if y == self.p else (x, y)

    def scalar(self, data):
        value = int.from_bytes(data, "big")
        if len(data) != 32 or value >= self.n:
            raise Bad("crypto.encoding", "not a scalar below the group order")
        return value


P256 = Curve(
    "P-256", 2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5))
SM2 = Curve(
    "sm2p256v1", 2**256 - 2**224 - 2**96 + 2**64 - 1,
    0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    (0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
     0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0))

SM2_ID = b"1234567812345678"


@lru_cache(maxsize=4096)
def _za(point):
    c = SM2
    parts = [c.p - 3, c.b, c.g[0], c.g[1], point[0], point[1]]
    return digest("sm3", b"\0\x80" + SM2_ID + b"".join(x.to_bytes(32, "big") for x in parts))


@lru_cache(maxsize=65536)
def sm2_verify(point, message, r, s):
    """GB/T 32918.2 with SM3 and the usual signer id."""
    c = SM2
    if not (0 < r < c.n and 0 < s < c.n):
        return False
    e = int.from_bytes(digest("sm3", _za(point) + message), "big")
    t = (r + s) % c.n
    if not t:
        return False
    at = c.sum((s, c.g), (t, point))
    return at is not None and (e + at[0]) % c.n == r


def sm2_encrypt(point, plain, k):
    """GB/T 32918.4 with a given scalar: (x, y, C3, C2)."""
    c = SM2
    c1, shared = c.base(k), c.mul(k, point)
    if c1 is None or shared is None:
        return None
    x2, y2 = (v.to_bytes(32, "big") for v in shared)
    stream, i = b"", 1
    while len(stream) < len(plain):
        stream += digest("sm3", x2 + y2 + i.to_bytes(4, "big"))
        i += 1
    c2 = bytes(a ^ b for a, b in zip(plain, stream))
    return c1[0], c1[1], digest("sm3", x2 + plain + y2), c2


def hash_to_point(suite, label, data):
    """spec/tdh2.md: the first x that lies on the curve, with an even y."""
    i = 0
    while True:
        try:
            return suite.curve.unpack(b"\2" + suite.tag(label, data, i.to_bytes(4, "big")))
        except Bad:
            i += 1


def schnorr_verify(suite, prefix, public, message, signature):
    """The Schnorr scheme of C2SP COCKTAIL-DKG: R ‖ z, c over prefix ‖ R ‖ P ‖ m, z·B = R + c·P."""
    c = suite.curve
    if len(signature) != 65:
        return False
    try:
        big_r, z = c.unpack(signature[:33]), c.scalar(signature[33:])
    except Bad:
        return False
    data = prefix + signature[:33] + c.pack(public) + message
    wide = suite.h(b"\1" + data) + suite.h(b"\2" + data)[:16]
    challenge = int.from_bytes(wide, "big") % c.n
    return c.sum((z, c.g), (-challenge % c.n, public)) == big_r
