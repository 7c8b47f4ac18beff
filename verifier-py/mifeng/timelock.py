"""Clock leaves: chains, beacons, and the sixteen bytes that time opens (spec/tlock.md)."""
import hashlib
from collections import namedtuple
from functools import lru_cache

from . import bls, jcs, moment
from .errors import Bad, need
from .state import on

G1_KEY, G2_KEY = 48, 96
SHORT, LONG = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_", b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_"
# scheme → where signatures are, tag of the hash, whether the next message is known before
SCHEMES = {"bls-unchained-g1-rfc9380": (bls.F1, SHORT, True), "bls-unchained-on-g1": (bls.F1, LONG, True),
           "pedersen-bls-unchained": (bls.F2, LONG, True), "pedersen-bls-chained": (bls.F2, LONG, False)}
MEMBERS = ["beacon_id", "genesis_seed", "genesis_time", "period", "public_key", "scheme"]
ROUND_MAX = 2**53 - 1
BLOCK = 16

Chain = namedtuple("Chain", "hash scheme key_raw genesis period")


def chain(record, code="notice.unlawful"):
    jcs.members(record, MEMBERS, code, "chain")
    seed, key, name = jcs.unhex(record["genesis_seed"], code), jcs.unhex(record["public_key"], code), record["beacon_id"]
    need(record["scheme"] in SCHEMES, code, "scheme of a chain")
    need(jcs.is_int(record["period"]) and 1 <= record["period"] <= 86_400, code, "period of a chain")
    need(jcs.is_int(record["genesis_time"]) and 0 <= record["genesis_time"] <= 1 << 40, code, "genesis of a chain")
    need(isinstance(name, str) and 1 <= len(name) <= 64 and all(" " <= c <= "~" for c in name), code, "name of a chain")
    need(len(seed) == 32, code, "seed of a chain")
    try:
        bls.unpack(_key_field(record["scheme"]), key)
    except Bad as e:
        raise Bad(code, f"key of a chain: {e.text}") from None
    text = (record["period"].to_bytes(4, "big") + record["genesis_time"].to_bytes(8, "big") + key + seed
            + (b"" if name == "default" else name.encode()))
    return Chain(hashlib.sha256(text).hexdigest(), record["scheme"], key, record["genesis_time"], record["period"])


def _key_field(scheme):
    return bls.F2 if SCHEMES[scheme][0] is bls.F1 else bls.F1


@lru_cache(maxsize=1)
def quicknet():
    return chain({"beacon_id": "quicknet", "genesis_seed": "f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e",
                  "genesis_time": 1692803367, "period": 3, "scheme": "bls-unchained-g1-rfc9380",
                  "public_key": "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d"
                                "1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"})


def chains_of(notice):
    """The chains that a notice's clock leaves can be on; () if its policy has none."""
    from . import policy
    leaves = [x for _, x in policy.leaves(notice["policy"]) if x["leaf"] == "tlock"]
    given = notice.get("chains") or []
    need(isinstance(given, list), "record.data", "chains")
    known = [chain(record) for record in given]
    if not leaves:
        return ()
    known.append(quicknet())
    used = {x["chain"] for x in leaves}
    return tuple(c for i, c in enumerate(known) if c.hash in used and c.hash not in {k.hash for k in known[:i]})


def unlawful(notice, deadline):
    """What is wrong with the clock leaves of a notice."""
    from . import policy
    try:
        known = {c.hash: c for c in chains_of(notice)}
    except Bad as e:
        yield e.text
        return
    for path, leaf in policy.leaves(notice["policy"]):
        if leaf["leaf"] != "tlock":
            continue
        c = known.get(leaf["chain"])
        if c is None or not SCHEMES[c.scheme][2]:
            yield f"clock leaf {path}: no chain that can be sealed to"
            continue
        at = (c.genesis + (leaf["round"] - 1) * c.period) * moment.SECOND
        if not deadline <= at <= deadline + notice["window_ms"] * 10**6:
            yield f"clock leaf {path}: not from the deadline to the end of the window"


@lru_cache(maxsize=256)
def point_of_round(scheme, round_):
    field, tag, _ = SCHEMES[scheme]
    return bls.hash_to(field, hashlib.sha256(round_.to_bytes(8, "big")).digest(), tag)


