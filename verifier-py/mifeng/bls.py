"""BLS12-381 in plain Python: points, pairing (optimal ate), hash to curve (RFC 9380). Slow, and not constant in time.

Fp2 = Fp[u]/(u² + 1), Fp6 = Fp2[v]/(v³ − (u + 1)), Fp12 = Fp6[w]/(w² − v). A point is (x, y), the identity None.
"""
import hashlib

from . import bls_iso as iso
from .errors import Bad

P = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
R = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
X = 0xD201000000010000  # the curve's parameter is −X


# --- fields ---------------------------------------------------------------------------------------------------------

class F1:
    """Fp: integers below P."""
    zero, one, b = 0, 1, 4

    add = staticmethod(lambda a, b: (a + b) % P)
    sub = staticmethod(lambda a, b: (a - b) % P)
    mul = staticmethod(lambda a, b: a * b % P)
    neg = staticmethod(lambda a: -a % P)
    inv = staticmethod(lambda a: pow(a, -1, P))
    small = staticmethod(lambda n: n % P)
    sgn0 = staticmethod(lambda a: a & 1)
    larger = staticmethod(lambda a: a > (P - 1) // 2)

    @staticmethod
    def sqrt(a):
        root = pow(a, (P + 1) // 4, P)
        return root if root * root % P == a else None

    @staticmethod
    def read(data):
        value = int.from_bytes(data, "big")
        return value if value < P else None


class F2:
    """Fp2: pairs (c0, c1)."""
    zero, one, b = (0, 0), (1, 0), (4, 4)

    add = staticmethod(lambda a, b: ((a[0] + b[0]) % P, (a[1] + b[1]) % P))
    sub = staticmethod(lambda a, b: ((a[0] - b[0]) % P, (a[1] - b[1]) % P))
    mul = staticmethod(lambda a, b: ((a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P))
    neg = staticmethod(lambda a: (-a[0] % P, -a[1] % P))
    conj = staticmethod(lambda a: (a[0], -a[1] % P))
    small = staticmethod(lambda n: (n % P, 0))
    sgn0 = staticmethod(lambda a: (a[0] & 1) | ((a[0] == 0) & (a[1] & 1)))
    larger = staticmethod(lambda a: a[1] > (P - 1) // 2 if a[1] else a[0] > (P - 1) // 2)

    @staticmethod
    def inv(a):
        n = pow(a[0] * a[0] + a[1] * a[1], -1, P)
        return a[0] * n % P, -a[1] * n % P

    @staticmethod
    def sqrt(a):
        """By the norm: a = (x + yu)² needs x² = (a0 ± √N(a)) / 2."""
        if a == (0, 0):
            return a
        norm = F1.sqrt((a[0] * a[0] + a[1] * a[1]) % P)
        if norm is None:
            return None
        for n in (norm, -norm):
            x = F1.sqrt((a[0] + n) * pow(2, -1, P) % P)
            if x:
                y = a[1] * pow(2 * x, -1, P) % P
            elif x == 0:
                y = F1.sqrt(-a[0] % P)
            else:
                continue
            if y is not None and F2.mul((x, y), (x, y)) == a:
                return x, y
        return None

    @staticmethod
    def read(data):
        c1, c0 = F1.read(data[:48]), F1.read(data[48:])
        return None if c0 is None or c1 is None else (c0, c1)


def _xi(a):
    return (a[0] - a[1]) % P, (a[0] + a[1]) % P


ZERO6, ONE6 = ((0, 0),) * 3, ((1, 0), (0, 0), (0, 0))
ONE12 = (ONE6, ZERO6)


def _add6(a, b):
    return tuple(F2.add(x, y) for x, y in zip(a, b))


def _sub6(a, b):
    return tuple(F2.sub(x, y) for x, y in zip(a, b))


def _mul6(a, b):
    m, s = F2.mul, F2.add
    t0, t1, t2 = m(a[0], b[0]), m(a[1], b[1]), m(a[2], b[2])
    c0 = s(t0, _xi(F2.sub(m(s(a[1], a[2]), s(b[1], b[2])), s(t1, t2))))
    c1 = s(F2.sub(m(s(a[0], a[1]), s(b[0], b[1])), s(t0, t1)), _xi(t2))
    c2 = s(F2.sub(m(s(a[0], a[2]), s(b[0], b[2])), s(t0, t2)), t1)
    return c0, c1, c2


def _by_v(a):
    return _xi(a[2]), a[0], a[1]


def _inv6(a):
    m = F2.mul
    c0 = F2.sub(m(a[0], a[0]), _xi(m(a[1], a[2])))
    c1 = F2.sub(_xi(m(a[2], a[2])), m(a[0], a[1]))
    c2 = F2.sub(m(a[1], a[1]), m(a[0], a[2]))
    t = F2.inv(F2.add(m(a[0], c0), _xi(F2.add(m(a[2], c1), m(a[1], c2)))))
    return m(c0, t), m(c1, t), m(c2, t)


def mul12(a, b):
    t0, t1 = _mul6(a[0], b[0]), _mul6(a[1], b[1])
    mixed = _mul6(_add6(a[0], a[1]), _add6(b[0], b[1]))
    return _add6(t0, _by_v(t1)), _sub6(_sub6(mixed, t0), t1)


def _conj12(a):
    return a[0], _sub6(ZERO6, a[1])


def _inv12(a):
    t = _inv6(_sub6(_mul6(a[0], a[0]), _by_v(_mul6(a[1], a[1]))))
    return _mul6(a[0], t), _sub6(ZERO6, _mul6(a[1], t))


def pow12(a, n):
    out = ONE12
    for bit in bin(n)[2:]:
        out = mul12(out, out)
        if bit == "1":
            out = mul12(out, a)
    return out


# --- points ---------------------------------------------------------------------------------------------------------

def on_curve(f, q):
    x, y = q
    return f.mul(y, y) == f.add(f.mul(f.mul(x, x), x), f.b)


def _slope(f, q, r):
    if q[0] != r[0]:
        return f.mul(f.sub(r[1], q[1]), f.inv(f.sub(r[0], q[0])))
    if q[1] != r[1] or q[1] == f.zero:
        return None
    return f.mul(f.mul(f.small(3), f.mul(q[0], q[0])), f.inv(f.add(q[1], q[1])))


def plus(f, q, r):
    if q is None or r is None:
        return q if r is None else r
    s = _slope(f, q, r)
    if s is None:
        return None
    x = f.sub(f.sub(f.mul(s, s), q[0]), r[0])
    return x, f.sub(f.mul(s, f.sub(q[0], x)), q[1])


def times(f, n, q):
    out = None
    for bit in bin(n)[2:]:
        out = plus(f, out, out)
        if bit == "1":
            out = plus(f, out, q)
    return out


def minus(f, q):
    return None if q is None else (q[0], f.neg(q[1]))


def unpack(f, data):
    """ZCash's compressed form of exactly this length; the identity, points off the curve and outside the group refused."""
    size = 48 if f is F1 else 96
    if len(data) != size or data[0] >> 6 != 2:
        raise Bad("lock.malformed", "not a compressed point, or the identity")
    x = f.read(bytes([data[0] & 31]) + data[1:])
    y = None if x is None else f.sqrt(f.add(f.mul(f.mul(x, x), x), f.b))
    if y is None:
        raise Bad("lock.malformed", "not a point of the curve")
    if f.larger(y) != bool(data[0] & 32):
        y = f.neg(y)
    if times(f, R, (x, y)) is not None:
        raise Bad("lock.malformed", "not in the group")
    return x, y


def pack(f, q):
    flag = 0x80 | (0x20 if f.larger(q[1]) else 0)
    raw = q[0].to_bytes(48, "big") if f is F1 else q[0][1].to_bytes(48, "big") + q[0][0].to_bytes(48, "big")
    return bytes([raw[0] | flag]) + raw[1:]


G1 = (0x17F1D3A73197D7942695638C4FA9AC0FC3688C4F9774B905A14E3A3F171BAC586C55E83FF97A1AEFFB3AF00ADB22C6BB,
      0x08B3F481E3AAA0F1A09E30ED741D8AE4FCF5E095D5D00AF600DB18CB2C04B3EDD03CC744A2888AE40CAA232946C5E7E1)
G2 = ((0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
       0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E),
      (0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
       0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE))


# --- pairing --------------------------------------------------------------------------------------------------------

def _line(q, s, at):
    """The line through q of slope s on the twist, at a point of G1, up to factors that the final power removes."""
    x, y = at
    c = F2.sub(F2.mul(s, q[0]), q[1])  # s·x_q − y_q
    return (c, (-s[0] * x % P, -s[1] * x % P), (0, 0)), ((0, 0), (y, 0), (0, 0))


def miller(q1, q2):
    """f of q2 ∈ G2 at q1 ∈ G1, before the final power."""
    f, t = ONE12, q2
    for bit in bin(X)[3:]:
        f = mul12(mul12(f, f), _line(t, _slope(F2, t, t), q1))
        t = plus(F2, t, t)
        if bit == "1":
            f = mul12(f, _line(t, _slope(F2, t, q2), q1))
            t = plus(F2, t, q2)
    return _conj12(f)  # the parameter is negative


# (p⁴ − p² + 1)/r, three times: as every common library computes it
HARD = 3 * ((P**4 - P**2 + 1) // R)


def _frobenius2(a):
    return pow12(a, P * P)


def final(f):
    f = mul12(_conj12(f), _inv12(f))
    return pow12(mul12(_frobenius2(f), f), HARD)


def pairing(q1, q2):
    return final(miller(q1, q2))


def pairs_to_one(*pairs):
    """Whether the product of the pairings of these pairs is one."""
    f = ONE12
    for q1, q2 in pairs:
        f = mul12(f, miller(q1, q2))
    return final(f) == ONE12


def gt_bytes(a):
    """Twelve coefficients from the highest to the lowest."""
    return b"".join(c.to_bytes(48, "big") for six in reversed(a) for two in reversed(six) for c in reversed(two))


# --- hash to curve --------------------------------------------------------------------------------------------------

def _expand(message, tag, size):
    """expand_message_xmd with SHA-256 (RFC 9380, 5.3.1)."""
    tag += bytes([len(tag)])
    first = hashlib.sha256(b"\0" * 64 + message + size.to_bytes(2, "big") + b"\0" + tag).digest()
    block = hashlib.sha256(first + b"\1" + tag).digest()
    out, i = block, 2
    while len(out) < size:
        block = hashlib.sha256(bytes(a ^ b for a, b in zip(first, block)) + bytes([i]) + tag).digest()
        out, i = out + block, i + 1
    return out[:size]


def _swu(f, u, a, b, z):
    """Simplified SWU (RFC 9380, 6.6.2), straight from the definition."""
    zu2 = f.mul(z, f.mul(u, u))
    tv = f.add(f.mul(zu2, zu2), zu2)
    if tv == f.zero:
        x = f.mul(b, f.inv(f.mul(z, a)))
    else:
        x = f.mul(f.mul(f.neg(b), f.inv(a)), f.add(f.one, f.inv(tv)))
    g = lambda v: f.add(f.add(f.mul(f.mul(v, v), v), f.mul(a, v)), b)  # noqa: E731
    y = f.sqrt(g(x))
    if y is None:
        x = f.mul(zu2, x)
        y = f.sqrt(g(x))
    return x, (y if f.sgn0(u) == f.sgn0(y) else f.neg(y))


def _poly(f, coefficients, x):
    out = f.zero
    for c in reversed(coefficients):
        out = f.add(f.mul(out, x), c)
    return out


def _iso(f, q, xn, xd, yn, yd):
    x, y = q
    return (f.mul(_poly(f, xn, x), f.inv(_poly(f, xd, x))),
            f.mul(y, f.mul(_poly(f, yn, x), f.inv(_poly(f, yd, x)))))


def hash_to(f, message, tag):
    """hash_to_curve of the suites BLS12381G1_XMD:SHA-256_SSWU_RO_ and …G2…."""
    degree = 1 if f is F1 else 2
    wide = _expand(message, tag, 128 * degree)
    numbers = [int.from_bytes(wide[i:i + 64], "big") % P for i in range(0, len(wide), 64)]
    if f is F1:
        inputs, curve, cofactor = numbers, (iso.A1, iso.B1, iso.Z1), iso.H_EFF1
        tables = iso.X_NUM1, iso.X_DEN1, iso.Y_NUM1, iso.Y_DEN1
    else:
        inputs, curve, cofactor = [tuple(numbers[:2]), tuple(numbers[2:])], (iso.A2, iso.B2, (P - 2, P - 1)), iso.H_EFF2
        tables = iso.X_NUM2, iso.X_DEN2, iso.Y_NUM2, iso.Y_DEN2
    q = [_iso(f, _swu(f, u, *curve), *tables) for u in inputs]
    return times(f, cofactor, plus(f, q[0], q[1]))
