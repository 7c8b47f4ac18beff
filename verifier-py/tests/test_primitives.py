"""Published known answers: SM2, SM3, SM4 (GB/T 32918.5, 32905, 32907, RFC 8998), RFC 6962 trees, curves."""
import unittest

import common
from common import h
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mifeng import amount, curve, der, hashes, jcs, leaf, moment, uscc, x509
from mifeng.errors import Bad

D = int("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8", 16)
K = int("59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21", 16)


class Sm2(unittest.TestCase):
    def setUp(self):
        self.public = curve.SM2.base(D)

    def test_public_key(self):
        self.assertEqual(curve.SM2.pack65(self.public).hex(), (
            "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
            "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"))

    def test_signature(self):
        r = int("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3", 16)
        s = int("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA", 16)
        self.assertTrue(curve.sm2_verify(self.public, b"message digest", r, s))
        self.assertFalse(curve.sm2_verify(self.public, b"message digesu", r, s))
        self.assertFalse(curve.sm2_verify(self.public, b"message digest", r, s ^ 1))
        self.assertFalse(curve.sm2_verify(self.public, b"message digest", r, s + curve.SM2.n))

    def test_encryption(self):
        x, y, c3, c2 = curve.sm2_encrypt(self.public, b"encryption standard", K)
        self.assertEqual(f"{x:064X}", "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73")
        self.assertEqual(c2.hex(), "21886ca989ca9c7d58087307ca93092d651efa")
        self.assertEqual(c3.hex(), "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766")

    def test_points(self):
        for c in (curve.SM2, curve.P256):
            self.assertIsNone(c.base(c.n))
            self.assertEqual(c.mul(c.n - 1, c.g), c.neg(c.g))
            self.assertEqual(c.unpack(c.pack(c.base(12345))), c.base(12345))
            for bad in (b"\0" * 33, b"\4" + bytes(32), b"\2" + b"\xff" * 32):
                with self.assertRaises(Bad):
                    c.unpack(bad)


class Sm3(unittest.TestCase):
    ANSWERS = {b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
               b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
               b"": "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"}

    def test_answers(self):
        for data, answer in self.ANSWERS.items():
            self.assertEqual(hashes.digest("sm3", data).hex(), answer)
            self.assertEqual(hashes._PlainSm3(data).hexdigest(), answer)

    def test_plain_in_pieces(self):
        data = bytes(range(256)) * 3
        x = hashes._PlainSm3()
        for at in range(0, len(data), 37):
            x.update(data[at:at + 37])
        self.assertEqual(x.digest(), hashes.digest("sm3", data))

    def test_hmac(self):
        key = bytes(range(1, 33))
        self.assertEqual(hashes.mac("sm3", key, b"abc").hex(), "44809d3ff5336f44071be1917887380730ae145f940a53819279801784c65e17")


class Sm4(unittest.TestCase):
    KEY = h("0123456789abcdeffedcba9876543210")

    def test_block(self):
        e = Cipher(algorithms.SM4(self.KEY), modes.ECB()).encryptor()
        self.assertEqual(e.update(self.KEY).hex(), "681edf34d206965e86b3e94f536e4246")

    def test_gcm(self):
        plain = b"".join(h(c * 16) for c in "ABCDEFEA")
        e = Cipher(algorithms.SM4(self.KEY), modes.GCM(h("00001234567800000000ABCD"))).encryptor()
        e.authenticate_additional_data(h("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2"))
        out = e.update(plain) + e.finalize()
        self.assertEqual(e.tag.hex(), "83de3541e4c2b58177e065a9bf7b62ec")
        self.assertTrue(out.hex().startswith("17f399f08c67d5ee19d0dc9969c4bb7d"))


class Trees(unittest.TestCase):
    def test_rfc6962(self):
        """The eight leaves that the implementations of RFC 6962 test with, and the roots of their prefixes."""
        data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        leaves = [hashes.digest("sha256", b"\0" + h(d)) for d in data]
        roots = {0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                 1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                 8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"}
        for n, root in roots.items():
            self.assertEqual(hashes.tree_root("sha256", leaves[:n]).hex(), root)

    def test_own_vectors(self):
        for suite in ("gm-1", "intl-1"):
            v, s = common.vector("log", f"tree-{suite}.json"), hashes.suite(suite)
            leaves = [s.leaf(e.encode()) for e in v["entries"]]
            for row in v["sizes"]:
                self.assertEqual(s.root(leaves[:row["size"]]).hex(), row["root"])


class Small(unittest.TestCase):
    def test_json(self):
        for bad in (b'{"a":1.0}', b'{"a":01}', b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{ "a":1}', b'{"a":-0}', b'"\\u0041"',
                    b'{"a":9007199254740992}', b'[' * 100 + b']' * 100, b'{"\xc3\xa4":1}', b'\xff', b'nul', b'"\\ud800"', b'NaN'):
            with self.assertRaises(Bad):
                jcs.read(bad)
        self.assertEqual(jcs.read(b'{"a":[1,-2,true,null,"\\u0000\xc3\xa4"]}'), {"a": [1, -2, True, None, "\0ä"]})

    def test_base64(self):
        for bad in ("QQ", "QR==", "QQ==\n", "Q Q=", "-_=="):
            with self.assertRaises(Bad):
                jcs.unbase64(bad)

    def test_der(self):
        for bad in ("0281017f", "020200ff00", "0280", "0400ff", "3080", "02020001", "3003020101ff"):
            with self.assertRaises(Bad):
                der.integer(der.read(h(bad)))
        self.assertEqual(der.oid(der.read(h("06082a811ccf55018375"))), "1.2.156.10197.1.501")

    def test_times(self):
        self.assertEqual(moment.show(moment.parse("2026-03-02T08:15:30.25Z")), "2026-03-02T08:15:30.25Z")
        for text in ("2026-03-02T08:15:30.250Z", "2026-03-02T08:15:30.0Z"):
            with self.assertRaises(Bad):
                moment.parse(text)
        self.assertEqual(moment.parse("2026-01-01T08:00:00+08:00", z=False), moment.parse("2026-01-01T00:00:00Z"))
        for bad in ("2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01T24:00:00Z"):
            with self.assertRaises(Bad):
                moment.parse(bad)

    def test_codes(self):
        self.assertTrue(uscc.valid("91371323MA3C0Y7X0X"))
        self.assertFalse(uscc.valid("91371323MA3C0Y7X0Y"))
        self.assertEqual(uscc.alone("(91371323MA3C0Y7X0X) x91371323MA3C0Y7X0X"), ["91371323MA3C0Y7X0X"])

    def test_amounts(self):
        self.assertEqual(amount.words("壹佰贰拾捌万伍仟元整"), 128_500_000)
        self.assertEqual(amount.words("壹亿伍仟元整"), None)

    def test_oaep_leaf_opens(self):
        from cryptography.hazmat.primitives import hashes as ch
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        private = rsa.generate_private_key(65537, 3072)
        raw = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        suite, rho, label = hashes.suite("intl-1"), bytes(range(96)), b"label"
        made = leaf.rsa_leaf(suite, x509.Key(der.read(raw)), label, bytes(32), rho)
        oaep = padding.OAEP(padding.MGF1(ch.SHA256()), ch.SHA256(), None)
        kappa = private.decrypt(made[:-32], oaep)
        self.assertEqual(kappa, rho[64:96])
        self.assertEqual(made[-32:], suite.kdf(kappa, "wrap", label, 32))


if __name__ == "__main__":
    unittest.main()
