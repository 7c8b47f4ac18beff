"""OCSP answers at the edges (spec/certificates.md, Revocation): roots that share name and key, odd extensions, holds that were lifted."""
import unittest

import common  # noqa: F401
from cryptography.hazmat.primitives import hashes as ch
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec
from world import d, oid

from mifeng import moment, ocsp, path, x509
from mifeng.errors import Bad
from mifeng.hashes import digest

ALG = d(0x30, oid("1.2.840.10045.4.3.2"))
SHA256 = d(0x30, oid("2.16.840.1.101.3.4.2.1"))
CA_RULE, MALFORMED, REVOKED = "pki.ca-rule", "pki.malformed", "pki.revoked"
MAY, JUNE, JULY, AUGUST = (moment.parse(f"2026-{m:02}-01T00:00:00Z") for m in (5, 6, 7, 8))
END = moment.parse("2027-01-01T00:00:00Z")
A_TIME = d(0x18, b"20260401000000Z")
BASIC, USAGE, SKI, AKI, SAN, EKU = (f"2.5.29.{n}" for n in (19, 15, 14, 35, 17, 37))
REASON, INVALIDITY, CUTOFF, NOCHECK = "2.5.29.21", "2.5.29.24", "1.3.6.1.5.5.7.48.1.6", "1.3.6.1.5.5.7.48.1.5"
TRUE, FALSE = d(1, b"\xff"), d(1, b"\0")


def when(at):
    return d(0x18, moment.show(at)[:19].translate({ord(c): None for c in "-:T"}).encode() + b"Z")


def ext(name, value, critical=b""):
    return d(0x30, oid(name), critical, d(4, value))


def named(text):
    return d(0x30, d(0x31, d(0x30, oid("2.5.4.3"), d(0x0C, text)))) if text else d(0x30)


class Key:
    def __init__(self):
        self.own = ec.generate_private_key(ec.SECP256R1())
        self.spki = self.own.public_key().public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo)
        self.bits = self.own.public_key().public_bytes(ser.Encoding.X962, ser.PublicFormat.UncompressedPoint)

    def signed(self, tbs, *more):
        return d(0x30, tbs, ALG, d(3, b"\0" + self.own.sign(tbs, ec.ECDSA(ch.SHA256()))), *more)


ROOT, SIGNER, LEAF = Key(), Key(), Key()


def cert(key, name, number, *extensions):
    """By the root's key."""
    validity = d(0x30, d(0x17, b"260101000000Z"), d(0x17, b"280101000000Z"))
    raw = d(0x30, bytes.fromhex("a003020102"), d(2, bytes([number])), ALG, named(b"root"), validity, named(name), key.spki,
            d(0xA3, d(0x30, *extensions)))
    return x509.certificate(ROOT.signed(raw))



def a_root(identifier, *more):
    return cert(ROOT, b"root", 1, ext(BASIC, d(0x30, TRUE), TRUE), ext(USAGE, d(3, b"\1\6"), TRUE), ext(SKI, d(4, identifier)), *more)


def a_leaf(*more, name=b"leaf"):
    return cert(LEAF, name, 9, ext(USAGE, d(3, b"\7\x80"), TRUE), *more)


def a_responder(*more, name=b"responder"):
    return cert(SIGNER, name, 7, ext(USAGE, d(3, b"\7\x80"), TRUE), ext(EKU, d(0x30, oid("1.3.6.1.5.5.7.3.9"))),
                ext(AKI, d(0x30, d(0x80, b"old"))), *more)


