"""V1 to V14 over one dossier (spec/verify.md, dossier.md)."""
import bisect
import re

from . import (anchor, asked, bids, contract, drawing, envelope, given_up, jcs, judging, keeping, log, moment, note, opening, receipt, record, refused, renewal, reshare,  # noqa: F401
               result, setup, stamp, state, tar, trust, withheld, x509)
from .errors import Bad, need
from .hashes import hasher, suite as suite_of

NAMES = {"V1": ("档案完整", "completeness"), "V2": ("日志", "log"), "V3": ("证书", "certificates"), "V4": ("事件", "events"),
         "V5": ("开标委员会密钥", "board key"), "V6": ("公告与规则", "tender"), "V7": ("投标", "bids"),
         "V8": ("投标人解密份额", "bidder shares"), "V9": ("委员会解密份额", "board shares"), "V10": ("开标", "openings"),
         "V11": ("未开标原因", "fail reasons"), "V12": ("开标记录", "minutes and price list"), "V13": ("专家抽取", "draw"),
         "V14": ("评分与定标", "scores and award")}
ORDER = list(NAMES)


class Report:
    def __init__(self):
        self.results = {k: {"verdict": "not-run", "count": 0, "saw": "", "code": None} for k in ORDER}
        self.tender = self.suite = self.root = self.dossier = self.host = self.keeping = None
        self.unchecked, self.witnesses, self.quorum = [], [], 0

    def passed(self, check, count, saw):
        self.results[check] = {"verdict": "pass", "count": count, "saw": saw, "code": None}

    def seen(self, check, count, saw, unseen):
        """A check over sealed bids, of which a public export withholds some."""
        self.passed(check, count, saw + (f"; {unseen} sealed bids withheld and not checked" if unseen else ""))
        if unseen:
            self.results[check]["verdict"] = "part"

    def unsigned(self, check, count, saw, unseen):
        """A check that rests on signatures, of which a public export withholds those of experts."""
        self.passed(check, count, saw + (f"; {unseen} signatures of experts withheld and not checked" if unseen else ""))
        if unseen:
            self.results[check]["verdict"] = "part"

    def failed(self, e):
        check = e.check or "V1"
        where = getattr(e, "where", "")
        self.results[check] = {"verdict": "fail", "count": 0, "saw": f"{e.text} ({where})" if where else e.text, "code": e.code}

    @property
    def valid(self):
        return all(r["verdict"] in ("pass", "part") for r in self.results.values())


class Dossier:
    """The files and what is read from them once."""

    def __init__(self, files):
        self.files = files
        self.read, self.records, self.by_entry, self.withheld = {}, [], [], {}


def verify(files, roots=None, earlier=None, least=None):
    """files: name → Blob. roots: certificates (DER) that the auditor trusts. earlier: files of an earlier bundle."""
    report, d = Report(), Dossier(files)
    try:
        _completeness_first(d)
        _log(d)
        _records(d)
        _completeness(d, report)
        s = _replay_ready(d)
        _heads(d, s, report, earlier)
        report.dossier, report.host, d.state = d, d.records[0].actor, s
        _replay(d, s)
        report.witnesses, report.quorum = [m.witness for m in s.members.values()], s.board.t if s.board else 0
        _after(d, s, report, roots, least)
    except Bad as e:
        report.failed(e)
    return report


def hold_receipt(report, receipt_bytes, record_bytes):
    """A receipt against the dossier that was just verified."""
    need(report.dossier is not None, "receipt.other-log", "the dossier does not verify that far")
    receipt.check(report.dossier, report.host, receipt_bytes, record_bytes, report.witnesses, report.quorum)


class _in:  # noqa: N801
    """Findings of the block belong to this check unless they say otherwise."""

    def __init__(self, check):
        self.check = check

    def __enter__(self):
        return self

    def __exit__(self, kind, e, trace):
        if isinstance(e, Bad) and e.check is None:
            e.check = self.check


# --- V1 -------------------------------------------------------------------------------------------------------------

NAMED = re.compile(r"(body|certs|crl|crl-taken|docs|ocsp-taken|sig|tsr)/([0-9a-f]{64})(\.json|\.cer|\.crl||\.ocsp|\.p7s|\.tsr)\Z")
SUFFIX = {"body": ".json", "certs": ".cer", "crl": ".crl", "crl-taken": ".crl", "docs": "", "ocsp-taken": ".ocsp", "sig": ".p7s", "tsr": ".tsr"}


