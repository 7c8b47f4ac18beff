"""OCSP responses, read (RFC 6960 section 4.2.1; spec/certificates.md, Revocation). path.py judges by them."""
from functools import lru_cache

from . import der, x509
from .errors import Bad, need
from .hashes import digest

LIMIT, ANSWERS, CERTIFICATES, EXTENSIONS = 65_536, 256, 8, 32
BASIC, NONCE, ARCHIVE_CUTOFF, INVALIDITY = "1.3.6.1.5.5.7.48.1.1", "1.3.6.1.5.5.7.48.1.2", "1.3.6.1.5.5.7.48.1.6", "2.5.29.24"
CERT_ID = {**x509.HASH_OID, "1.3.14.3.2.26": "sha1"}


def _key_bits(key):
    return der.bits(der.read(key.raw).kids()[1])


def _moment(node):
    return der.time(node.expect(0x18), fraction=True)


def _extensions(node, known):
    """Under [1]: the values of those that are known; whether another is critical."""
    found = {} if node is None else x509.extensions(node, 0, EXTENSIONS)
    critical = any(critical for name, (critical, _) in found.items() if name not in known)
    return {name: value for name, (_, value) in found.items() if name in known}, critical


class Answer:
    """`status` is good, unknown or revoked; `counts_from` when the revocation does, `reason` why."""

    def __init__(self, node):
        f = list(node.expect(0x30).kids())
        need(len(f) >= 3, "pki.malformed", "an answer")
        identity = f.pop(0).expect(0x30).kids()
        need(len(identity) == 4, "pki.malformed", "CertID")
        oid, parameters = x509.algorithm(identity[0])
        need(parameters is None or parameters.raw == b"\5\0", "pki.malformed", "CertID")
        self.hash = CERT_ID.get(oid)
        self.issuer_name, self.issuer_key = identity[1].expect(4).body, identity[2].expect(4).body
        self.serial = der.integer(identity[3])
        revoked, self.reason = self._status(f.pop(0))
        self.this_update, self.next_update = _moment(f.pop(0)), None
        if f and f[0].tag == 0xA0:
            inner = f.pop(0).kids()
            need(len(inner) == 1, "pki.malformed", "nextUpdate")
            self.next_update = _moment(inner[0])
        known = (ARCHIVE_CUTOFF, INVALIDITY) if self.status == "revoked" else (ARCHIVE_CUTOFF,)
        found, self.critical = _extensions(f.pop(0) if f and f[0].tag == 0xA1 else None, known)
        need(not f, "pki.malformed", "an answer")
        self.kept_since = _moment(der.read(found[ARCHIVE_CUTOFF])) if ARCHIVE_CUTOFF in found else None
        since = _moment(der.read(found[INVALIDITY])) if INVALIDITY in found else None
        self.counts_from = min(revoked, since) if self.reason == x509.KEY_COMPROMISE and since is not None else revoked

    def _status(self, node):
        if node.tag in (0x80, 0x82):
            need(not node.body, "pki.malformed", "status")
            self.status = "good" if node.tag == 0x80 else "unknown"
            return None, 0
        kids = list(node.expect(0xA1).kids())
        self.status, reason = "revoked", 0
        need(1 <= len(kids) <= 2, "pki.malformed", "status")
        if len(kids) == 2:
            inner = kids[1].expect(0xA0).kids()
            need(len(inner) == 1 and len(inner[0].expect(0x0A).body) == 1, "pki.malformed", "reason")
            reason = inner[0].body[0]
        return _moment(kids[0]), reason

    @property
    def on_hold(self):
        return self.status == "revoked" and self.reason == x509.HOLD

    @property
    def ends(self):
        """Until when it speaks; without an end for what was before it was made."""
        return self.this_update if self.next_update is None else self.next_update

    @property
    def certificate_id(self):
        return self.hash, self.issuer_name, self.issuer_key, self.serial

    def is_of(self, issuer):
        """About a certificate of this CA."""
        return (self.hash is not None and self.issuer_name == digest(self.hash, issuer.subject_node.raw)
                and self.issuer_key == digest(self.hash, _key_bits(issuer.key)))

    def is_about(self, cert, issuer):
        return (self.hash is not None and self.serial == cert.serial and self.issuer_name == digest(self.hash, cert.issuer_node.raw)
                and self.issuer_key == digest(self.hash, _key_bits(issuer.key)))


class Response:
    def __init__(self, raw):
        need(len(raw) <= LIMIT, "pki.too-large", "OCSP response")
        outer = der.read(raw).expect(0x30).kids()
        need(outer and outer[0].expect(0x0A).body == b"\0", "pki.ocsp", "the responder did not answer")
        need(len(outer) == 2, "pki.malformed", "OCSP response")
        explicit = outer[1].expect(0xA0).kids()
        need(len(explicit) == 1, "pki.malformed", "OCSP response")
        kind, inside = explicit[0].expect(0x30).kids()
        need(der.oid(kind) == BASIC, "pki.ocsp", "type")
        f = list(der.read(inside.expect(4).body).expect(0x30).kids())
        need(3 <= len(f) <= 4, "pki.malformed", "OCSP response")
        self.tbs, self.signature = f[0].expect(0x30), der.bits(f[2])
        try:
            self.method = x509.method_of(f[1])
        except Bad:
            x509.algorithm(f[1])
            self.method = None  # an algorithm of no suite
        self.certificates = self._certificates(f[3].expect(0xA0)) if len(f) == 4 else []
        self._read(list(self.tbs.kids()))

    def _certificates(self, node):
        lists = node.kids()
        need(len(lists) == 1 and len(lists[0].expect(0x30).kids()) <= CERTIFICATES, "pki.malformed", "certificates")
        out = []
        for one in lists[0].kids():
            try:
                out.append(x509.certificate(one.expect(0x30).raw))
            except Bad:
                need(one.tag == 0x30, "pki.malformed", "certificates")  # one that cannot be read is not the responder's either
        return out

    def _read(self, f):
        if f and f[0].tag == 0xA0:
            version = f.pop(0).kids()
            need(len(version) == 1 and der.integer(version[0]) == 0, "pki.malformed", "version")
        need(len(f) >= 3 and f[0].tag in (0xA1, 0xA2) and len(f[0].kids()) == 1, "pki.malformed", "responderID")
        responder = f.pop(0)
        self.by_name = x509.name_key(responder.kids()[0]) if responder.tag == 0xA1 else None
        self.by_key = responder.kids()[0].expect(4).body if responder.tag == 0xA2 else None
        self.produced_at = _moment(f.pop(0))
        self.answers = [Answer(one) for one in f.pop(0).expect(0x30).kids()]
        need(len(self.answers) <= ANSWERS, "pki.too-large", "answers")
        _, critical = _extensions(f.pop(0) if f and f[0].tag == 0xA1 else None, (NONCE,))
        need(not f, "pki.malformed", "OCSP response")
        self.critical = critical or any(one.critical for one in self.answers)

    def names(self, cert):
        if self.by_name is not None:
            return self.by_name == cert.subject
        return self.by_key in (digest("sha1", _key_bits(cert.key)), digest("sm3", _key_bits(cert.key)))

    def about(self, cert, issuer):
        """The first answer about a certificate."""
        return next((one for one in self.answers if one.is_about(cert, issuer)), None)

    def signed_with(self, key):
        return self.method is not None and x509.verify(key, self.method, self.tbs.raw, self.signature)


@lru_cache(maxsize=256)
def response(raw):
    try:
        return Response(raw)
    except (ValueError, IndexError) as e:
        raise Bad("pki.malformed", f"OCSP response: {e}") from None
