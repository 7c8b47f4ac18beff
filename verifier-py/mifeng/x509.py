"""Certificates and revocation lists, read (spec/certificates.md) and their signatures verified."""
import re
from functools import cached_property, lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes as ch
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from . import der, uscc
from .curve import P256, SM2, sm2_verify
from .errors import Bad, need
from .hashes import digest

MAX_CERTIFICATE = 16_384
SM2_SM3, ECDSA256, ECDSA384 = "1.2.156.10197.1.501", "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3"
RSA_KEY, RSA_PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
RSA_HASH = {"1.2.840.113549.1.1.11": "sha256", "1.2.840.113549.1.1.12": "sha384", "1.2.840.113549.1.1.13": "sha512"}
CURVES = {"1.2.840.10045.3.1.7": "P-256", "1.2.156.10197.1.301": "SM2", "1.3.132.0.34": "P-384"}
HASHES = {"sha256": ch.SHA256, "sha384": ch.SHA384, "sha512": ch.SHA512}
HASH_OID = {"2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512",
            "1.2.156.10197.1.401": "sm3"}
ALTERNATIVE, OCSP_NOCHECK = "2.5.29.17", "1.3.6.1.5.5.7.48.1.5"
KNOWN_CRITICAL = {"2.5.29.15", "2.5.29.19", "2.5.29.37", ALTERNATIVE, "2.5.29.32", "2.5.29.35", "2.5.29.14", OCSP_NOCHECK}
GENERAL_NAMES, MAX_NAMES, MAX_ATTRIBUTES = {0xA0, 0x81, 0x82, 0xA3, 0xA4, 0xA5, 0x86, 0x87, 0x88}, 2_048, 64
KEY_COMPROMISE, HOLD = 1, 6
CODE_PLACES = ["1.2.156.10260.4.1.4"]
CODE_ATTRIBUTES = ["2.5.4.97", "2.5.4.5", "2.5.4.11", "2.5.4.10", "2.5.4.3"]


def algorithm(node):
    """(oid, parameters or None)"""
    kids = node.expect(0x30).kids()
    need(1 <= len(kids) <= 2, "pki.malformed", "AlgorithmIdentifier")
    return der.oid(kids[0]), (kids[1] if len(kids) == 2 else None)


class Key:
    """SubjectPublicKeyInfo: kind SM2, P-256, P-384 or RSA."""

    def __init__(self, node):
        self.raw = node.raw
        alg, bits = node.expect(0x30).kids()
        oid, parameters = algorithm(alg)
        data = der.bits(bits)
        if oid == "1.2.840.10045.2.1":
            self.kind = CURVES.get(der.oid(parameters)) if parameters else None
            need(self.kind, "crypto.unsupported", "a curve that is not taken")
            if self.kind == "P-384":
                self.public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), data)
            else:
                curve = SM2 if self.kind == "SM2" else P256
                self.point = curve.unpack65(data)
                if curve is P256:
                    self.public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
        elif oid == RSA_KEY:
            self.kind = "RSA"
            n, e = (der.integer(k) for k in der.read(data).expect(0x30).kids())
            need(n & 1 and e & 1 and 3 <= e < 2**40 and 2048 <= n.bit_length() <= 8192, "crypto.unsupported", "RSA key")
            self.bits = n.bit_length()
            self.public = rsa.RSAPublicNumbers(e, n).public_key()
        else:
            raise Bad("crypto.unsupported", f"key algorithm {oid}")

    def of_suite(self, suite, leaf):
        if suite == "gm-1":
            return self.kind == "SM2"
        if self.kind == "RSA":
            return self.bits % 8 == 0 and (3072 if leaf else 2048) <= self.bits <= 4096
        return self.kind in ("P-256", "P-384")


def _dss(data):
    kids = der.read(data).expect(0x30).kids()
    need(len(kids) == 2, "pki.bad-signature", "not a sequence of two integers")
    return tuple(der.integer(k) for k in kids)


@lru_cache(maxsize=65536)
def _check(kind, raw_key, method, message, signature):
    key = Key(der.read(raw_key))
    try:
        if method == "sm2":
            r, s = _dss(signature)
            return kind == "SM2" and sm2_verify(key.point, message, r, s)
        if method.startswith("ecdsa"):
            r, s = _dss(signature)
            if kind not in ("P-256", "P-384") or r <= 0 or s <= 0:
                return False
            key.public.verify(encode_dss_signature(r, s), message, ec.ECDSA(HASHES[method[6:]]()))
        elif kind != "RSA":
            return False
        elif method.startswith("pkcs1"):
            key.public.verify(signature, message, padding.PKCS1v15(), HASHES[method[6:]]())
        else:
            h = HASHES[method[4:]]()
            key.public.verify(signature, message, padding.PSS(padding.MGF1(h), h.digest_size), h)
        return True
    except (InvalidSignature, UnsupportedAlgorithm, Bad, ValueError):
        return False


def verify(key, method, message, signature):
    return _check(key.kind, key.raw, method, bytes(message), bytes(signature))