def _completeness_first(d):
    """The suite is told by the first record; every file under a hash has that hash."""
    with _in("V1"):
        need("VERIFY.txt" in d.files, "file.missing", "VERIFY.txt")
        need(d.files["VERIFY.txt"].bytes() == VERIFY_TEXT.encode(), "file.changed", "VERIFY.txt")
        need("log/checkpoint" in d.files, "file.missing", "log/checkpoint")
    with _in("V2"):
        d.raw = log.read_entries(d.files)
        first = log.entry(d.raw[0])
    with _in("V4"):
        need("body" in first, "log.config", "the first entry is not a record")
    with _in("V1"):
        name = f"body/{first['body']}.json"
        need(name in d.files, "file.missing", name)
    with _in("V4"):
        config = jcs.read(d.files[name].bytes(), "record.malformed", "log.config")
        origin = config.get("origin") if isinstance(config, dict) else None
        config = config.get("data") if isinstance(config, dict) and config.get("type") == "log.config" else None
        need(isinstance(config, dict), "log.config", "the first record")
    with _in("V1"):
        need(config.get("suite") in ("gm-1", "intl-1"), "crypto.unsupported", "suite of the log")
    with _in("V4"):
        need((config.get("key_sm3") is not None) == (config["suite"] == "gm-1"), "log.config", "key_sm3")
        d.config, d.suite = config, suite_of(config["suite"])
    with _in("V2"):
        key = note.key(config.get("key"), config["suite"], "log")
        if config.get("key_sm3") is not None:
            note.key(config["key_sm3"], config["suite"], "log")
        need(origin == key.name, "log.origin", "the first record is of another log")
    with _in("V1"):
        for name, blob in d.files.items():
            m = NAMED.match(name)
            if m:
                need(m[3] == SUFFIX[m[1]], "file.unexpected", name)
                need(_hash(d.suite.hash, blob) == m[2], "file.hash", name)


_hashes = {}


def _hash(name, blob):
    key = (name, blob)
    if key not in _hashes:
        x = hasher(name)
        view = blob.view()
        for at in range(0, len(view), 1 << 20):
            x.update(view[at:at + (1 << 20)])
        _hashes[key] = x.hexdigest()
    return _hashes[key]


def forget(kept):
    """Drops what is kept about blobs other than these: one flip after another would fill the memory."""
    if len(_hashes) > 4 * len(kept) + 64:
        keep = set(kept)
        for key in [k for k in _hashes if k[1] not in keep]:
            del _hashes[key]


def _completeness(d, report):
    """References, the list of archive.close, and nothing that is unexplained."""
    with _in("V1"):
        known = {"VERIFY.txt", "log/checkpoint"}
        if d.suite.id == "gm-1":
            known.add("log/sm3/checkpoint")
        if d.beats is not None:
            known.add("log/beats.json")
        notice, amended, ends, sealed, contracts = None, [], set(), set(), set()
        for r in d.records:
            known |= {f"body/{r.body_hash}.json", f"sig/{r.sig_hash}.p7s"}
            if r.type == "tender.publish" and notice is None:
                notice = r.data
            if r.type == "tender.amend":
                amended += _list(r.data, "documents")
            if r.type in ("bid.submit", "bid.replace", "offer.submit"):
                sealed.add(_seal_id(d.suite, r.data.get("seal")))
            if r.type == "contract.stamp" and isinstance(r.data.get("contract"), str):
                contracts.add(f"docs/{r.data['contract']}")
            if r.type in ("bid.open", "bid.fail") and r.data.get("seal") in sealed:
                ends.add(f"seal/{r.data['seal']}.bid")
        documents = [x for x in _list(notice, "documents") + amended if isinstance(x, dict)]
        known |= ends | ({withheld.NAME} if d.withheld else set())
        for name in known:
            need(name in d.files or name in d.withheld, "file.missing", name)
        for name in d.withheld:
            need(name in ends or name in known, "file.unexpected", name)
        d.documents = documents
        d.known = known | contracts | {f"docs/{doc.get('hash')}" for doc in documents} | {f"certs/{t}.cer" for t in _list(notice, "trust") if isinstance(t, str)}
        last = d.records[-1]
        if last.type == "archive.close":  # else the replay, or its end, says what is wrong
            _listed(d, last)
    report.passed("V1", len(d.files), f"{len(d.files)} files, all there")


