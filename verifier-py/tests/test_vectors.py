"""The project's vectors, read by this verifier alone: board, policy, draw, beats, receipts, seals, stamps, formulas."""
import base64
import csv
import json
import os
import unittest

import common
from common import VECTORS, h, vector
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mifeng import (amount, checks, cms, dkg, draw, envelope, formula, hashes, jcs, log, manifest, moment, note, packs, policy,
                    receipt, score, stamp, tar, tdh2, timelock, x509)
from mifeng.errors import Bad

SUITES = ("gm-1", "intl-1")


class Board(unittest.TestCase):
    def test_dkg(self):
        for name in ("2-of-3", "3-of-5"):
            v = vector("dkg-sm2", name + ".json")
            arguments = [tuple(map(h, v[k])) for k in ("static_public_keys", "round1", "signatures")]
            board, transcript = dkg.form("gm-1", h(v["session"]), v["t"], *arguments)
            self.assertEqual((board.y.hex(), [s.hex() for s in board.shares]), (v["board"]["y"], v["board"]["shares"]))
            self.assertEqual((transcript, board.digest), (v["transcript_hash"], v["board_key"]))
            broken = list(arguments[1])
            broken[0] = broken[0][:-1] + bytes([broken[0][-1] ^ 1])
            with self.assertRaises(Bad):
                dkg.form("gm-1", h(v["session"]), v["t"], arguments[0], tuple(broken), arguments[2])

    def test_tdh2(self):
        for name in SUITES:
            v, s = vector("tdh2", name + ".json"), hashes.suite(name)
            y, label = h(v["board"]["y"]), h(v["label"])
            self.assertEqual(s.curve.pack(tdh2.gbar(s)).hex(), v["g_bar"])
            self.assertEqual(tdh2.encrypt(s, y, label, h(v["m"]), h(v["rho"])).hex(), v["ciphertext"])
            ct = tdh2.ciphertext(s, y, label, h(v["ciphertext"]))
            with self.assertRaises(Bad):
                tdh2.ciphertext(s, y, label + b"x", h(v["ciphertext"]))
            pairs = []
            for share in v["shares"]:
                i, d, e, z = tdh2.read_share(share)
                self.assertTrue(tdh2.share_holds(s, label, i, h(v["board"]["shares"][i - 1]), ct.u_raw, d, e, z))
                self.assertFalse(tdh2.share_holds(s, label + b"x", i, h(v["board"]["shares"][i - 1]), ct.u_raw, d, e, z))
                pairs.append((i, d))
            for chosen in (pairs[:2], pairs[1:]):
                self.assertEqual(tdh2.plain(s, y, ct, tdh2.combine(s, 2, tuple(chosen))).hex(), v["m"])

    def test_policy(self):
        for name in SUITES:
            v, s = vector("policy", name + ".json"), hashes.suite(name)
            for case in v["cases"]:
                node = json.loads(case["policy"])
                policy.whole(node)
                shares = policy.deal(s, node, h(v["sigma"]), h(v["context"]))
                self.assertEqual({k: x.hex() for k, x in shares.items()}, {x["path"]: x["share"] for x in case["shares"]})
                self.assertEqual(policy.combine(node, shares).hex(), v["sigma"])

    def test_policy_findings(self):
        group, bidder = {"key": "ab" * 32, "leaf": "group"}, {"cert": "bidder", "leaf": "cert"}
        other = {"cert": "cd" * 32, "leaf": "cert"}
        clock = {"chain": "ef" * 32, "leaf": "tlock", "round": 7}
        self.assertEqual(policy.lint({"k": 2, "of": [bidder, group]}, {group["key"]: 2}), [])
        self.assertIn("lock.lint-one-party", policy.lint(group, {group["key"]: 1}))
        self.assertIn("lock.lint-one-party", policy.lint({"k": 1, "of": [other, group]}, {group["key"]: 2}))
        self.assertIn("lock.lint-other-cert-required", policy.lint({"k": 2, "of": [other, group]}, {group["key"]: 2}))
        self.assertIn("lock.lint-clock-alone", policy.lint({"k": 1, "of": [clock, group]}, {group["key"]: 2}))
        self.assertIn("lock.lint-unknown-board", policy.lint(group, {}))

    def test_draw(self):
        for name in SUITES:
            v, s = vector("draw", name + ".json"), hashes.suite(name)
            d = draw.Draw(s, h(v["tender_event"]), v["pool"]["rows"], v["pool"]["specialty"], v["n"])
            self.assertEqual((d.id.hex(), d.point.hex()), (v["draw_id"], v["point"]))
            pairs = []
            for share in v["shares"]:
                i, point, e, z = tdh2.read_share(share)
                self.assertTrue(tdh2.share_holds(s, d.label, i, h(v["board"]["shares"][i - 1]), d.point, point, e, z))
                pairs.append((i, point))
            value = tdh2.combine(s, v["board"]["t"], tuple(pairs))
            self.assertEqual(d.seed(value).hex(), v["seed"])
            self.assertEqual(draw.order(s, d.seed(value), v["pool"]["rows"], len(v["order"])), v["order"])


