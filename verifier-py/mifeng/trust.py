"""Trust lists (spec/trust.md) and whose certificate counts for what at an instant."""
from functools import lru_cache

from . import cms, der, jcs, moment, ocsp, path, uscc, x509
from .errors import Bad, need
from .hashes import suite as suite_of

MAX_LIST = 2_097_152
KINDS = {"encryption", "signing", "single"}
USAGES = {"bid-encryption", "bid-signing", "host", "record-signing", "seal-making", "seal-use", "time-stamping",
          "trust-list", "trustee"}
BAD = "trust.list-invalid"
BAD_ANSWER = "trust.answer-invalid"
MAX_ANSWERS, MAX_ABOVE = 1_000, 6
PURPOSE = {"bid-encryption": "encryption", "time-stamping": "time-stamping", "host": "host", "trustee": "trustee"}


def kind_of(cert):
    signs, encrypts = cert.usages()
    return "single" if signs and encrypts else "encryption" if encrypts else "signing"


class Ca:
    def __init__(self, value):
        jcs.members(value, ["code", "from", "kinds", "name", "roots", "until?", "usages"], BAD, "CA")
        need(isinstance(value["name"], str) and value["name"], BAD, "name of a CA")
        self.name = value["name"]
        need(isinstance(value["roots"], list) and 1 <= len(value["roots"]) <= 8, BAD, "roots")
        self.roots = [x509.certificate(jcs.unbase64(r, BAD)) for r in value["roots"]]
        self.start = moment.parse(value["from"], BAD, z=False)
        self.end = None if value.get("until") is None else moment.parse(value["until"], BAD, z=False)
        for name, known in (("kinds", KINDS), ("usages", USAGES)):
            v = value[name]
            need(isinstance(v, list) and v == sorted(set(v)) and v and set(v) <= known, BAD, name)
        self.kinds, self.usages, self.code = value["kinds"], value["usages"], value["code"]
        need(isinstance(self.code, list) and len(self.code) <= 8, BAD, "code")
        need(self.code or not {"bid-signing", "bid-encryption"} & set(self.usages), BAD, "no place of the code")
        for place in self.code:
            jcs.members(place, ["after", "in", "oid"], BAD, "place")
            need(place["in"] in ("subject", "extension", "subject-alt-name"), BAD, "place")

    def recognised(self, at):
        return self.start <= at and (self.end is None or at < self.end)

    def organisation(self, cert):
        """The first place that has a code decides; two in one place refuse the certificate."""
        for place in self.code:
            texts = []
            if place["in"] == "subject":
                texts = [t for oid, t in x509.attributes(cert.subject_node) if oid == place["oid"]]
            elif place["in"] == "extension" and place["oid"] in cert.extensions:
                texts = [_extension_text(cert.extensions[place["oid"]][1])]
            elif place["in"] == "subject-alt-name" and "2.5.29.17" in cert.extensions:
                texts = _other_names(cert.extensions["2.5.29.17"][1], place["oid"])
            codes = {c for t in texts for c in (uscc.after(t, place["after"]) if place["after"] else uscc.alone(t))}
            need(len(codes) <= 1, "cert.invalid", "two codes in one place")
            if codes:
                return codes.pop()
        return None


def _extension_text(raw):
    try:
        return der.read(raw).body.decode("utf-8", "replace")
    except Bad:
        return raw.decode("utf-8", "replace")


def _other_names(raw, oid):
    out = []
    for name in der.read(raw).kids():
        if name.tag == 0xA0 and der.oid(name.kids()[0]) == oid:
            out.append(name.kids()[1].kids()[0].body.decode("utf-8", "replace"))
    return out