def response(reason=None, by=None, of_answer=(), of_all=()):
    """About certificate 9, made in June: good, or revoked in May; signed by the root or by a responder."""
    status = d(0x80) if reason is None else d(0xA1, when(MAY), d(0xA0, d(0x0A, bytes([reason]))))
    identity = d(0x30, SHA256, d(4, digest("sha256", named(b"root"))), d(4, digest("sha256", ROOT.bits)), d(2, b"\x09"))
    more = [d(0xA1, d(0x30, *x)) if x else b"" for x in (of_answer, of_all)]
    one = d(0x30, identity, status, when(JUNE), d(0xA0, when(END)), more[0])
    who = named(b"root") if by is None else by.subject_node.raw
    data = d(0x30, d(0xA1, who), when(JUNE), d(0x30, one), more[1])
    basic = ROOT.signed(data) if by is None else SIGNER.signed(data, d(0xA0, d(0x30, by.raw)))
    return ocsp.response(d(0x30, d(0x0A, b"\0"), d(0xA0, d(0x30, oid(ocsp.BASIC), d(4, basic)))))


def a_list(made, *entries, key=ROOT, more=()):
    """Each entry: a number and its extensions. `more`: extensions of the list."""
    lines = [d(0x30, d(2, bytes([n])), when(MAY), d(0x30, *x) if x else b"") for n, *x in entries]
    body = d(0x30, *lines) if lines else b""
    more = d(0xA0, d(0x30, *more)) if more else b""
    tbs = d(0x30, d(2, b"\1"), ALG, named(b"root"), when(made), when(max(made, END)), body, more)
    return x509.crl(key.signed(tbs))


class Case(unittest.TestCase):
    def refused(self, code, call, *args, **more):
        with self.assertRaises(Bad) as seen:
            call(*args, **more)
        self.assertEqual(seen.exception.code, code)


class Roots(Case):
    def test_any_root_under_which_all_holds(self):
        old, new = a_root(b"old"), a_root(b"new")
        said = response(by=a_responder())
        for roots in ([old], [old, new], [new, old]):
            path.said_by_who_may(said, (), roots, (), "intl-1", JUNE)
        self.refused(CA_RULE, path.said_by_who_may, said, (), [new], (), "intl-1", JUNE)
        self.refused("pki.ocsp", path.said_by_who_may, said, (), [], (), "intl-1", JUNE)


class Extensions(Case):
    def test_of_responses(self):
        for name in (CUTOFF, INVALIDITY):
            for critical in (b"", FALSE, TRUE):
                self.assertFalse(response(1, of_answer=[ext(name, A_TIME, critical)]).critical)
                self.refused(MALFORMED, response, 1, of_answer=[ext(name, A_TIME + d(5), critical)])
            self.refused(MALFORMED, response, 1, of_answer=[ext(name, A_TIME)] * 2)
            self.refused(MALFORMED, response, 1, of_answer=[ext(name, A_TIME, d(1, b"\1"))])
        for place in ("of_answer", "of_all"):
            many = [ext(f"2.5.30.{n}", b"") for n in range(33)]
            self.assertFalse(response(**{place: many[:32]}).critical)
            self.refused(MALFORMED, response, **{place: many})
            self.refused(MALFORMED, response, **{place: many[:3] + many[:1]})
            self.assertFalse(response(**{place: [ext("2.5.30.1", b"", FALSE)]}).critical)
            self.assertTrue(response(**{place: [ext("2.5.30.1", b"", TRUE)]}).critical)

    def test_of_certificates(self):
        root = a_root(b"old")
        holds = lambda leaf: path._chain((leaf, root), "intl-1", JUNE, "signing")  # noqa: E731
        good, bad = d(0x30, d(0x82, b"a.example")), d(0x30, d(0x89, b"a.example"))
        for more in ((), [ext("2.5.30.1", b"", FALSE)], [ext(SAN, good)], [ext(SAN, d(0x30, d(0xA4, named(b"x"))), TRUE)],
                     [ext(NOCHECK, d(5), TRUE)]):
            holds(a_leaf(*more))
        holds(a_leaf(ext(SAN, good, TRUE), name=b""))
        for value in (bad, d(0x30), good + b"\0", b"", d(0x30, d(0xA4, d(0x31))), d(0x31, d(0x82, b"a.example"))):
            for critical in (b"", TRUE):
                self.refused(CA_RULE, holds, a_leaf(ext(SAN, value, critical)))
        for more in ((), [ext(SAN, good)], [ext(SAN, good, FALSE)]):
            self.refused(CA_RULE, holds, a_leaf(*more, name=b""))
        self.refused("pki.critical-extension", holds, a_leaf(ext("2.5.30.1", b"", TRUE)))
        self.refused(MALFORMED, a_leaf, ext(SAN, good), ext(SAN, good))

    def test_of_responders(self):
        root = a_root(b"old")
        judge = lambda who: path.said_by_who_may(response(by=who), (), [root], (), "intl-1", JUNE)  # noqa: E731
        for more in ([ext(NOCHECK, d(5), TRUE)], [ext(NOCHECK, d(5), FALSE)]):
            judge(a_responder(*more))
        self.refused(CA_RULE, judge, a_responder(ext(SAN, d(0x30))))
        self.refused(CA_RULE, judge, a_responder(name=b""))


