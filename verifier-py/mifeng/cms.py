"""Signature messages of our own form (spec/cms.md, Reading our own)."""
from functools import lru_cache

from . import der, x509
from .errors import Bad, need
from .hashes import digest

LIMIT = 65_536
FORMS = {"rfc": ("1.2.840.113549.1.7.2", "1.2.840.113549.1.7.1"),
         "gbt": ("1.2.156.10197.6.1.4.2.2", "1.2.156.10197.6.1.4.2.1")}
TST = "1.2.840.113549.1.9.16.1.4"
HASH_OIDS = {v: k for k, v in x509.HASH_OID.items()}
DIGEST, CONTENT_TYPE, TIME = "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.5"
SIGNING_V2, SIGNING_V1 = "1.2.840.113549.1.9.16.2.47", "1.2.840.113549.1.9.16.2.12"
PROTECTION = "1.2.840.113549.1.9.52"


class Signed:
    """A message whose one signature holds: `signer`, `certificates`, `time` (or None), `attributes`."""


def _attributes(node, code="pki.message"):
    out, raws = {}, []
    for item in node.kids():
        kind, values = item.expect(0x30).kids()
        oid = der.oid(kind)
        need(oid not in out and len(values.expect(0x31).kids()) == 1, code, "a repeated attribute or value")
        out[oid] = values.kids()[0]
        raws.append(item.raw)
    need(raws == sorted(raws), "pki.malformed", "attributes out of DER order")
    need(len(raws) <= 16, code, "too many attributes")
    return out


def _digest_name(node):
    oid, parameters = x509.algorithm(node)
    need(parameters is None or parameters.raw == b"\5\0", "pki.message", "digest parameters")
    need(oid in x509.HASH_OID, "pki.wrong-suite", f"digest algorithm {oid}")
    return x509.HASH_OID[oid]


def _method(node, key, hash_name, gbt):
    oid, parameters = x509.algorithm(node)
    if key.kind == "SM2":
        need(hash_name == "sm3" and oid == ("1.2.156.10197.1.301.1" if gbt else x509.SM2_SM3),
             "pki.wrong-suite", "the SM2 identifier of another form")
        need(parameters is None, "pki.message", "parameters beside an SM2 identifier")
        return "sm2"
    need(hash_name in x509.HASHES, "pki.wrong-suite", "digest of the other suite")
    if key.kind == "RSA":
        if oid == x509.RSA_PSS:
            need(x509.pss_hash(parameters) == "sha256" == hash_name, "pki.wrong-suite", "PSS parameters")
            return "pss-sha256"
        need(oid == x509.RSA_KEY or x509.RSA_HASH.get(oid) == hash_name, "pki.wrong-suite", "signature algorithm")
        need(parameters is not None and parameters.raw == b"\5\0", "pki.message", "RSA without NULL")
        return "pkcs1-" + hash_name
    wanted = {"P-256": (x509.ECDSA256, "sha256"), "P-384": (x509.ECDSA384, "sha384")}[key.kind]
    need((oid, hash_name) == wanted and parameters is None, "pki.wrong-suite", "signature algorithm")
    return "ecdsa-" + hash_name


@lru_cache(maxsize=65536)
def read(raw, content, suite, inside=False):
    """Verifies a message. `content`: the octets beside it; with `inside` None, and a time-stamp token is read."""
    need(0 < len(raw) <= LIMIT, "pki.too-large", "message")
    try:
        return _read(raw, content, suite, inside)
    except (ValueError, IndexError) as e:
        raise Bad("pki.malformed", f"message: {e}") from None


