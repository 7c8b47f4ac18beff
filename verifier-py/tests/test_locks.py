"""Clocks, one-time keys and keys handed on, against published values and against what the engine published."""
import hashlib
import json
import os
import unittest

from common import h, vector  # also puts the package on the path

from mifeng import bls, envelope, hashes, revealed, timelock
from mifeng.errors import Bad

SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data", "protocol")


def shared(*path):
    name = os.path.join(SHARED, *path)
    if not os.path.exists(name):
        raise unittest.SkipTest(f"{name} is not here")
    with open(name, encoding="utf-8") as f:
        return json.load(f)


class Clocks(unittest.TestCase):
    def test_pairing_of_the_generators(self):
        known = shared("tlock", "gt-hash.json")
        one = bls.pairing(bls.G1, bls.G2)
        self.assertEqual(bls.gt_bytes(one).hex(), known["pairing_of_generators_serialised"])
        self.assertEqual(bls.gt_bytes(bls.mul12(one, one)).hex(), known["squared"])
        self.assertEqual(timelock._h2(one).hex(), known["h2_first16"])

    def test_pairing_is_bilinear(self):
        left = bls.pairing(bls.times(bls.F1, 6, bls.G1), bls.times(bls.F2, 7, bls.G2))
        self.assertEqual(left, bls.pow12(bls.pairing(bls.G1, bls.G2), 42))

    def test_beacons_of_drand(self):
        count = 0
        for b in shared("drand", "beacons.json"):
            if not timelock.SCHEMES[b["scheme"]][2]:
                continue
            chain = timelock.Chain("", b["scheme"], h(b["public_key"]), 0, 1)
            self.assertEqual(timelock.signed(chain, b["round"], h(b["signature"])), b["valid"], b["source"])
            count += 1
        self.assertGreater(count, 7)

    def test_chain_hashes(self):
        for name, n in shared("drand", "networks.json").items():
            if not n.get("chain_hash_reproduces"):
                continue
            record = {k: n[k] for k in timelock.MEMBERS}
            self.assertEqual(timelock.chain(record).hash, n["chain_hash"], name)

    def test_own_vectors(self):
        v = vector("tlock", "own.json")
        chain = timelock.chain(v["chain"])
        self.assertEqual(chain.hash, v["chain_hash"])
        sealed = v.get("sealed") or v["vectors"]
        for x in sealed:
            made = timelock.seal(chain, x["round"], h(x["m"]), h(x["sigma"]))
            self.assertEqual(made.hex(), x["ciphertext"])
            if "signature" in x:
                self.assertEqual(timelock.open_(chain, h(x["signature"]), made).hex(), x["m"])
        for x in v["refused"]:
            with self.assertRaises(Bad, msg=x["why"]) as caught:
                if not timelock.signed(chain, x["round"], h(x["signature"])):
                    raise Bad("lock.malformed", "signature")
                timelock.open_(chain, h(x["signature"]), h(x["ciphertext"]))
            if x["code"] == "lock.timelock-ciphertext":
                self.assertEqual(caught.exception.code, x["code"], x["why"])

    def test_points_outside_the_group(self):
        x = 0
        while True:  # a point of the curve that is not in the group of order r
            x += 1
            y = bls.F1.sqrt((x * x * x + 4) % bls.P)
            if y is not None and bls.times(bls.F1, bls.R, (x, y)) is not None:
                break
        for raw in (bls.pack(bls.F1, (x, y)), b"\xc0" + bytes(47), bytes(48), b"\x80" + b"\xff" * 47):
            with self.assertRaises(Bad):
                bls.unpack(bls.F1, raw)
        self.assertEqual(bls.unpack(bls.F1, bls.pack(bls.F1, bls.G1)), bls.G1)
        self.assertEqual(bls.unpack(bls.F2, bls.pack(bls.F2, bls.G2)), bls.G2)

    def test_hash_to_curve(self):
        """RFC 9380, J.9.1 and J.10.1, the first message."""
        p = bls.hash_to(bls.F1, b"", b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_")
        self.assertEqual(p[0], 0x052926ADD2207B76CA4FA57A8734416C8DC95E24501772C814278700EED6D1E4E8CF62D9C09DB0FAC349612B759E79A1)
        q = bls.hash_to(bls.F2, b"", b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_")
        self.assertEqual(q[0][0], 0x0141EBFBDCA40EB85B87142E130AB689C673CF60F1A3E98D69335266F30D9B8D4AC44C1038E9DCDD5393FAF5C41FB78A)


class Leaves(unittest.TestCase):
    """The leaves of the published seals, opened with what the vectors say was released."""

    def leaf(self, name, at):
        v = vector("envelope", name)
        header = json.loads(v["record"]["header"])
        said = v["leaves"][at]
        return v, hashes.suite(v["suite"]), h(header["leaves"][at]["ct"]), h(said["label"]), h(said["share"]), h(said["rho"])

    def test_one_time_key(self):
        for suite in ("gm-1", "intl-1"):
            v, s, ct, label, share, rho = self.leaf(f"{suite}-one-time-key.json", 1)
            n, x = s.curve.n, 0
            chosen = sorted(v["revealed"], key=lambda r: r["index"])[:v["board"]["t"]]
            for a in chosen:
                self.assertEqual(s.curve.pack(s.curve.base(int(a["share"], 16))).hex(), v["board"]["shares"][a["index"] - 1])
                factor = int(a["share"], 16)
                for b in chosen:
                    if a is not b:
                        factor = factor * b["index"] * pow(b["index"] - a["index"], -1, n) % n
                x = (x + factor) % n
            self.assertEqual(s.curve.pack(s.curve.base(x)).hex(), v["board"]["y"])
            self.assertEqual(revealed.leaf_share(s, x, label, ct), share)
            self.assertEqual(revealed.leaf(s, h(v["board"]["y"]), label, share, rho), ct)
            for wrong in (ct[:-1] + bytes([ct[-1] ^ 1]) if suite == "intl-1" else ct[:40] + bytes([ct[40] ^ 1]) + ct[41:], ct[:-1]):
                with self.assertRaises(Bad):
                    revealed.leaf_share(s, x, label, wrong)

    def test_clock(self):
        for suite in ("gm-1", "intl-1"):
            v, s, ct, label, share, rho = self.leaf(f"{suite}-clock.json", 1)
            beacon, chain = v["beacon"], timelock.quicknet()
            self.assertEqual(chain.hash, beacon["chain"])
            self.assertTrue(timelock.signed(chain, beacon["round"], h(beacon["signature"])))
            self.assertFalse(timelock.signed(chain, beacon["round"] + 1, h(beacon["signature"])))
            self.assertEqual(timelock.leaf_share(s, chain, h(beacon["signature"]), label, ct), share)
            self.assertEqual(timelock.leaf(s, chain, beacon["round"], label, share, rho), ct)


if __name__ == "__main__":
    unittest.main()