class Holds(Case):
    def standing(self, at, lists, reason=None, taken=True):
        said = response(reason)
        at_hand = path.Material((), lists, () if taken else (said,), said.answers if taken else ())
        return path._standing((a_leaf(), a_root(b"old")), at_hand, "intl-1", at, (), [])

    def test_a_newer_list_ends_a_hold(self):
        lifted = a_list(JULY, [11])
        for taken in (True, False):
            def revoked(at, *lists, reason=6, taken=taken):
                self.refused(REVOKED, self.standing, at, lists, reason, taken)

            for at in (JULY, AUGUST):
                self.assertTrue(self.standing(at, (lifted,), 6, taken))
            revoked(JULY)
            revoked(JUNE, lifted)
            revoked(JULY, a_list(JUNE))
            revoked(JULY, a_list(JULY, [9]))
            revoked(JULY, a_list(JULY, key=SIGNER))
            for reason in (0, 1, 4):
                revoked(AUGUST, lifted, reason=reason)

    def test_lists(self):
        hold, lifted = ext(REASON, d(0x0A, b"\6")), a_list(AUGUST)
        for lists in ((a_list(JULY, [9, hold]), lifted), (lifted, a_list(JULY, [9, hold]))):
            self.refused(REVOKED, self.standing, JULY, lists)
            self.assertTrue(self.standing(AUGUST, lists))
        for entry in ([9], [9, ext(REASON, d(0x0A, b"\1"))]):
            self.refused(REVOKED, self.standing, AUGUST, (a_list(JULY, entry), lifted))
        # invalidityDate counts with keyCompromise alone.
        before = moment.parse("2026-04-10T00:00:00Z")
        since = ext(INVALIDITY, A_TIME, TRUE)
        self.refused(REVOKED, self.standing, before, (a_list(JUNE, [9, ext(REASON, d(0x0A, b"\1")), since]),))
        self.assertTrue(self.standing(before, (a_list(JUNE, [9, since]),)))

    def test_a_list_from_after_the_end_says_nothing_good(self):
        at, ended = moment.parse("2027-12-01T00:00:00Z"), moment.parse("2028-02-01T00:00:00Z")
        kept = lambda text: [ext("2.5.29.60", d(0x18, text))]  # noqa: E731
        lists = ((), kept(b"20280101000001Z")), (kept(b"20280101000000Z"), kept(b"20260101000000Z"))
        for good, some in zip((False, True), lists):
            for more in some:
                at_hand = path.Material((), (a_list(ended, more=more),))
                self.assertEqual(path._standing((a_leaf(), a_root(b"old")), at_hand, "intl-1", at, (), []), good)
        self.refused(MALFORMED, a_list, ended, more=kept(b"20280101000000Z\0"))


if __name__ == "__main__":
    unittest.main()