def _listed(d, last):
    """The list that archive.close fixed: all files but the log's, the stamps and the record's own."""
    own = {f"body/{last.body_hash}.json", f"sig/{last.sig_hash}.p7s", "VERIFY.txt"}
    own.add(withheld.NAME)
    said = {name: (_hash(d.suite.hash, d.files[name]), d.files[name].size) for name in d.files
            if name not in own and not name.startswith(("log/", "tsr/", "renewal/", "anchor/"))}
    said.update(d.withheld)
    lines = [f"{said[name][0]} {said[name][1]} {name}\n" for name in sorted(said, key=str.encode)]
    need(d.suite.h("".join(lines).encode()).hex() == last.data.get("files"), "dossier.files",
         "the files are not those that archive.close fixed")


def _seal_id(suite, text):
    """The id of the seal in a record, without reading more of it."""
    try:
        record_ = jcs.unbase64(text)
    except Bad:
        return None
    return suite.tag("header", record_[4:4 + int.from_bytes(record_[:4], "big")]).hex()


def _list(value, name):
    found = value.get(name) if value else None
    return found if isinstance(found, list) else []


# --- V2 -------------------------------------------------------------------------------------------------------------

def _log(d):
    with _in("V2"):
        d.log = log.Log(d.files, d.config)
        batches = [e for e in d.log.entries if "batch" in e]
        d.beats = None
        if "log/beats.json" in d.files:
            d.beats = log.read_beats(d.suite, d.files["log/beats.json"].bytes())
            need(len(d.beats) == len(batches), "log.unaccounted", "beats of the log and of log/beats.json")
            for e, beat in zip(batches, d.beats):
                log.account(d.suite, e, beat)
        else:
            need(not batches, "file.missing", "log/beats.json", "V1")


def _records(d):
    """Every record that the log names, in order, with its place and time of receipt."""
    with _in("V1"):
        d.withheld = withheld.read(d.files)
    beat = 0
    for place, e in enumerate(d.log.entries):
        if "batch" in e:
            for row in d.beats[beat]["records"]:
                d.records.append(_record(d, row["body"], row["sig"], place, beat, row["received"]))
            beat += 1
        else:
            d.records.append(_record(d, e["body"], e["sig"], place, None, None))


def _record(d, body, sig, place, beat, received):
    with _in("V1"):
        left_out = f"sig/{sig}.p7s" in d.withheld
        for name in [f"body/{body}.json"] + [f"sig/{sig}.p7s"] * (not left_out):
            need(name in d.files, "file.missing", name)
    with _in("V4"):
        text = d.files[f"body/{body}.json"].bytes()
        if left_out:
            base = record.unsigned(d.suite.id, text, sig)
        else:
            base = record.read(d.suite.id, text, d.files[f"sig/{sig}.p7s"].bytes())
    r = record.Record()
    r.__dict__.update(base.__dict__)  # the shared reading stays untouched
    r.body_hash, r.sig_hash, r.place, r.beat, r.index = body, sig, place, beat, place
    r.received = None if received is None else moment.parse(received)
    return r


def _replay_ready(d):
    with _in("V3"):
        roots = [x509.certificate(d.files[n].bytes()) for n in d.files if n.startswith("certs/")]
        lists = [x509.crl(d.files[n].bytes()) for n in d.files if n.startswith("crl/")]
        judge = trust.Judge(d.suite, lists=lists)
        judge.roots_given = roots
    s = state.State(d.suite, d.files, judge)
    s.beat_count = sum("batch" in e for e in d.log.entries)
    s.revealed = d.suite.h(d.files["log/beats.json"].bytes()).hex() if "log/beats.json" in d.files else None
    return s


def _heads(d, s, report, earlier):
    with _in("V2"):
        witnesses = _witnesses(d)
        d.heads = d.log.heads_of(d.files, witnesses)
        d.stamps = []
        for name in d.files:
            if name.startswith("tsr/"):
                d.stamps.append((name, _stamp(d, name)))
        if earlier is not None:
            _earlier(d, earlier)
    report.tender, report.suite, report.root = None, d.suite.id, d.log.root.hex()


def _witnesses(d):
    """Keys of everybody who ever joined a board, each once; one that cannot be read is refused with its record."""
    out = {}
    for r in d.records:
        if r.type in ("board.cert", "board.reshare"):
            try:
                key = note.key(r.data.get("witness"), d.suite.id, "witness")
            except Bad:
                continue
            out[key.name, key.id] = key
    return list(out.values())


