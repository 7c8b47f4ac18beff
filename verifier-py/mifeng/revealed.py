"""A one-time key: leaves sealed to a board whose members reveal their shares of it (spec/board.md, envelope.md)."""
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import jcs
from . import leaf as leaves
from .curve import P256, SM2, sm2_encrypt
from .errors import Bad, need
from .hashes import digest
from .state import on
from .tdh2 import xor


def leaf(suite, y_raw, label, share, rho):
    point = suite.curve.unpack(y_raw)
    if suite.id == "intl-1":
        return leaves.hpke_seal(point, label, share, rho[:32])
    kappa = rho[64:96]
    made = sm2_encrypt(point, kappa, int.from_bytes(rho[:48], "big") % SM2.n)
    if made is None:
        return None
    x, y, c3, c2 = made
    cipher = leaves._der(0x30, leaves._integer(x) + leaves._integer(y) + leaves._der(4, c3) + leaves._der(4, c2))
    return cipher + xor(share, suite.kdf(kappa, "wrap", label, 32))


def sizes(suite):
    """The lengths that such a leaf can have."""
    return [113] if suite.id == "intl-1" else range(132, 183)


def _der(data):
    """(tag, value, rest) of one element."""
    need(len(data) >= 2 and data[1] < 0x82, "envelope.opening", "a leaf's ciphertext")
    at, size = (2, data[1]) if data[1] < 128 else (3, data[2])
    need(len(data) >= at + size, "envelope.opening", "a leaf's ciphertext")
    return data[0], data[at:at + size], data[at + size:]


def _sm2_open(x, cipher):
    tag, body, rest = _der(cipher)
    parts = []
    while body:
        kind, value, body = _der(body)
        parts.append((kind, value))
    need(tag == 0x30 and not rest and [k for k, _ in parts] == [2, 2, 4, 4], "envelope.opening", "a leaf's ciphertext")
    point = tuple(int.from_bytes(v, "big") for _, v in parts[:2])
    need(SM2.on(point), "envelope.opening", "a leaf's point")
    x2, y2 = (v.to_bytes(32, "big") for v in SM2.mul(x, point))
    c3, c2 = parts[2][1], parts[3][1]
    stream = b"".join(digest("sm3", x2 + y2 + i.to_bytes(4, "big")) for i in range(1, len(c2) // 32 + 2))
    plain = xor(c2, stream)
    need(len(plain) == 32 and digest("sm3", x2 + plain + y2) == c3, "envelope.opening", "a leaf's ciphertext")
    return plain


def _hpke_open(x, info, sealed):
    enc, ct = sealed[:65], sealed[65:]
    shared = P256.mul(x, P256.unpack65(enc))[0].to_bytes(32, "big")
    key, nonce = leaves.hpke_keys(shared, enc, P256.pack65(P256.base(x)), info)
    try:
        return AESGCM(key).decrypt(nonce, ct, b"")
    except InvalidTag:
        raise Bad("envelope.opening", "a leaf's ciphertext") from None


@lru_cache(maxsize=16384)
def leaf_share(suite, x, label, ct):
    """The share in a leaf, with the key; whatever fails is the sealer's fault."""
    try:
        if suite.id == "intl-1":
            share = _hpke_open(x, label, ct)
        else:
            share = xor(ct[-32:], suite.kdf(_sm2_open(x, ct[:-32]), "wrap", label, 32))
    except Bad as e:
        raise Bad("envelope.opening", e.text) from None
    need(len(share) == 32, "envelope.opening", "a leaf's share")
    return share


def key_of(s, key):
    """The whole key of the board that is revealed, once enough of its members have; None before."""
    board = s.second.board
    if board is None or board.digest != key or len(s.key_shares) < board.t:
        return None
    n, x = s.suite.curve.n, 0
    chosen = sorted(s.key_shares.items())[:board.t]
    for i, share in chosen:
        top = bottom = 1
        for j, _ in chosen:
            if j != i:
                top, bottom = top * j % n, bottom * (j - i) % n
        x = (x + share * top * pow(bottom, -1, n)) % n
    return x


def holds(s, d):
    """Whether a revealed share is that of its member of the second board."""
    c = s.suite.curve
    x = int.from_bytes(jcs.hex32(d["share"]), "big")
    return 0 < x < c.n and c.pack(c.base(x)) == s.second.board.shares[d["index"] - 1]


def is_due(s):
    """Whether the policy has the second board's key as one to be revealed."""
    from . import policy
    board = s.second.board
    return board is not None and any(x["leaf"] == "reveal" and x["key"] == board.digest
                                     for _, x in policy.leaves(s.notice["policy"]))


@on("key.reveal")
def reveal(s, r):
    from . import opening
    d = r.data
    s.at_stage("opening")
    need(is_due(s), "record.wrong-stage", "no key is to be revealed", "V9")
    member = s.second.members.get(d["index"])
    need(member is not None and member.actor == r.actor, "record.not-authorised", "not the member of that index", "V9")
    need(d["index"] not in s.key_shares, "bid.duplicate", "a second share of one member", "V9")
    need(holds(s, d), "board.share-invalid", "not the share of that key", "V9")
    x = int.from_bytes(jcs.hex32(d["share"]), "big")
    need(opening.is_any_undecided(s), "opening.decided", "every bid has its outcome", "V9")
    s.key_shares[d["index"]] = x