class Version:
    """One version of a list, well formed; `raw`, `digest`, `cas`."""

    def __init__(self, suite, raw):
        need(len(raw) <= MAX_LIST, BAD, "size of the list")
        v = jcs.members(jcs.read(raw, BAD, "trust list"),
                        ["cas", "effective", "name", "operators", "previous?", "suite", "v", "version"], BAD)
        need(v["v"] == 1 and v["suite"] == suite.id, BAD, "version or suite")
        need(jcs.is_int(v["version"]) and v["version"] >= 1 and (v.get("previous") is None) == (v["version"] == 1), BAD, "version")
        self.raw, self.value, self.number = raw, v, v["version"]
        self.digest = suite.tag("trust-list", raw).hex()
        self.effective = moment.parse(v["effective"], BAD, z=False)
        ops = v["operators"]
        need(isinstance(ops, list) and 1 <= len(ops) <= 8 and ops == sorted(set(ops)), BAD, "operators")
        for o in ops:
            jcs.hex32(o, BAD)
        self.operators = ops
        need(isinstance(v["cas"], list) and 1 <= len(v["cas"]) <= 256, BAD, "CAs")
        self.cas = [Ca(c) for c in v["cas"]]
        names = [c.name.encode() for c in self.cas]
        need(names == sorted(set(names)), BAD, "CAs out of order")
        roots = [r.raw for c in self.cas for r in c.roots]
        need(len(set(roots)) == len(roots), BAD, "a root stands twice")
        need(all(r.ca and r.key.of_suite(suite.id, False) for c in self.cas for r in c.roots), BAD, "a root")


@lru_cache(maxsize=256)
def version(suite_id, raw):
    return Version(suite_of(suite_id), raw)


@lru_cache(maxsize=256)
def signature(suite_id, raw, sig):
    return cms.read(sig, raw, suite_id)