class Log(unittest.TestCase):
    def test_beats(self):
        for name in SUITES:
            v, s = vector("beat", f"batch-{name}.json"), hashes.suite(name)
            c = v["commitment"]
            self.assertEqual(log.commitment(s, c["body"], c["sig"]).hex(), c["commitment"])
            for case in v["cases"]:
                put = tuple(map(h, case["commitments"]))
                self.assertEqual(log.places(s, h(case["seed"]), case["depth"], len(put)), case["positions"])
                self.assertEqual(log.batch_root(s, h(case["seed"]), case["depth"], put).hex(), case["root"])

    def test_schedule(self):
        for case in vector("beat", "schedule.json")["cases"]:
            schedule = log.Schedule(case["schedule"])
            for beat in case["beats"]:
                self.assertEqual(moment.show(schedule.at(beat["index"])), beat["time"])
            self.assertEqual(schedule.before(moment.parse(case["deadline"]) - 1), case["beats_before_deadline"])

    def test_receipts(self):
        for name in SUITES:
            v, s = vector("log", f"receipt-{name}.json"), hashes.suite(name)
            key, witness = note.key(v["log_vkey"], name, "log"), note.key(v["witness_vkey"], name, "witness")
            proof = jcs.read(v["receipt"].encode())
            point = receipt._proof(s, key, proof, h(v["commitment"]))
            self.assertEqual((point.size, point.root.hex()), (int(v["size"]), v["root"]))
            self.assertEqual(point.by(witness) * moment.SECOND, moment.parse(v["time"]))
            with self.assertRaises(Bad):
                receipt._proof(s, key, proof, bytes(32))
            broken = dict(proof, proof=proof["proof"][:-1])
            with self.assertRaises(Bad):
                receipt._proof(s, key, broken, h(v["commitment"]))