def _lines(d, s):
    """Heads carry lines of those who hold the board's key, or held it before; the present ones count."""
    present = {(m.witness.name, m.witness.id) for m in s.members.values()}
    for head in d.heads:
        need(head.seen.keys() <= present | s.past_witnesses.keys(), "log.signatures", "a line of nobody's known key", "V2")
        head.seen = {who: at for who, at in head.seen.items() if who in present}


def _stamp(d, name):
    raw = d.files[name].bytes()
    reason = None
    for head in d.heads:
        try:
            return stamp.read(raw, head.text, d.suite.id)
        except Bad as e:
            if reason is None or e.code != "pki.digest-mismatch":
                reason = e
    raise Bad("stamp.invalid", f"{name}: {reason}")


def _earlier(d, files):
    """The log of an earlier bundle is a prefix of this one, and what it disclosed is the same."""
    raw = log.read_entries(files)
    need(len(raw) <= len(d.raw) and d.raw[:len(raw)] == raw, "log.fork", "the earlier bundle is not a prefix")
    old = log.Log(files, d.config)
    need(old.root == log.root_at(d.raw, d.suite.hash, old.size), "log.fork", "root of the earlier bundle")
    for name, blob in files.items():
        if name.startswith("log/heads/"):
            head = note.checkpoint(blob.bytes())
            head.signed_by(d.log.authority)
            need(head.size <= len(d.raw) and head.root == log.root_at(d.raw, d.suite.hash, head.size), "log.fork", name)
        elif NAMED.match(name) and not name.startswith(("tsr/", "crl/", "crl-taken/", "ocsp-taken/")):
            need(name in d.files and d.files[name].bytes() == blob.bytes(), "log.fork", f"{name} is gone or changed")


# --- replay ---------------------------------------------------------------------------------------------------------

def _replay(d, s):
    before = None
    batches = [i for i, e in enumerate(d.log.entries) if "batch" in e]
    for i, r in enumerate(d.records):
        if i == 0:
            need(r.type == "log.config", "log.config", "first record", "V4")
        single_wanted = s.stage != "open" or r.type in state.AT_ONCE
        s.beats_so_far = bisect.bisect_left(batches, r.index)
        need((r.beat is None) == single_wanted, "record.wrong-stage", f"{r.type} in or outside a beat", state.column(r.type))
        if r.beat is not None:
            at = s.schedule.at(r.beat)
            floor = s.schedule.at(r.beat - 1) if r.beat else s.schedule.at(0)
            need(r.received <= at and (r.received > floor if r.beat else True), "log.received", moment.show(r.received), "V2")
            need(before is None or r.received >= before, "log.received", "out of order", "V2")
            before = r.received
            r.at = r.received
        else:
            r.at = r.time
        s.apply(r)
        if r.type == "tender.publish":
            need(all(e["depth"] == s.schedule.depth for e in d.log.entries if "batch" in e), "log.beats",
                 "a beat of another depth than the notice's", "V7")
    need(s.stage == "archived", "dossier.open", "no archive.close", "V1")
    for name in d.files:
        need(name in d.known or name in s.lists_taken
             or name.startswith(("log/tile/", "log/sm3/tile/", "log/heads/", "renewal/", "tsr/", "crl/"))
             or name.startswith("anchor/") and d.config.get("anchor") is not None,
             "file.unexpected", name, "V3" if name.startswith("certs/") else "V1")
    after = s.publish.index if s.publish else len(d.raw)
    until = s.close_index if s.close_index is not None else len(d.raw)
    need(all(after < at < until for at in batches), "log.beats", "a beat before the notice or after the close", "V2")


# --- after the replay -----------------------------------------------------------------------------------------------

