"""Time-stamp tokens over bytes (spec/timestamp.md, Checks)."""
from functools import lru_cache

from . import cms, der
from .errors import Bad, need
from .hashes import digest

LIMIT = 1 << 20


class Stamp:
    pass


@lru_cache(maxsize=4096)
def read(raw, stamped, suite):
    """The token verified over `stamped`; the authority's path is judged by the caller, at `time`."""
    need(len(raw) <= LIMIT, "pki.time-stamp", "too large")
    try:
        message = cms.read(raw, None, suite, True)
        return _info(message, stamped, suite)
    except (ValueError, IndexError) as e:
        raise Bad("pki.malformed", f"token: {e}") from None


def _info(message, stamped, suite):
    f = list(der.read(message.content).expect(0x30).kids())
    need(der.integer(f.pop(0)) in (1, 2), "pki.time-stamp", "version")
    der.oid(f.pop(0))
    imprint = f.pop(0).expect(0x30).kids()
    wanted = "sm3" if suite == "gm-1" else "sha256"
    name = cms._digest_name(imprint[0])
    need(name == wanted and imprint[1].expect(4).body == digest(name, stamped), "pki.digest-mismatch", "imprint")
    der.integer(f.pop(0))
    out = Stamp()
    out.time, out.message, out.accuracy = der.time(f.pop(0).expect(0x18), fraction=True), message, 10**9
    if f and f[0].tag == 0x30:
        out.accuracy = _accuracy(f.pop(0))
    if f and f[0].tag == 1:
        need(der.boolean(f.pop(0)), "pki.malformed", "ordering FALSE is the default")
    if f and f[0].tag == 2:
        der.integer(f.pop(0))
    if f and f[0].tag == 0xA0:
        inner = f.pop(0).kids()[0]
        if inner.tag == 0xA4:
            need(inner.kids()[0].raw == message.signer.subject_node.raw, "pki.time-stamp", "tsa is not the signer")
    if f and f[0].tag == 0xA1:
        for item in f.pop(0).kids():
            need(not (len(item.kids()) == 3 and der.boolean(item.kids()[1])), "pki.critical-extension", "TSTInfo")
    need(not f, "pki.malformed", "TSTInfo")
    return out


def _accuracy(node):
    total, scale = 0, {2: 10**9, 0x80: 10**6, 0x81: 10**3}
    for k in node.kids():
        need(k.tag in scale, "pki.malformed", "accuracy")
        value = int.from_bytes(k.body, "big")
        need(k.tag == 2 or 1 <= value <= 999, "pki.malformed", "accuracy")
        total += value * scale[k.tag]
    return total