class Messages(unittest.TestCase):
    def test_cms(self):
        for name in ("gm-1-gbt35275", "intl-1-rfc5652"):
            v, seen = vector("cms", name + ".json"), 0
            for case in v["cases"]:
                if case["expect"] == "valid" and case.get("suite") == name[:name.index("-1") + 2] and case.get("content"):
                    try:
                        m = cms.read(h(case["message"]), h(case["content"]), case["suite"])
                    except Bad:
                        continue  # forms of others, or content inside: never in a dossier
                    seen += 1
                    self.assertIsNotNone(m.time)
                    with self.assertRaises(Bad):
                        cms.read(h(case["message"]), h(case["content"]) + b"x", case["suite"])
                elif case["expect"] != "valid" and case.get("content") and case["expect"].startswith("pki."):
                    if case["expect"] in ("pki.expired", "pki.unlisted-ca", "pki.not-yet-valid", "pki.key-usage", "pki.revoked"):
                        continue  # of the path, not of the message
                    with self.assertRaises(Bad, msg=case["name"]):
                        cms.read(h(case["message"]), h(case["content"]), case["suite"])
            self.assertGreater(seen, 0)

    def test_stamps(self):
        for name in SUITES:
            v, seen = vector("timestamp", name + ".json"), 0
            for case in v["cases"]:
                if not case["expect"].startswith("20"):
                    continue
                token = [k.raw for k in __import__("mifeng.der").der.read(h(case["response"])).kids()][1]
                s = stamp.read(token, h(v["stamped"]), name)
                self.assertEqual(s.time // moment.SECOND, moment.parse(case["expect"]) // moment.SECOND)
                with self.assertRaises(Bad):
                    stamp.read(token, h(v["stamped"]) + b"x", name)
                seen += 1
            self.assertGreater(seen, 0)


class Seals(unittest.TestCase):
    """Every positive seal made again byte for byte, every negative one refused at its stage."""

    def build(self, v):
        """The plaintext of a base vector."""
        rows = [(f["path"], h(f["content"])) for f in v["files"]]
        rows += [("manifest.json", v["manifest"].encode()), ("manifest.json.p7s", h(v["manifest_cms"]))]
        out = b"".join(manifest._headers(p, len(c), i) + c + bytes(-len(c) % 512) for i, (p, c) in enumerate(rows))
        return (out + bytes(1024)).ljust(int(v["padded_len"]), b"\0")

    def seal(self, name, context, sigma, plain):
        s = hashes.suite(name)
        gm = name == "gm-1"
        size = 16 if gm else 32
        key, salt = s.kdf(sigma, "body", context, size), s.kdf(sigma, "salt", context, 24)
        info = b"c2sp.org/chunked-encryption@v1+" + (b"AEAD_SM4_GCM" if gm else b"AEAD_AES_256_GCM") + b"\0" + salt + context
        okm = hashes.expand("sm3" if gm else "sha512", key, info, size + 44)
        base, out = int.from_bytes(okm[size:size + 12], "big"), salt + okm[size + 12:]
        for i in range(len(plain) // 16384 + 1):
            chunk, nonce = plain[16384 * i:16384 * (i + 1)], (base ^ i).to_bytes(12, "big")
            if gm:
                e = Cipher(algorithms.SM4(okm[:size]), modes.GCM(nonce)).encryptor()
                out += e.update(chunk) + e.finalize() + e.tag
            else:
                out += AESGCM(okm[:size]).encrypt(nonce, chunk, b"")
        return out

    def file(self, parts, body):
        header, trailer, signature = parts
        total = 44 + len(header) + len(body) + len(trailer) + len(signature)
        return (envelope.START + len(header).to_bytes(4, "big") + header + len(body).to_bytes(8, "big") + body
                + len(trailer).to_bytes(4, "big") + trailer + len(signature).to_bytes(4, "big") + signature
                + total.to_bytes(8, "big") + envelope.END)

    def record(self, parts):
        return b"".join(len(p).to_bytes(4, "big") + p for p in parts)

    def parts(self, record):
        return record["header"].encode(), record["trailer"].encode(), h(record["cms"])

    def check(self, v, base, record):
        s = hashes.suite(base["suite"])
        board = base["board"]
        boards = ((s.tag("board", base["suite"].encode(), bytes([board["t"], len(board["shares"])]), h(board["y"]),
                         *map(h, board["shares"])).hex(), h(board["y"]), board["t"]),)
        ctx = json.loads(base["record"]["header"])["ctx"]
        checked = envelope.check(record, base["suite"], ctx["tender_event"], (ctx["lot"],), base["notice_policy"].encode(),
                                 boards, ctx["envelope"], (timelock.quicknet(),) if "beacon" in base else ())
        if checked.signer.organisation() != checked.bidder:
            raise Bad("envelope.mismatch", "another organisation")
        return s, boards, checked

    def open(self, base, record, shares, blob):
        s, boards, checked = self.check(None, base, record)
        sigma = envelope.recover(checked, s, boards, shares)
        body = envelope.file_parts(blob, checked.seal)
        if envelope.body_root(blob, 20 + len(checked.seal.header_raw), len(body), s.id) != checked.seal.root:
            raise Bad("envelope.body-root", "another root")
        plain = envelope.decrypt(s, checked.context, sigma, body)
        return manifest.read(s, plain, checked.context, checked.seal.ctx["bidder_cert"])

    def base(self, name):
        v = vector("envelope", name + ".json")
        plain = self.build(v)
        s = hashes.suite(v["suite"])
        self.assertEqual(s.h(plain).hex(), v["plain_hash"])
        body = self.seal(v["suite"], h(v["c"]), h(v["sigma"]), plain)
        return v, plain, body

    def by_rule(self, rule, v, plain, body):
        if rule.startswith("chunks 0 and 1"):
            return body[:56] + body[56 + 16400:56 + 32800] + body[56:56 + 16400] + body[56 + 32800:]
        if rule.endswith("sigma = 32 bytes 01"):
            return self.seal(v["suite"], h(v["c"]), b"\1" * 32, plain)
        return body

    def test_positive(self):
        for name in SUITES:
            for policy_name in ("board", "joint", "one-time-key", "clock"):
                v, _, body = self.base(f"{name}-{policy_name}")
                parts = self.parts(v["record"])
                whole = self.file(parts, body)
                self.assertEqual(hashes.suite(name).h(whole).hex(), v["file_hash"])
                shares = {x["path"]: h(x["share"]) for x in v["leaves"]}
                m, raw = self.open(v, self.record(parts), shares, tar.Blob(whole, 0, len(whole)))
                self.assertEqual(raw, v["manifest"].encode())

    def test_negative(self):
        bases, count = {}, 0
        for file in sorted(os.listdir(os.path.join(VECTORS, "envelope"))):
            if not file.startswith("negative-"):
                continue
            n = vector("envelope", file)
            if n["base"] not in bases:
                bases[n["base"]] = self.base(n["base"])
            v, plain, body = bases[n["base"]]
            parts, stage = self.parts(n.get("record", v["record"])), n["expect"]["stage"]
            record, blob = self.record(parts), None
            with self.assertRaises(Bad, msg=file) as caught:
                if "plain_edits" in n:
                    changed = bytearray(plain[:n["plain_length"]].ljust(int(n["plain_length"]), b"\0"))
                    for edit in n["plain_edits"]:
                        changed[edit["at"]:edit["at"] + len(edit["hex"]) // 2] = h(edit["hex"])
                    manifest.read(hashes.suite(v["suite"]), bytes(changed), h(v["c"]),
                                  json.loads(v["record"]["header"])["ctx"]["bidder_cert"])
                else:
                    if "edits" in n:
                        whole = bytearray(self.file(self.parts(v["record"]), body)[:n["length"]].ljust(int(n["length"]), b"\0"))
                        for edit in n["edits"]:
                            whole[edit["at"]:edit["at"] + len(edit["hex"]) // 2] = h(edit["hex"])
                        whole = bytes(whole)
                    else:
                        whole = self.file(parts, self.by_rule(n.get("body_rule", ""), v, plain, body))
                    blob = tar.Blob(whole, 0, len(whole))
                    shares = {x["path"]: h(x["share"]) for x in n["shares"]}
                    if stage == "record":
                        self.check(n, v, record)
                    self.open(v, record, shares, blob)
            if stage in ("open", "recover") and n.get("body_rule", "chunks")[:2] == "ch":
                self.assertEqual(caught.exception.code, n["expect"]["code"], file)
            count += 1
        self.assertGreater(count, 80)


class Scores(unittest.TestCase):
    def test_formulas(self):
        pack = next(p for p in packs.known().values() if p.id == "cn-tender-2022-07")
        with open(os.path.join(VECTORS, "formula", "cases.jsonl"), encoding="utf-8") as f:
            cases = [json.loads(line) for line in f]
        for case in cases:
            prices = {b["id"]: score.number(b["price"]) for b in case["bids"]}
            top = score.number(case["ceiling"]) if case.get("ceiling") else None
            valid = {i: p for i, p in prices.items() if top is None or p <= top}
            lot, each = formula.compute(formula.resolve(case["params"], pack), valid, top, case.get("drawn") or {})
            for name, value in (case["expected"].get("lot") or {}).items():
                if isinstance(value, str):
                    self.assertEqual(lot[name], score.Fraction(value), case["id"])
            rows = case["expected"].get("rows", [])
            if not rows:
                continue
            if all("id" in r for r in rows):
                for r in rows:
                    for name in set(r) - {"id"}:
                        self.assertEqual(each[r["id"]][name], score.Fraction(r[name]), case["id"])
            else:
                self.assertEqual(sorted(score.Fraction(r["points"]) for r in rows), sorted(e["points"] for e in each.values()))

    def test_amounts(self):
        with open(os.path.join(VECTORS, "amount", "amounts-own.csv"), encoding="utf-8") as f:
            for row in csv.DictReader(f):
                said, digits = amount.words(row["upper"]), amount.fen(row["digits"])
                found = "reject" if said is None else "equal" if said == digits else "mismatch"
                wanted = {"flag": "equal", "equal_or_flag": "equal"}.get(row["verdict"], row["verdict"])
                self.assertEqual(found, wanted, row["case"])


class Receipts(unittest.TestCase):
    def test_against_dossiers(self):
        cases = vector("dossier", "receipts.json")
        self.assertEqual({c["code"] for c in cases}, {None, "receipt.breach"})
        for c in cases:
            report = checks.verify(tar.parse(tar.open_file(os.path.join(VECTORS, "dossier", c["of"]))))
            self.assertTrue(report.valid)
            try:
                checks.hold_receipt(report, base64.b64decode(c["receipt"]), None)
                code = None
            except Bad as e:
                code = e.code
            self.assertEqual(code, c["code"], c["name"])


class Certificates(unittest.TestCase):
    def test_every_byte_of_a_certificate_counts(self):
        raw = h(vector("cms", "gm-1-gbt35275.json")["anchor"])
        anchor = x509.certificate(raw)
        self.assertTrue(x509.verify(anchor.key, anchor.method, anchor.tbs.raw, anchor.signature))
        for at in range(0, len(raw), 5):
            changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]
            try:
                c = x509.Certificate(changed)
            except (Bad, ValueError, IndexError):
                continue
            self.assertFalse(x509.verify(anchor.key, c.method, c.tbs.raw, c.signature), at)


if __name__ == "__main__":
    unittest.main()