def _after(d, s, report, roots, least=None):
    report.tender = s.notice["tender"] if s.notice else None
    with _in("V2"):
        anchored = anchor.check(d, s, _witnesses(d))
        chain = renewal.check(d, s, roots)
    _lines(d, s)
    report.passed("V2", d.log.size, f"{d.log.size} entries and {s.beat_count} beats recomputed; {len(d.heads)} cosigned heads, "
                                    f"{len(d.stamps)} time stamps"
                  + (f"; {anchored} heads in the host's anchor log" if anchored else "") + (f"; renewed {len(chain)} times as a whole" if chain else ""))
    _v3(d, s, report, roots, least)
    bids_out, unsigned = withheld.count(d.withheld)
    report.unsigned("V4", len(d.records), f"{len(d.records)} signed records canonical and in lawful order, "
                                        f"{sum(r.beat is not None for r in d.records)} of them inside beats", unsigned)
    need(s.board is not None, "board.missing", "no board", "V5")
    report.passed("V5", s.board.n, f"key made by {s.board.n} trustees together ({s.board.t} of {s.board.n})")
    _v6(d, s, report)
    live = [b for b in s.bids.values() if b.live]
    _v7(d, s)
    report.seen("V7", len(s.bids), f"{len(s.bids)} sealed bids received, {len(live)} live", bids_out)
    report.passed("V8", s.notes["bidder_shares"], f"{s.notes['bidder_shares']} bidder shares released in the window")
    shut = sum(len(held) for b in s.bids.values() if not b.opened for held in b.board_shares.values())
    report.passed("V9", s.notes["shares"], f"the proofs of {s.notes['shares']} shares hold, {shut} of them for bids that did not open"
                  + (f"; {len(s.key_shares)} shares of the one-time key revealed" if s.key_shares else "")
                  + (f"; {len(s.beacons)} beacons" if s.beacons else "")
                  + (f"; evidence of {len(s.false_shares)} false shares, by {', '.join(sorted(set(s.false_shares.values())))}"
                     if s.false_shares else ""))
    unseen = opening.check_all(s, d.withheld)
    report.seen("V10", s.notes["opened"] - unseen, f"{s.notes['opened'] - unseen} bids decrypted again; header, body, padding, "
                                                   "signature, hashes", unseen)
    unseen = opening.check_failed(s, d.withheld)
    report.seen("V11", s.notes["failed"] - unseen, f"{s.notes['failed'] - unseen} bids could not be opened", unseen)
    _v12(s, report)
    _v13(s, report)
    contract.there(d, s)
    _v14(s, report, unsigned)
    report.keeping = keeping.of(s, d.records, bids_out != 0)
    report.unchecked = sorted(set(s.unchecked))


def _v3(d, s, report, roots, least=None):
    with _in("V3"):
        for name, token in d.stamps:
            try:
                s.judge.judge(token.message.signer, token.message.certificates, token.time, ["time-stamping"])
            except Bad as e:
                raise Bad(e.code, f"{name}: {e.text}") from None
        crls = [n for n in d.files if n.startswith(("crl/", "crl-taken/"))]
        for name in crls:
            issuers = {c.subject for raw in s.judge.roots for c in [x509.certificate(raw)]}
            issuers |= {c.subject for r in d.records for c in r.certificates}
            issuers |= {c.subject for _, t in d.stamps for c in t.message.certificates}
            # In a public export the experts' certificates are not there to tell.
            need(withheld.count(d.withheld)[1] or x509.crl(d.files[name].bytes()).issuer in issuers, "file.unexpected", name)
        need(least is None or (s.judge.versions and s.judge.pinned >= least), "trust.list-old", "an old trust list is pinned")
        if least is None and s.judge.versions:
            s.unchecked.append("whether the trust list that the tender pins is an old version: no least version given")
        if roots is not None:
            _auditor(d, s, roots)
    report.unsigned("V3", len(s.judge.signers), f"the chains of {len(s.judge.signers)} signers valid at their times; "
                                                f"{len(s.judge.roots)} roots, {len(crls)} revocation lists"
                    + (f", {s.judge.answered} OCSP answers" if s.judge.answered else ""),
                    withheld.count(d.withheld)[1])


def _auditor(d, s, roots):
    if s.judge.versions:
        pinned = next(v for v in s.judge.versions if v.number == s.judge.pinned)
        signers = [r for r in d.records if r.type == "trust.list"
                   and jcs.unbase64(r.data["list"]) == pinned.raw]
        operator = trust.signature(d.suite.id, pinned.raw, jcs.unbase64(signers[0].data["sig"])).signer
        if operator.raw in roots:
            return
    for raw in s.judge.roots:
        need(raw in roots, "cert.untrusted-root", x509.certificate(raw).name())