def signed(c, round_, signature):
    """Whether a signature is the chain's over the round."""
    field = SCHEMES[c.scheme][0]
    try:
        s, key = bls.unpack(field, signature), bls.unpack(_key_field(c.scheme), c.key_raw)
    except Bad:
        return False
    h = point_of_round(c.scheme, round_)
    if field is bls.F1:
        return bls.pairs_to_one((s, bls.minus(bls.F2, bls.G2)), (h, key))
    return bls.pairs_to_one((bls.minus(bls.F1, bls.G1), s), (key, h))


def _pair(c, of_signatures, of_keys):
    return bls.pairing(of_signatures, of_keys) if SCHEMES[c.scheme][0] is bls.F1 else bls.pairing(of_keys, of_signatures)


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def _h2(gt):
    return hashlib.sha256(b"IBE-H2" + bls.gt_bytes(gt)).digest()[:BLOCK]


def _h4(sigma):
    return hashlib.sha256(b"IBE-H4" + sigma).digest()[:BLOCK]


def _h3(sigma, message):
    seed = hashlib.sha256(b"IBE-H3" + sigma + message).digest()
    for i in range(1, 65_536):
        h = bytearray(hashlib.sha256(i.to_bytes(2, "little") + seed).digest())
        h[0] >>= 1
        value = int.from_bytes(h, "big")
        if 0 < value < bls.R:
            return value
    raise Bad("lock.timelock-ciphertext", "no number below the order")


def _first(c, number):
    """number · the generator of the key's group."""
    field = _key_field(c.scheme)
    return bls.pack(field, bls.times(field, number, bls.G2 if field is bls.F2 else bls.G1))


@lru_cache(maxsize=64)
def _of_round(c, round_):
    return _pair(c, point_of_round(c.scheme, round_), bls.unpack(_key_field(c.scheme), c.key_raw))


def seal(c, round_, message, sigma):
    r = _h3(sigma, message)
    mask = _h2(bls.pow12(_of_round(c, round_), r))
    return _first(c, r) + _xor(sigma, mask) + _xor(message, _h4(sigma))


def size(c):
    return len(c.key_raw) + 2 * BLOCK


@lru_cache(maxsize=4096)
def open_(c, signature, ciphertext):
    """The sixteen bytes, with the beacon's signature; U is checked."""
    need(len(ciphertext) == size(c), "lock.malformed", "length of a timelock")
    at = len(c.key_raw)
    u = bls.unpack(_key_field(c.scheme), ciphertext[:at])
    s = bls.unpack(SCHEMES[c.scheme][0], signature)
    sigma = _xor(ciphertext[at:at + BLOCK], _h2(_pair(c, s, u)))
    message = _xor(ciphertext[at + BLOCK:], _h4(sigma))
    need(_first(c, _h3(sigma, message)) == ciphertext[:at], "lock.timelock-ciphertext", "U does not follow from what it opens to")
    return message


# --- the leaf of a seal (spec/envelope.md) --------------------------------------------------------------------------

def _wrap(suite, kappa, label, share):
    return _xor(share, suite.kdf(suite.tag("k16", kappa), "wrap", label, 32))


def leaf(suite, c, round_, label, share, rho):
    kappa = rho[64:80]
    return seal(c, round_, kappa, rho[:16]) + _wrap(suite, kappa, label, share)


def leaf_share(suite, c, signature, label, ct):
    return _wrap(suite, open_(c, signature, ct[:-32]), label, ct[-32:])


# --- the record -----------------------------------------------------------------------------------------------------

@on("beacon")
def beacon(s, r):
    from . import opening, policy
    need(s.notice is not None, "record.wrong-stage", "a beacon before the notice", "V9")
    s.by(r, s.host)
    d = r.data
    need(jcs.is_int(d["round"]), "record.data", "round", "V9")
    key = (d["chain"], d["round"])
    wanted = {(x["chain"], x["round"]) for _, x in policy.leaves(s.notice["policy"]) if x["leaf"] == "tlock"}
    c = next((c for c in s.chains if c.hash == d["chain"]), None)
    need(key in wanted and c is not None, "board.share-invalid", "no leaf waits for it", "V9")
    signature = jcs.unhex(d["signature"])
    need(signed(c, d["round"], signature), "board.share-invalid", "not the chain's signature", "V9")
    need(opening.opens_more(s), "opening.decided", "nothing more is opened", "V9")
    need(key not in s.beacons, "bid.duplicate", "a second beacon of the round", "V9")
    s.beacons[key] = signature