def pss_hash(parameters):
    """RFC 4055: hash, MGF1 with the same hash, a salt as long as it."""
    need(parameters is not None, "pki.wrong-suite", "PSS without parameters")
    fields = {k.tag: k.kids()[0] for k in parameters.expect(0x30).kids()}
    need(set(fields) == {0xA0, 0xA1, 0xA2}, "pki.wrong-suite", "PSS parameters")
    name = HASH_OID.get(algorithm(fields[0xA0])[0])
    mgf, inner = algorithm(fields[0xA1])
    need(name in HASHES and mgf == "1.2.840.113549.1.1.8" and inner is not None
         and HASH_OID.get(algorithm(inner)[0]) == name and der.integer(fields[0xA2]) == HASHES[name].digest_size,
         "pki.wrong-suite", "PSS parameters")
    return name


def method_of(node):
    """Certificates: signature algorithm → method of `verify`."""
    oid, parameters = algorithm(node)
    if oid == RSA_PSS:
        return "pss-" + pss_hash(parameters)
    need(parameters is None or parameters.raw == b"\5\0", "pki.malformed", "parameters of an algorithm")
    table = {SM2_SM3: "sm2", ECDSA256: "ecdsa-sha256", ECDSA384: "ecdsa-sha384"}
    table.update({o: "pkcs1-" + h for o, h in RSA_HASH.items()})
    need(oid in table, "pki.wrong-suite", f"signature algorithm {oid}")
    return table[oid]


def name_key(node):
    """A form under which two names are equal as spec/certificates.md compares them."""
    out = []
    for rdn in node.expect(0x30).kids():
        row = set()
        for attribute in rdn.expect(0x31).kids():
            kind, value = attribute.expect(0x30).kids()
            text = text_of(value)
            if text is not None:
                text = re.sub(r"\s+", " ", text.strip()).lower()
            row.add((der.oid(kind), text if text is not None else (value.tag, value.body)))
        out.append(frozenset(row))
    need(sum(len(rdn.kids()) for rdn in node.kids()) <= MAX_ATTRIBUTES, "pki.too-large", "attributes of a name")
    return tuple(out)


def text_of(value):
    try:
        if value.tag in (0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A):
            return value.body.decode("utf-8")
        return value.body.decode("utf-16-be") if value.tag == 0x1E else None
    except UnicodeDecodeError:
        return None


def attributes(node):
    out = []
    for rdn in node.kids():
        for attribute in rdn.kids():
            kind, value = attribute.kids()
            out.append((der.oid(kind), text_of(value) or ""))
    return out


def extension(item):
    """(oid, critical, value); an explicit FALSE is not DER but is met, and taken."""
    kids = item.expect(0x30).kids()
    need(len(kids) in (2, 3), "pki.malformed", "extension")
    return der.oid(kids[0]), len(kids) == 3 and der.boolean(kids[1]), kids[-1].expect(4).body


def extensions(node, least=1, most=64):
    kids, out = node.kids(), {}
    need(len(kids) == 1, "pki.malformed", "extensions")
    for item in kids[0].expect(0x30).kids():
        oid, critical, value = extension(item)
        need(oid not in out, "pki.malformed", "an extension stands twice")
        out[oid] = critical, value
    need(least <= len(out) <= most, "pki.malformed", "number of extensions")
    return out


def names_can_be_read(raw):
    """Whether this is a subjectAltName: names of the known kinds, those of directories in their form."""
    try:
        names = der.read(raw).expect(0x30).kids()
        for name in names:
            if name.tag == 0xA4:
                name_key(der.read(name.body))
        return 1 <= len(names) <= MAX_NAMES and {n.tag for n in names} <= GENERAL_NAMES
    except (Bad, ValueError):
        return False