class Judge:
    """Which roots count: those of the notice, or the versions of a list in the log."""

    def __init__(self, suite, anchors=None, lists=None):
        self.suite, self.anchors, self.versions, self.crls = suite, tuple(anchors or ()), [], tuple(lists or ())
        self.counts = {}  # number of a version → from when it counts: effective, and taken by the log
        self.pinned = None  # number of the version that the notice pins
        self.signers, self.roots, self.used = set(), set(), set()
        self.crls_from = {}  # a recorded revocation list → from when it counts
        self.answers, self.answered = {}, 0  # CertID → recorded answers and from when each counts, oldest first; their number

    def take(self, raw, sig, at):
        """The next version of the list."""
        v = version(self.suite.id, raw)
        before = self.versions[-1] if self.versions else None
        message = signature(self.suite.id, raw, sig)
        signer = message.signer
        if before is None:
            base = v
        else:
            base = before
            need(v.value["name"] == before.value["name"] and v.number == before.number + 1
                 and v.value["previous"] == before.digest and v.effective >= before.effective, BAD, "does not follow")
        need(signer.fingerprint(self.suite.hash).hex() in base.operators, BAD, "not signed by an operator")
        self._under(base, signer, message.certificates, at, "trust-list")
        self.versions.append(v)
        self.counts[v.number] = max(v.effective, at)

    def take_crl(self, crl, at):
        """A revocation list that counts from its record on (crl.take)."""
        self.crls += (crl,)
        self.crls_from[crl.raw] = max(crl.this_update, at)

    def take_answer(self, raw, above, at):
        """What a responder said of one certificate, from its record on (ocsp.take). Its signer is judged now, and never again."""
        need(self.answered < MAX_ANSWERS, BAD_ANSWER, "too many", "V3")
        need(len(above) <= MAX_ABOVE, BAD_ANSWER, "certificates above", "V3")
        try:
            above = tuple(x509.certificate(jcs.unbase64(x, BAD_ANSWER)) for x in above)
            response = ocsp.response(raw)
            need(len(response.answers) == 1, "pki.ocsp", "other than one answer")
            answer = response.answers[0]
            path.said_by_who_may(response, above, self._every_root(), self._lists(at), self.suite.id, at)
        except Bad as e:
            raise Bad(BAD_ANSWER, str(e), "V3") from None
        need(answer.status != "unknown", BAD_ANSWER, "unknown", "V3")
        need(answer.status != "good" or at // path.SECOND <= answer.ends // path.SECOND, BAD_ANSWER, "ended before it was taken", "V3")
        before = self.answers.setdefault(answer.certificate_id, [])
        if before:
            last = before[-1][0]
            need(last.status != "revoked" or last.on_hold, BAD_ANSWER, "revoked already", "V3")
            need(answer.this_update > last.this_update, BAD_ANSWER, "not newer than the last one", "V3")
        before.append((answer, max(at, response.produced_at, answer.this_update)))
        self.answered += 1

    def _every_root(self):
        """Every root that the notice names, or a version from the pinned one on has."""
        found = {r.raw: r for v in self.versions if self.pinned is None or v.number >= self.pinned for ca in v.cas for r in ca.roots}
        return (*self.anchors, *found.values())

    def _lists(self, at):
        return tuple(c for c in self.crls if self.crls_from.get(c.raw, c.this_update) <= at)

    def _answers(self, at=None):
        """Of each certificate the last answer that counts at the instant; without one, the last of all."""
        spoken = ([answer for answer, since in all_ if at is None or since <= at] for all_ in self.answers.values())
        return tuple(one[-1] for one in spoken if one)

    def in_force(self, at):
        found = None
        for v in self.versions:
            if self.counts[v.number] <= at or (self.pinned is not None and v.number == self.pinned and found is None):
                found = v
        return found

    def judge(self, cert, pool, at, usages, on=None):
        """The certificate counts for one of the usages at the instant, its CA as recognised then or at `on`; returns its
        organisation's code or None."""
        reason = None
        for usage in usages:
            try:
                return self._judge(cert, tuple(pool), at, usage, at if on is None else on)
            except Bad as e:
                reason = e
        raise reason

    def _judge(self, cert, pool, at, usage, on):
        try:
            if not self.versions:
                way, lists = self._path(cert, pool, self.anchors, at, usage)
                self._note(cert, way, lists)
                return cert.organisation()
            base = self.in_force(on)
            need(base is not None, "cert.unlisted-ca", "no version of the list is in force")
            return self._under(base, cert, pool, at, usage, on)
        except Bad as e:
            raise _as_cert(e) from None

    def _path(self, cert, pool, anchors, at, usage):
        """A list counts from its thisUpdate, or its record; where those had ended, later ones can clear, and never revoke.
        So do answers, each from its record."""
        purpose = PURPOSE.get(usage, "signing")
        known, answers = self._lists(at), self._answers(at)
        try:
            return path.judge(cert, pool, anchors, known, self.suite.id, at, purpose, answers=answers)
        except Bad as e:
            if e.code != "pki.stale-revocation":
                raise
            try:
                later, answers = self.crls, self._answers()
                if usage == "time-stamping":  # a stamp that stood before a list or an answer was taken in stands after it
                    later = tuple(c for c in later if self.crls_from.get(c.raw, c.this_update) == c.this_update)
                    answers = self._answers(at)
                return path.judge(cert, pool, anchors, later, self.suite.id, at, purpose, answers=answers)
            except Bad:
                raise e from None

    def _under(self, base, cert, pool, at, usage, on=None):
        anchors = {r: ca for ca in base.cas for r in ca.roots}
        try:
            way, lists = self._path(cert, tuple(pool), tuple(anchors), at, usage)
        except Bad as e:
            raise _as_cert(e) from None
        ca = anchors[way[-1]]
        need(ca.recognised(at if on is None else on) and usage in ca.usages and kind_of(cert) in ca.kinds, "cert.not-recognised", ca.name)
        self._note(cert, way, lists)
        return ca.organisation(cert)

    def _note(self, cert, way, lists):
        self.signers.add(cert.raw)
        self.roots.add(way[-1].raw)
        self.used.update(c.raw for c in lists)


def _as_cert(e):
    if e.code.startswith("cert.") or e.code == BAD:
        return e
    table = {"pki.unlisted-ca": "cert.unlisted-ca", "pki.revoked": "cert.revoked", "pki.not-recognised": "cert.not-recognised"}
    return Bad(table.get(e.code, "cert.invalid"), str(e), "V3")
