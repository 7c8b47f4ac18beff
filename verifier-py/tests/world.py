"""A whole tender made in Python from spec/ alone (intl-1): for forging, and to show that the engine takes what it did not make.

Keys are made at random; nothing here is for use.
"""
import base64
import datetime
import os

import common  # noqa: F401
from cryptography import x509 as cx
from cryptography.hazmat.primitives import hashes as ch
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mifeng import (checks, curve, dkg, draw, envelope, hashes, jcs, leaf, log, manifest, moment, packs, policy, state, tar, tdh2)
from mifeng.hashes import digest
from test_vectors import Seals

SUITE = hashes.suite("intl-1")
C = SUITE.curve
START = moment.parse("2026-11-21T00:00:00Z")
ORIGIN = "host.example/t/PY-1"


def rnd():
    return int.from_bytes(os.urandom(40), "big") % (C.n - 1) + 1


def d(tag, *parts):
    return leaf._der(tag, b"".join(parts))


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = bytes([40 * first + second])
    for n in rest:
        part = bytes([n & 0x7F])
        while n > 0x7F:
            n >>= 7
            part = bytes([n & 0x7F | 0x80]) + part
        out += part
    return d(6, out)


class Person:
    def __init__(self, world, name, code=None, encrypts=False):
        self.key, self.world = ec.generate_private_key(ec.SECP256R1()), world
        self.cert = world.issue(name, self.key.public_key(), code, encrypts)
        self.raw = self.cert.public_bytes(ser.Encoding.DER)
        self.fp, self.seq, self.name, self.code = digest("sha256", self.raw).hex(), {}, name, code

    def cms(self, content, at, more=()):
        """spec/cms.md, Writing."""
        sha = d(0x30, oid("2.16.840.1.101.3.4.2.1"))
        certs = sorted([self.raw, *more])
        hashed = [digest("sha256", c) for c in [self.raw] + [c for c in certs if c != self.raw]]
        stamp = datetime.datetime.fromtimestamp(at // moment.SECOND, datetime.timezone.utc).strftime("%y%m%d%H%M%SZ").encode()
        attrs = [d(0x30, oid("1.2.840.113549.1.9.3"), d(0x31, oid("1.2.840.113549.1.7.1"))),
                 d(0x30, oid("1.2.840.113549.1.9.4"), d(0x31, d(4, digest("sha256", content)))),
                 d(0x30, oid("1.2.840.113549.1.9.5"), d(0x31, d(0x17, stamp))),
                 d(0x30, oid("1.2.840.113549.1.9.16.2.47"), d(0x31, d(0x30, d(0x30, *(d(0x30, d(4, x)) for x in hashed)))))]
        attrs = b"".join(sorted(attrs))
        signature = self.key.sign(d(0x31, attrs), ec.ECDSA(ch.SHA256()))
        c = self.cert
        signer = d(0x30, d(2, b"\1"), d(0x30, c.issuer.public_bytes(), leaf._integer(c.serial_number)), sha, d(0xA0, attrs),
                   d(0x30, oid("1.2.840.10045.4.3.2")), d(4, signature))
        signed = d(0x30, d(2, b"\1"), d(0x31, sha), d(0x30, oid("1.2.840.113549.1.7.1")), d(0xA0, *certs), d(0x31, signer))
        return d(0x30, oid("1.2.840.113549.1.7.2"), d(0xA0, signed))


class Step:
    """One record to be: signed when the dossier is put together."""

    def __init__(self, person, kind, data, at, received=None, origin=ORIGIN, seq=None):
        self.person, self.kind, self.data, self.at, self.received, self.origin = person, kind, data, at, received, origin
        self.seq, self.salt = seq, os.urandom(32).hex()
        self.sign()

    def sign(self):
        body = {"actor": self.person.fp, "data": self.data, "origin": self.origin, "salt": self.salt, "seq": self.seq,
                "time": moment.show(self.at), "type": self.kind, "v": 1}
        self.body = jcs.write(body)
        self.sig = self.person.cms(self.body, self.at)
        self.hashes = SUITE.h(self.body).hex(), SUITE.h(self.sig).hex()
        self.commitment = log.commitment(SUITE, *self.hashes).hex()

    def again(self, **changes):
        other = Step.__new__(Step)
        other.__dict__.update(self.__dict__)
        other.__dict__.update(changes)
        other.sign()
        return other


class World:
    def __init__(self, joint=0, board_t=2):
        """`joint`: how many of bidder and board open a bid; 0 where the bidder has no leaf."""
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.root_name = cx.Name([cx.NameAttribute(cx.NameOID.COMMON_NAME, "Root")])
        self.root = self._root()
        self.host, self.agency, self.buyer = (Person(self, n) for n in ("host", "agency", "buyer"))
        self.trustees = [Person(self, f"trustee {i}") for i in (1, 2, 3)]
        self.experts = [Person(self, f"expert {i}") for i in range(1, 8)]
        codes = ["913710007000791943", "91371000700158386F", "91371000700237578U"]
        self.bidders = [Person(self, f"bidder {i}", c) for i, c in enumerate(codes)]
        self.enc = [Person(self, f"bidder {i}", c, True) for i, c in enumerate(codes)]
        self.log_key, self.t, self.joint = ed25519.Ed25519PrivateKey.generate(), board_t, 2 if joint is True else joint
        self.witness = [ed25519.Ed25519PrivateKey.generate() for _ in self.trustees]
        self.steps, self.now, self.seals, self.extra = [], START, {}, {}
        self.seeds = [os.urandom(32) for _ in range(6)]

    # --- certificates -----------------------------------------------------------------------------------------------

    def _builder(self, name, public, code=None):
        subject = [cx.NameAttribute(cx.NameOID.COMMON_NAME, name)]
        day = datetime.timedelta(days=400)
        b = (cx.CertificateBuilder().issuer_name(self.root_name).subject_name(cx.Name(subject)).public_key(public)
             .serial_number(cx.random_serial_number()).not_valid_before(datetime.datetime(2026, 1, 1))
             .not_valid_after(datetime.datetime(2026, 1, 1) + day)
             .add_extension(cx.SubjectKeyIdentifier.from_public_key(public), False)
             .add_extension(cx.AuthorityKeyIdentifier.from_issuer_public_key(self.root_key.public_key()), False))
        if code:
            b = b.add_extension(cx.UnrecognizedExtension(cx.ObjectIdentifier("1.2.156.10260.4.1.4"), d(0x0C, code.encode())), False)
        return b

    def _usage(self, *names):
        all_names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                     "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
        return cx.KeyUsage(**{n: n in names for n in all_names})

    def _root(self):
        self.root_name = cx.Name([cx.NameAttribute(cx.NameOID.COMMON_NAME, "Root")])
        b = self._builder("Root", self.root_key.public_key())
        b = b.add_extension(cx.BasicConstraints(True, None), True).add_extension(self._usage("key_cert_sign", "crl_sign"), True)
        return b.sign(self.root_key, ch.SHA256())

    def issue(self, name, public, code, encrypts):
        use = ("key_encipherment", "data_encipherment", "key_agreement") if encrypts else ("digital_signature", "content_commitment")
        b = self._builder(name, public, code).add_extension(cx.BasicConstraints(False, None), True)
        return b.add_extension(self._usage(*use), True).sign(self.root_key, ch.SHA256())

    # --- records ----------------------------------------------------------------------------------------------------

    def add(self, person, kind, data, origin=ORIGIN, received=None, at=None, pause=1):
        self.now += pause * moment.SECOND
        seq = person.seq.get(origin, -1) + 1
        person.seq[origin] = seq
        step = Step(person, kind, data, at or (received or self.now), received, origin, seq)
        self.steps.append(step)
        return step

    def key(self, name, kind, private):
        raw = kind + private.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)
        ident = digest("sha256", name.encode() + b"\n" + raw)[:4].hex()
        return f"{name}+{ident}+{base64.b64encode(raw).decode()}"

    def schnorr(self, secret, public, message):
        k = rnd()
        r = C.pack(C.base(k))
        data = dkg.NAMES["intl-1"][1] + b"H7" + r + C.pack(public) + message
        wide = SUITE.h(b"\1" + data) + SUITE.h(b"\2" + data)[:16]
        return r + ((k + int.from_bytes(wide, "big") % C.n * secret) % C.n).to_bytes(32, "big")

    def setup(self):
        self.add(self.host, "log.config", {"key": self.key(ORIGIN, b"\1", self.log_key), "key_sm3": None, "suite": "intl-1"})
        board, n = "board/py", len(self.trustees)
        static = [rnd() for _ in range(n)]
        publics = [C.base(x) for x in static]
        for i, p in enumerate(self.trustees):
            self.add(p, "board.cert", {
                "index": i + 1, "n": n, "session": "py", "static_key": C.pack(publics[i]).hex(), "t": self.t,
                "witness": self.key(f"py/witness/{i + 1}", b"\4", self.witness[i])}, board)
        packed = [C.pack(p) for p in publics]
        context = dkg.context(SUITE, b"py", packed)
        poly, messages, ephemeral, pops = [], [], [], []
        for i, p in enumerate(self.trustees):
            a = [rnd() for _ in range(self.t)]
            c, e = [C.pack(C.base(x)) for x in a], C.pack(C.base(rnd()))
            pop = self.schnorr(a[0], C.base(a[0]), context + b"".join(c) + e)
            m = b"".join(c) + pop + e + b"".join((48).to_bytes(8, "big") + os.urandom(48) for _ in range(n))
            poly.append(a)
            messages.append(m)
            ephemeral.append(e)
            pops.append(pop)
            self.add(p, "board.dkg1", {"index": i + 1, "message": base64.b64encode(m).decode()}, board)
        extension, ident = SUITE.tag("dkg-messages", *messages), dkg.NAMES["intl-1"][0]
        transcript = (len(ident).to_bytes(8, "little") + ident + (32).to_bytes(8, "little") + context + n.to_bytes(4, "little")
                      + self.t.to_bytes(4, "little") + b"".join(packed)
                      + b"".join(C.pack(C.base(x)) for a in poly for x in a) + b"".join(pops) + b"".join(ephemeral)
                      + (32).to_bytes(8, "little") + extension)
        signatures = [self.schnorr(static[i], publics[i], transcript) for i in range(n)]
        for i, p in enumerate(self.trustees):
            self.add(p, "board.dkg2", {"index": i + 1, "signature": signatures[i].hex(),
                                       "transcript": SUITE.h(transcript).hex()}, board)
        self.secrets = [sum(sum(x * pow(i, k, C.n) for k, x in enumerate(a)) for a in poly) % C.n for i in range(1, n + 1)]
        self.board, _ = dkg.form("intl-1", b"py", self.t, tuple(packed), tuple(messages), tuple(signatures))

    def publish(self, **changes):
        pack = next(p for (h, _), p in packs.known().items() if p.id == "cn-gov-2026-10")
        pin = {"digest": next(x for (h, x), p in packs.known().items() if h == "sha256" and p.id == pack.id), "id": pack.id}
        group = {"key": self.board.digest, "leaf": "group"}
        self.policy = {"k": self.joint, "of": [{"cert": "bidder", "leaf": "cert"}, group]} if self.joint else group
        rules = {"ceiling": "1000000.00", "domestic_rate": "0.20", "dp": 2, "method": "composite", "min_bidders": 3,
                 "object": "goods", "pack": pin, "price_weight": "30", "sme_rate": "0.15", "tie": "draw",
                 "items": [{"id": "a", "kind": "subjective", "max": "50", "name": {"en": "a", "zh": "甲"}},
                           {"id": "b", "kind": "objective", "max": "20", "name": {"en": "b", "zh": "乙"}}]}
        self.deadline = START + 120 * moment.SECOND
        data = {
            "agency": {"cert": self.agency.fp, "name": "agency"}, "buyer": {"cert": self.buyer.fp, "name": "buyer"},
            "beats": {"depth": 3, "paces": [{"from": moment.show(self.deadline - 50 * moment.SECOND), "period_ms": 10_000}]},
            "bidders_min": 3, "board": self.board.digest,
            "committee": {"alternates": 2, "experts": 5, "specialty": "A01"}, "deadline": moment.show(self.deadline),
            "documents": [], "lots": [{"id": "1", "rules": rules, "title": {"en": "lot", "zh": "包"}}], "policy": self.policy,
            "procedure": "open", "rehearsal": True, "suite": "intl-1", "tender": "PY-1", "title": {"en": "t", "zh": "标"},
            "trust": [digest("sha256", self.root.public_bytes(ser.Encoding.DER)).hex()], "window_ms": 60_000}
        data.update(changes)
        self.notice = self.add(self.agency, "tender.publish", data)
        self.schedule = log.Schedule(data["beats"])

    # --- seals ------------------------------------------------------------------------------------------------------

    def seal(self, i, price="900000.00", words="玖拾万元整", lot="1", **ctx_changes):
        person, sigma = self.bidders[i], os.urandom(32)
        ctx = {"bidder": person.code, "bidder_cert": person.fp, "envelope": "whole", "lot": lot, "nonce": os.urandom(32).hex(),
               "suite": "intl-1", "tender_event": self.notice.commitment}
        ctx.update(ctx_changes)
        resolved = policy.resolve(self.policy, self.enc[i].fp)
        context = SUITE.tag("context", jcs.write(ctx), jcs.write(resolved))
        fake = type("Seal", (), {"policy": resolved, "ctx": ctx})()
        labels = {p: b"leaf\0" + context + p.encode() + b"\0" + jcs.write(n) for p, n in policy.leaves(resolved)}
        from mifeng import x509
        certs = [x509.certificate(self.enc[i].raw)]
        boards = ((self.board.digest, self.board.y, self.board.t),)
        header = envelope._build_header(SUITE, fake, context, certs, boards, sigma, labels, ())
        m = jcs.write({"context": context.hex(), "declarations": {"brand": None, "domestic": True, "sme": i == 0}, "detail": [],
                       "files": [{"hash": SUITE.tree_hash(b"hello").hex(), "path": "a.txt", "size": 5}],
                       "opening": {"currency": "CNY", "fields": [], "price": price, "price_cn": words}, "v": 1})
        rows = [("a.txt", b"hello"), ("manifest.json", m), ("manifest.json.p7s", person.cms(m, self.now))]
        plain = b"".join(manifest._headers(p, len(c), k) + c + bytes(-len(c) % 512) for k, (p, c) in enumerate(rows))
        body = Seals.seal(None, "intl-1", context, sigma, (plain + bytes(1024)).ljust(1 << 20, b"\0"))
        trailer = jcs.write({"block": 1 << 20, "body_len": len(body), "header": SUITE.tag("header", header).hex(),
                             "root": SUITE.tree_hash(body).hex(), "v": 1})
        more = [self.enc[i].raw] if self.joint else []
        parts = header, trailer, person.cms(trailer, self.now, more)
        seal = type("Made", (), {})()
        seal.id, seal.record, seal.file = SUITE.tag("header", header).hex(), Seals.record(None, parts), Seals.file(None, parts, body)
        seal.manifest, seal.raw, seal.i = jcs.read(m), m, i
        seal.shares = policy.deal(SUITE, resolved, sigma, context)
        seal.labels = labels
        seal.leaves = {x["path"]: bytes.fromhex(x["ct"]) for x in jcs.read(header)["leaves"]}
        self.seals[seal.id] = seal
        return seal

    def dleq(self, i, base, label):
        """A share with its proof, for trustee i (from 0) and a packed base point."""
        x, k, point = self.secrets[i], rnd(), C.unpack(base)
        big_d = C.pack(C.mul(x, point))
        e = SUITE.scalar("dleq", label, bytes([i + 1]), self.board.shares[i], base, big_d, C.pack(C.base(k)), C.pack(C.mul(k, point)))
        return {"d": big_d.hex(), "e": e.to_bytes(32, "big").hex(), "index": i + 1, "z": ((k + e * x) % C.n).to_bytes(32, "big").hex()}

    # --- the files --------------------------------------------------------------------------------------------------

    def dossier(self, steps=None, close=True):
        """The archive of these steps. `close`: with archive.close over what is there."""
        steps = list(self.steps if steps is None else steps)
        files, entries, beats, done, close_size = {"VERIFY.txt": checks.VERIFY_TEXT.encode()}, [], [], 0, None
        beat_times = [self.schedule.at(i) for i in range(6)] if hasattr(self, "schedule") else []
        inside = [x for x in steps if x.received is not None]
        root = self.root.public_bytes(ser.Encoding.DER)
        if any(x.kind == "tender.publish" for x in steps):
            files[f"certs/{digest('sha256', root).hex()}.cer"] = root
        for step in steps:
            if step.received is not None:
                continue
            if step.kind == "submission.close":
                for n, at in enumerate(beat_times):
                    rows = [x for x in inside if (n == 0 or x.received > beat_times[n - 1]) and x.received <= at]
                    c = tuple(bytes.fromhex(x.commitment) for x in rows)
                    entries.append(jcs.write({"batch": log.batch_root(SUITE, self.seeds[n], 3, c).hex(), "depth": 3, "v": 1}))
                    beats.append({"records": [{"body": x.hashes[0], "received": moment.show(x.received), "sig": x.hashes[1]}
                                              for x in rows], "seed": self.seeds[n].hex()})
                files["log/beats.json"] = jcs.write(beats)
                if step.data["revealed"] == "":
                    step = step.again(data=dict(step.data, revealed=SUITE.h(files["log/beats.json"]).hex()))
                close_size = len(entries) + 1
            entries.append(self._entry(step, files))
        for x in inside:
            self._entry(x, files)
        for x in steps:
            if x.kind in ("bid.open", "bid.fail") and x.data.get("seal") in self.seals:
                files[f"seal/{x.data['seal']}.bid"] = self.seals[x.data["seal"]].file
        if close:
            last = self._archive(files, steps)
            entries.append(self._entry(last, files))
        raw = tuple(entries)
        files.update({"log/tile/" + k: v for k, v in log.expected_files(raw, "sha256")[1].items()})
        files.update({"log/tile/" + k: v for k, v in log.entry_tiles(raw).items()})
        files["log/checkpoint"] = self._note(raw, len(raw), None)
        if close_size:
            files[f"log/heads/{close_size:010d}.note"] = self._note(raw, close_size, self.deadline // moment.SECOND + 1)
        return self._tar(files)

    def _entry(self, step, files):
        files[f"body/{step.hashes[0]}.json"], files[f"sig/{step.hashes[1]}.p7s"] = step.body, step.sig
        return jcs.write({"body": step.hashes[0], "sig": step.hashes[1], "v": 1})

    def _archive(self, files, steps):
        lines = "".join(f"{SUITE.h(files[n]).hex()} {len(files[n])} {n}\n" for n in sorted(files)
                        if n != "VERIFY.txt" and not n.startswith("log/"))
        at = max(x.at for x in steps) + moment.SECOND
        return Step(self.host, "archive.close", {"files": SUITE.h(lines.encode()).hex()}, at, None, ORIGIN, 1000)

    def _note(self, raw, size, seconds):
        text = f"{ORIGIN}\n{size}\n{base64.b64encode(log.root_at(raw, 'sha256', size)).decode()}\n"

        def line(vkey, blob):
            name, ident, _ = vkey.split("+", 2)
            return f"\u2014 {name} {base64.b64encode(bytes.fromhex(ident) + blob).decode()}\n"

        out = text + "\n" + line(self.key(ORIGIN, b"\1", self.log_key), self.log_key.sign(text.encode()))
        if seconds:
            for i, w in enumerate(self.witness):
                signed = w.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
                out += line(self.key(f"py/witness/{i + 1}", b"\4", w), seconds.to_bytes(8, "big") + signed)
        return out.encode()

    def _tar(self, files):
        out = b""
        for name in sorted(files):
            out += tar.header(name.encode(), len(files[name])) + files[name] + bytes(-len(files[name]) % 512)
        return out + bytes(1024)

    # --- the whole tender -------------------------------------------------------------------------------------------

    def run(self):
        """All records of a tender, each made as its page says; my own replay supplies what is computed."""
        self.setup()
        self.publish()
        self.add(self.agency, "tender.amend", {"affects": True, "deadline": None, "documents": [], "reason": "asked", "text": "clearer"})
        made = self.closed()
        if self.joint:
            for x in made:
                self.release(x)
        self.add(self.host, "bidder-window.close", {"missing": []}, pause=70 if not self.joint else 1)
        for i in (0, 2):
            self.shares(i, made)
        for x in made:
            self.open(x)
        minutes = self.minutes({x: "opened" for x in made})
        for p in [self.buyer, self.trustees[0], self.bidders[1]]:
            self.add(p, "opening.sign", {"minutes": minutes.commitment})
        asked = self.add(self.bidders[0], "opening.ask", {"kind": "question", "text": "whose clock?"})
        self.add(self.agency, "opening.answer", {"ask": asked.commitment, "text": "the log's"})
        self.draw()
        self.evaluate(made, minutes)
        return self

    def closed(self):
        """Three bids, and the close; the seals in order."""
        prices = [("900000.00", "玖拾万元整"), ("880000.00", "捌拾捌万元整"), ("950000.00", "玖拾伍万元整")]
        made = []
        for i, (price, words) in enumerate(prices):
            seal = self.seal(i, price, words)
            made.append(seal)
            at = self.deadline - (45 - 10 * i) * moment.SECOND
            self.add(self.bidders[i], "bid.submit", {"seal": base64.b64encode(seal.record).decode()}, received=at)
        made.sort(key=lambda x: x.id)
        self.now = self.deadline
        self.add(self.host, "submission.close", {"beats": 6, "deadline": moment.show(self.deadline), "revealed": ""}, pause=2)
        return made

    def release(self, x):
        self.add(self.bidders[x.i], "bidder.share", {"path": "r.1", "seal": x.id, "share": x.shares["r.1"].hex()})

    def shares(self, i, of, at=None):
        """Trustee i (from 0) answers for these seals."""
        path = "r.2" if self.joint else "r"
        rows = [{"path": path, "seal": x.id, "share": self.dleq(i, x.leaves[path][32:65], x.labels[path])} for x in of]
        self.add(self.trustees[i], "board.share", {"index": i + 1, "shares": rows}, at=at)

    def open(self, x):
        m = x.manifest
        self.add(self.host, "bid.open", {"declarations": m["declarations"], "detail": m["detail"], "opening": m["opening"],
                                         "manifest": SUITE.h(x.raw).hex(), "seal": x.id})

    def minutes(self, statuses):
        """The opening record; seal → status."""
        rows = [{"bidder": self.bidders[x.i].code, "lot": "1", "name": self.bidders[x.i].name,
                 "price": x.manifest["opening"]["price"] if status == "opened" else None, "seal": x.id, "status": status}
                for x, status in statuses.items()]
        return self.add(self.agency, "opening.minutes", {"deadline": moment.show(self.deadline), "rows": rows})

    def draw(self):
        blind = {}
        for p in self.experts:
            salt = os.urandom(32)
            blind[SUITE.tag("expert", salt, bytes.fromhex(p.fp)).hex()] = (p, salt.hex())
        rows = [{"id": i, "weight": 1} for i in sorted(blind)]
        self.add(self.agency, "expert.pool", {"n": 1, "reason": "", "rows": rows, "specialty": "A01"})
        x = draw.Draw(SUITE, bytes.fromhex(self.notice.commitment), rows, "A01", 1)
        for i in (0, 1):
            self.add(self.trustees[i], "draw.share", {"draw": x.id.hex(), "share": self.dleq(i, x.point, x.label)})
        value = C.mul(self._secret(), C.unpack(x.point))
        order = draw.order(SUITE, x.seed(value), rows, 7)
        seats = [{"cert": blind[i][0].fp, "id": i, "salt": blind[i][1]} for i in order[1:6]]
        self.add(self.agency, "draw.result", {"declined": [order[0]], "draw": x.id.hex(), "order": order, "seats": seats,
                                              "seed": x.seed(value).hex()})
        self.panel = [blind[i][0] for i in order[1:6]]

    def _secret(self):
        return (2 * self.secrets[0] - self.secrets[1]) % C.n if self.t == 2 else 0

    def evaluate(self, made, minutes):
        rows = [{"article": "", "pass": True, "reason": "", "seal": x.id} for x in made]
        self.add(self.agency, "check", {"kind": "qualification", "lot": "1", "rows": rows})
        for p in self.panel:
            self.add(p, "check", {"kind": "conformity", "lot": "1", "rows": rows})
        sheets, salts = {}, {}
        for k, p in enumerate(self.panel):
            sheets[p] = {x.id: {"a": f"{30 + x.i + k}.50", "b": "12.00"} for x in made}
            salts[p] = os.urandom(32)
            commitment = SUITE.tag("sheet", b"1", bytes.fromhex(p.fp), salts[p], jcs.write(sheets[p])).hex()
            self.add(p, "score.commit", {"commitment": commitment, "lot": "1"})
        for p in self.panel:
            self.add(p, "score", {"lot": "1", "salt": salts[p].hex(), "scores": sheets[p]})
        from mifeng import score
        rules = self.notice.data["lots"][0]["rules"]
        facts = [{"id": x.id, "price": x.manifest["opening"]["price"], "sme": x.i == 0, "domestic": True, "brand": None} for x in made]
        outcome = score.outcome(rules, packs.find(rules["pack"], SUITE), facts, list(sheets.values()))
        ranked = self.add(self.agency, "rank", {"lot": "1", "outcome": outcome})
        who = {x.id: self.bidders[x.i] for x in made}
        candidates = [{"bidder": who[r["id"]].code, "name": who[r["id"]].name, "order": k + 1, "price": r["price"],
                       "seal": r["id"], "total": r["total"]} for k, r in enumerate(outcome["rows"])]
        report = self.add(self.agency, "report", {
            "bidders": [{"article": "", "bidder": who[x.id].code, "fate": "ranked", "name": who[x.id].name, "reason": "",
                         "seal": x.id} for x in made],
            "candidates": candidates, "committee": [p.fp for p in self.panel], "lot": "1", "media": [], "method": "composite",
            "minutes": minutes.commitment, "place": "", "procedure": "open", "questions": [], "rank": ranked.commitment,
            "remarks": "", "replaced": []})
        for p in self.panel[:3]:
            self.add(p, "report.sign", {"dissent": "", "report": report.commitment})
        first = candidates[0]
        self.add(self.buyer, "award", {k: first[k] for k in ("bidder", "name", "price", "seal")} | {"lot": "1"})
        for r in outcome["rows"][1:]:
            self.add(self.agency, "letter", {"article": "", "bidder": who[r["id"]].code, "fate": "ranked", "lot": "1",
                                             "rank": r["rank"], "reason": "", "seal": r["id"], "total": r["total"]})


__all__ = ["World", "Step", "curve", "state", "tdh2"]