class Certificate:
    def __init__(self, raw):
        need(len(raw) <= MAX_CERTIFICATE, "pki.too-large", "certificate")
        self.raw = raw
        outer = der.read(raw).expect(0x30).kids()
        need(len(outer) == 3, "pki.malformed", "certificate")
        self.tbs, self.algorithm = outer[0], outer[1]
        self.signature = der.bits(outer[2])
        f = list(self.tbs.expect(0x30).kids())
        need(len(f) >= 7 and f[0].raw == bytes.fromhex("a003020102"), "pki.malformed", "a certificate that is not version 3")
        self.serial = der.integer(f[1])
        need(self.serial >= 0 and len(f[1].body) <= 21, "pki.malformed", "serial number")
        need(f[2].raw == self.algorithm.raw, "pki.malformed", "two signature algorithms")
        self.method = method_of(self.algorithm)
        self.issuer_node, self.subject_node = f[3].expect(0x30), f[5].expect(0x30)
        self.issuer, self.subject = name_key(f[3]), name_key(f[5])
        self.not_before, self.not_after = (der.time(k) for k in f[4].expect(0x30).kids())
        self.key = Key(f[6])
        rest = f[7:]
        need(all(k.tag in (0x81, 0x82, 0xA3) for k in rest), "pki.malformed", "certificate")
        self.extensions = extensions(rest[-1]) if rest and rest[-1].tag == 0xA3 else {}
        self._read_extensions()

    def _ext(self, oid):
        return der.read(self.extensions[oid][1]) if oid in self.extensions else None

    def _read_extensions(self):
        self.ca, self.path_len = False, None
        basic = self._ext("2.5.29.19")
        if basic:
            kids = list(basic.expect(0x30).kids())
            if kids and kids[0].tag == 1:
                self.ca = der.boolean(kids.pop(0))
            if kids:
                self.path_len = der.integer(kids.pop(0))
            need(not kids, "pki.malformed", "basicConstraints")
        usage = self._ext("2.5.29.15")
        self.usage = der.flags(usage) if usage else None
        eku = self._ext("2.5.29.37")
        self.eku = [der.oid(k) for k in eku.expect(0x30).kids()] if eku else None
        self.eku_critical = "2.5.29.37" in self.extensions and self.extensions["2.5.29.37"][0]
        ski = self._ext("2.5.29.14")
        self.ski = ski.expect(4).body if ski else None
        aki = self._ext("2.5.29.35")
        self.aki = next((k.body for k in aki.kids() if k.tag == 0x80), None) if aki else None
        self.crl_points = self._ext("2.5.29.31")
        self.names_read = ALTERNATIVE not in self.extensions or names_can_be_read(self.extensions[ALTERNATIVE][1])

    @property
    def self_issued(self):
        return self.issuer == self.subject

    def fingerprint(self, hash_name):
        return digest(hash_name, self.raw)

    def usages(self):
        """(signs, encrypts)"""
        u = self.usage or set()
        return bool(u & {0, 1}), bool(u & {2, 3, 4})

    def organisation(self):
        return self._organisation

    @cached_property
    def _organisation(self):
        """The credit code where spec/certificates.md, Organisation, looks for it; or None."""
        for oid in CODE_PLACES:
            if oid in self.extensions:
                node = der.read(self.extensions[oid][1])
                found = uscc.alone(node.body.decode("utf-8", "replace"))
                if found:
                    return found[0]
        pairs = attributes(self.subject_node)
        for oid in CODE_ATTRIBUTES:
            for kind, text in pairs:
                found = uscc.alone(text) if kind == oid else []
                if found:
                    return found[0]
        return None

    @cached_property
    def _name(self):
        pairs = dict(reversed(attributes(self.subject_node)))
        return pairs.get("2.5.4.10") or pairs.get("2.5.4.3") or ""

    def name(self):
        """Organisation name, else common name, for people."""
        return self._name


@lru_cache(maxsize=8192)
def certificate(raw):
    try:
        return Certificate(raw)
    except (ValueError, IndexError) as e:
        raise Bad("pki.malformed", f"certificate: {e}") from None


class Crl:
    def __init__(self, raw):
        self.raw = raw
        outer = der.read(raw).expect(0x30).kids()
        need(len(outer) == 3, "pki.malformed", "revocation list")
        self.tbs, self.signature, self.method = outer[0], der.bits(outer[2]), method_of(outer[1])
        f = list(self.tbs.expect(0x30).kids())
        need(der.integer(f.pop(0)) == 1 and f.pop(0).raw == outer[1].raw, "pki.malformed", "revocation list")
        self.issuer = name_key(f.pop(0))
        self.this_update, self.next_update, self.entries, self.extensions = der.time(f.pop(0)), None, {}, {}
        self.holds = set()  # serial numbers whose earliest entry is a certificateHold
        if f and f[0].tag in (0x17, 0x18):
            self.next_update = der.time(f.pop(0))
        if f and f[0].tag == 0x30:
            for item in f.pop(0).kids():
                self._entry(item.kids())
        if f:
            self.extensions = extensions(f.pop(0).expect(0xA0))
        need(not f, "pki.malformed", "revocation list")
        kept = self.extensions.get("2.5.29.60")  # expiredCertsOnCRL
        self.kept_since = der.time(der.read(kept[1]), fraction=True) if kept else None
        aki = self.extensions.get("2.5.29.35")
        self.aki = next((k.body for k in der.read(aki[1]).kids() if k.tag == 0x80), None) if aki else None

    def _entry(self, kids):
        serial, when, reason, since = der.integer(kids[0]), der.time(kids[1]), 0, None
        if len(kids) == 3:
            for item in kids[2].kids():
                oid, critical, value = extension(item)
                need(not critical or oid in ("2.5.29.21", "2.5.29.24"), "pki.critical-extension", "entry of a revocation list")
                if oid == "2.5.29.21":
                    need(len(value) == 3 and value[:2] == b"\x0a\1", "pki.malformed", "reason")
                    reason = value[2]
                elif oid == "2.5.29.24":
                    since = der.time(der.read(value))
        if reason == KEY_COMPROMISE and since is not None:
            when = min(when, since)
        if serial not in self.entries or when < self.entries[serial]:
            self.entries[serial] = when
            (self.holds.add if reason == HOLD else self.holds.discard)(serial)


@lru_cache(maxsize=256)
def crl(raw):
    try:
        return Crl(raw)
    except (ValueError, IndexError) as e:
        raise Bad("pki.malformed", f"revocation list: {e}") from None