def _v6(d, s, report):
    need(s.notice is not None, "notice.missing", "no tender.publish", "V6")
    need(s.closed or s.cancelled, "close.missing", "no submission.close", "V6")
    for doc in d.documents:
        blob = d.files.get(f"docs/{doc['hash']}")
        need(blob is not None, "file.missing", f"document {doc['name']}", "V6")
        need(blob.size == doc["size"], "file.hash", f"document {doc['name']}", "V6")
    closes = [(s.close_index, s.deadline)] if s.closed else []
    for lot in s.lots.values():
        if lot.round is not None and lot.round.closed is not None:
            closes.append((lot.round.close_index, lot.round.deadline))
    seen = 0
    for index, deadline in closes:
        over = [h for h in d.heads if h.size > index]
        for h in over:
            for (name, _), seconds in h.seen.items():
                need(seconds * moment.SECOND >= deadline, "close.early", f"{name} cosigned a head over the close too early", "V6")
        # Each head is one of this log: it need not be the same for all.
        found = len({name for h in over for name, _ in h.seen})
        need(found >= s.board.t, "close.not-witnessed", f"{found} of {s.board.t} witnesses", "V6")
        seen = found if index == s.close_index else seen
    moved = ""
    if s.postponed:
        def in_time(index, old):
            heads = (h for h in d.heads if h.size > index)
            return len({name for h in heads for (name, _), at in h.seen.items() if at * moment.SECOND < old})
        least = min(in_time(index, old) for index, old in s.postponed)
        moved = (f" (postponed {len(s.postponed)} times, {moment.show(s.postponed[0][1])} at first; cosigned before the old deadline "
                 f"by at least {least} witnesses)")
    if s.amended:
        moved += f", amended {len(s.amended)} times"
    lots = len(s.lots)
    rehearsal = " (rehearsal)" if s.notice.get("rehearsal") else ""
    report.passed("V6", lots, f"{s.notice['procedure']}{rehearsal}, {lots} lots, deadline {s.notice['deadline']}{moved}, "
                              f"close cosigned by {seen} witnesses")


def _v7(d, s):
    """The beats that the close counted; the body of every bid with an outcome against its root."""
    if s.closed:
        due = s.schedule.before(s.deadline - 1) + 1  # up to the first beat at or after the deadline
        n = s.beats_said
        need(n == s.beat_count and n >= due and s.schedule.at(n - 1) <= s.close_time, "log.beats",
             f"{n} beats said, {s.beat_count} in the log, {due} due by the deadline", "V7")
    for bid in s.bids.values():
        if bid.outcome is None or f"seal/{bid.id}.bid" in d.withheld:
            continue
        blob = d.files[f"seal/{bid.id}.bid"]
        with _in("V7"):
            body = envelope.file_parts(blob, bid.checked.seal)
            start = 20 + len(bid.checked.seal.header_raw)
            need(envelope.body_root(blob, start, len(body), d.suite.id) == bid.checked.seal.root, "envelope.body-root", bid.id)


def _v12(s, report):
    need(s.minutes is not None or s.cancelled, "minutes.missing", "no opening record", "V12")
    rows = len(s.minutes.data["rows"]) if s.minutes else 0
    questions = ""
    if s.asked:
        questions = f"; {len(s.asked)} questions at the opening, {sum(q.reply is not None for q in s.asked.values())} answered"
    report.passed("V12", rows, f"opening record of {rows} rows equals the openings, signed by {len(s.minutes_signed) + 1}{questions}"
                  if s.minutes else "cancelled: no opening record")


def _v13(s, report):
    if s.procedure.seats and any(lot.rank or lot.checks["conformity"] for lot in s.lots.values()):
        need(s.draw_result is not None, "draw.missing", "no draw of experts", "V13")
    if s.draw_result is None:
        report.passed("V13", 0, "no committee was drawn")
        return
    c = len(s.seats)
    report.passed("V13", c, f"{c} experts drawn of {len(s.pool.rows)}; seed and order recomputed (draw number {s.draw_number})")


def _v14(s, report, unsigned):
    awarded = sum(lot.award is not None for lot in s.lots.values())
    failed = sum(lot.failed is not None for lot in s.lots.values())
    ranked = sum(lot.rank is not None for lot in s.lots.values())
    n = s.notes
    report.unsigned("V14", len(s.lots), f"{n['findings']} findings, {n['questions']} questions, {n['sheets']} sheets; {ranked} of "
                                        f"{len(s.lots)} lots recomputed to the cent, {awarded} awarded, {failed} failed", unsigned)


VERIFY_TEXT = """本文件夹是一个电子招标项目的完整档案。任何人都可以离线验证，无需信任平台：
    mifeng verify dossier.tar
各文件格式见 spec/dossier.md；单个签名可用通用工具核对，例如：
    openssl cms -verify -binary -inform DER -content body/X.json -in sig/Y.p7s -CAfile ca.pem

This is the complete dossier of one tender. Anyone can verify it offline, without trusting the host:
    mifeng verify dossier.tar
The formats are described in spec/dossier.md; single signatures can be checked with common tools,
as above for the suite intl-1.
"""