def _read(raw, content, suite, token):
    outer = der.read(raw).expect(0x30).kids()
    need(len(outer) == 2, "pki.malformed", "ContentInfo")
    kind = der.oid(outer[0])
    form = next((f for f, (o, _) in FORMS.items() if o == kind), None)
    need(form and (token or form == ("gbt" if suite == "gm-1" else "rfc")), "pki.message", "content type of the message")
    box = outer[1].expect(0xA0).kids()
    need(len(box) == 1, "pki.malformed", "ContentInfo")
    f = list(box[0].expect(0x30).kids())
    version = der.integer(f.pop(0))
    digests = [_digest_name(n) for n in f.pop(0).expect(0x31).kids()]
    encap = f.pop(0).expect(0x30).kids()
    content_type = der.oid(encap[0])
    need(content_type == (TST if token else FORMS[form][1]), "pki.message", "content type")
    if token:
        need(len(encap) == 2, "pki.message", "no content inside")
        content = encap[1].expect(0xA0).kids()[0].expect(4).body
    else:
        need(len(encap) == 1, "pki.message", "content inside where it is beside")
    certificates = []
    if f and f[0].tag == 0xA0:
        nodes = f.pop(0).kids()
        need(len(nodes) <= 8, "pki.too-large", "certificates")
        raws = [n.raw for n in nodes]
        need(token or raws == sorted(set(raws)), "pki.malformed", "certificates out of order or twice")
        certificates = [x509.certificate(r) for r in raws]
    need(len(f) == 1, "pki.message", "revocation material in a message of our own")
    signers = f[0].expect(0x31).kids()
    need(len(signers) == 1 and len(digests) == 1, "pki.message", "not exactly one signer")
    need(version == (3 if token else 1), "pki.message", "version")
    return _signer(signers[0], content, content_type, certificates, digests[0], form == "gbt", suite, token)


def _signer(node, content, content_type, certificates, hash_name, gbt, suite, token):
    f = list(node.expect(0x30).kids())
    need(len(f) >= 6, "pki.message", "a signer without attributes")
    need(der.integer(f[0]) == 1 and f[1].tag == 0x30, "pki.message", "a signer named by key identifier")
    issuer, serial = f[1].kids()
    signer = next((c for c in certificates
                   if c.issuer_node.raw == issuer.raw and c.serial == der.integer(serial)), None)
    need(signer is not None, "pki.message", "the signer's certificate is not in the message")
    need(_digest_name(f[2]) == hash_name, "pki.message", "digest algorithms that disagree")
    need(signer.key.of_suite(suite, True), "pki.wrong-suite", "key of the other suite")
    attributes = _attributes(f[3].expect(0xA0))
    method = _method(f[4], signer.key, hash_name, gbt)
    signature = f[5].expect(4).body
    need(len(f) == 6 or len(f) == 7 and f[6].tag == 0xA1 and len(f[6].kids()) <= 64, "pki.message", "signer")
    signed_bytes = b"\x31" + f[3].raw[1:]
    need(x509.verify(signer.key, method, signed_bytes, signature), "pki.bad-signature", "the signature does not verify")
    out = Signed()
    out.signer, out.certificates, out.content, out.attributes = signer, certificates, content, attributes
    need(CONTENT_TYPE in attributes and der.oid(attributes[CONTENT_TYPE]) == content_type, "pki.message", "contentType")
    need(DIGEST in attributes, "pki.message", "messageDigest is missing")
    need(attributes[DIGEST].expect(4).body == digest(hash_name, content), "pki.digest-mismatch", "messageDigest")
    need(token or TIME in attributes, "pki.message", "signingTime is missing")
    out.time = der.time(attributes[TIME]) if TIME in attributes else None
    _signing_certificate(attributes, signer, certificates, token)
    if PROTECTION in attributes:
        kids = attributes[PROTECTION].kids()
        need(kids[0].raw == f[2].raw and kids[-1].body[-len(f[4].body):] == f[4].body, "pki.message", "algorithm protection")
    out.unsigned = f[6] if len(f) == 7 else None
    return out


def _signing_certificate(attributes, signer, certificates, token):
    if token and SIGNING_V2 not in attributes and SIGNING_V1 in attributes:
        first = attributes[SIGNING_V1].kids()[0].kids()[0].kids()[0].expect(4).body
        need(first == digest("sha1", signer.raw), "pki.message", "signing-certificate does not name the signer")
        return
    need(SIGNING_V2 in attributes, "pki.time-stamp" if token else "pki.message", "signing-certificate-v2 is missing")
    named = []
    for item in attributes[SIGNING_V2].kids()[0].kids():
        kids = item.kids()
        name = "sha256"
        if kids[0].tag == 0x30:
            name = _digest_name(kids[0])
            kids = kids[1:]
        named.append((name, kids[0].expect(4).body))
    need(named and named[0][1] == digest(named[0][0], signer.raw), "pki.message", "signing-certificate-v2 names another")
    if not token:
        for c in certificates:
            need(any(digest(n, c.raw) == d for n, d in named), "pki.message", "signing-certificate-v2 leaves one out")
