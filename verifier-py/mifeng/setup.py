"""Records before the tender is open: log.config, the board, trust lists, the notice and its halts."""
import re
from fractions import Fraction

from . import dkg, jcs, lint, log, moment, note, packs, policy, score, timelock, x509
from .errors import Bad, need
from .procedures import PROCEDURES
from .record import BOARD_TYPES
from .state import BACKDATING, on, usages

DAY = 86_400 * moment.SECOND
MAX_LOTS = 64
MAX_GRACE_MS = 86_400_000
MAX_PARTICULARS, MAX_PARTICULAR = 64, 8_192
MAX_BEATS = 120_000
MAX_DOCUMENTS, MAX_TEXT = 1000, 20_000


@on("log.config")
def config(s, r):
    need(s.host is None, "log.config", "a second log.config", "V4")
    key = note.key(r.data["key"], s.suite.id, "log")
    need(r.data["suite"] == s.suite.id, "log.config", "suite", "V4")
    need((r.data.get("key_sm3") is not None) == (s.suite.id == "gm-1"), "log.config", "key_sm3", "V4")
    need(r.origin == key.name, "log.origin", r.origin, "V2")
    need(not r.origin.startswith("board/"), "record.data", "a log with the name of a board", "V4")
    s.host, s.origin = r.actor, key.name


def forming(s, r):
    """The board that a record of key generation is for: the second one once the first one's key is made."""
    other = s.main.session is not None and r.origin != "board/" + s.main.session
    return s.second if other and s.main.board is not None else s.main


@on("board.cert")
def board_cert(s, r):
    d, f = r.data, forming(s, r)
    s.at_stage("setup")
    need(isinstance(d["session"], str) and r.origin == "board/" + d["session"], "board.formation", "session")
    need(not f.messages and f.board is None, "board.formation", "too late")
    need(1 <= d["t"] <= d["n"] <= dkg.MAX_MEMBERS and 1 <= d["index"] <= d["n"], "board.formation", "t, n, index")
    if f.members:
        first = next(iter(f.members.values()))
        need((d["n"], d["t"], d["session"]) == (first.n, first.t, f.session), "board.formation", "another board")
    need(d["index"] not in f.members and not f.seats(r.actor), "board.formation", "twice")
    need(1 <= len(d["session"].encode()) <= 256, "board.formation", "length of the session's name")
    need(d["session"] not in s.sessions_over, "board.formation", "this session was given up")
    f.session = d["session"]
    new = type("Member", (), {})()
    new.actor, new.n, new.t = r.actor, d["n"], d["t"]
    new.static = jcs.unhex(d["static_key"])
    static_key(s.suite, new.static)
    need(all(m.static != new.static for m in f.members.values()), "board.formation", "two members with one static key")
    try:
        new.witness = note.key(d["witness"], s.suite.id, "witness")
    except Bad as e:
        raise Bad("board.formation", f"witness key: {e}") from None
    s.new_witness(new.witness)
    for other in [*s.main.members.values(), *s.second.members.values()]:
        need(other.witness.name != new.witness.name and other.witness.material != new.witness.material,
             "board.formation", "two witnesses alike")
    f.members[d["index"]] = new


def static_key(suite, raw):
    try:
        need(len(raw) == 33, "board.formation", "length")
        suite.curve.unpack(raw)
    except Bad as e:
        raise Bad("board.formation", f"static key: {e}") from None


def member(s, f, index, r):
    """The record is of somebody who sits at that index of a board in the making."""
    found = f.members.get(index)
    need(f.session is not None and r.origin == "board/" + f.session, "record.wrong-origin", r.origin)
    need(found is not None and found.actor == r.actor, "record.not-authorised", "not the trustee of that index")


def _all(s, f, index, table, r):
    s.at_stage("setup")
    need(f.members and len(f.members) == next(iter(f.members.values())).n, "board.formation", "members are missing")
    member(s, f, index, r)
    need(index not in table, "board.formation", "twice")


@on("board.dkg1")
def board_dkg1(s, r):
    f = forming(s, r)
    need(not f.finals, "board.formation", "too late")
    _all(s, f, r.data["index"], f.messages, r)
    raw, n = jcs.unbase64(r.data["message"]), len(f.members)
    publics = [f.members[i].static for i in range(1, n + 1)]
    need(len(set(publics)) == n, "board.formation", "two members with one static key")
    dkg.admit(s.suite, dkg.context(s.suite, f.session.encode(), publics), n, f.members[1].t, raw, f.messages.values())
    f.messages[r.data["index"]] = raw


@on("board.dkg2")
def board_dkg2(s, r):
    f = forming(s, r)
    _all(s, f, r.data["index"], f.finals, r)
    n = len(f.members)
    need(len(f.messages) == n, "board.formation", "first messages are missing")
    order = range(1, n + 1)
    x = dkg.transcript(s.suite.id, f.session.encode(), f.members[1].t, tuple(f.members[i].static for i in order),
                       tuple(f.messages[i] for i in order))
    need(r.data["transcript"] == x.hash, "board.formation", "transcript")
    f.finals[r.data["index"]] = jcs.unhex(r.data["signature"])
    if len(f.finals) == n:
        for i in order:
            x.signed(f.members[i].static, f.finals[i])
        f.board = x.board


@on("trust.list")
def trust_list(s, r):
    need(s.stage != "archived", "record.wrong-stage")
    if s.notice is not None:
        need(s.notice.get("trust_list") is not None, "record.not-authorised", "the notice pins no list")
        s.by(r, s.host, s.notice["agency"]["cert"])
    s.judge.take(jcs.unbase64(r.data["list"], "trust.list-invalid"), jcs.unbase64(r.data["sig"], "trust.list-invalid"), r.at)


@on("crl.take")
def crl_take(s, r):
    s.by(r, s.host)
    need(s.notice is not None, "record.wrong-stage", "before the notice")
    name = f"crl-taken/{jcs.hex32(r.data['list']).hex()}.crl"
    need(name not in s.lists_taken, "record.replay", "this list was taken before")
    need(name in s.files, "file.missing", name, "V1")
    s.lists_taken.add(name)
    s.judge.take_crl(x509.crl(s.files[name].bytes()), r.at if s.latest is None else max(s.latest, r.at))


@on("ocsp.take")
def ocsp_take(s, r):
    s.by(r, s.host)
    need(s.notice is not None, "record.wrong-stage", "before the notice")
    above = r.data["above"]
    need(isinstance(above, list) and all(isinstance(x, str) for x in above), "record.data", "above")
    name = f"ocsp-taken/{jcs.hex32(r.data['response']).hex()}.ocsp"
    need(name not in s.lists_taken, "record.replay", "this response was taken before")
    need(name in s.files, "file.missing", name, "V1")
    s.judge.take_answer(s.files[name].bytes(), above, s.taken(r))
    s.lists_taken.add(name)


@on("tender.publish")
def publish(s, r):
    d = r.data
    s.at_stage("setup")
    need(s.board is not None, "notice.unlawful", "the notice comes after the board")
    _shape(d)
    s.by(r, d["agency"]["cert"])
    _roots(s, r, d)
    s.schedule = _beats(d)
    problems = list(_unlawful(s, r, d))
    need(not problems, "notice.unlawful", "; ".join(problems), "V6")
    for earlier in s.acted:
        of_board = earlier.type in BOARD_TYPES and earlier.actor not in s.trustees()
        if of_board and earlier.actor in s.took_part and earlier.actor not in s.held:
            continue  # nothing came of what it took part in
        try:
            uses = usages(earlier.type)
            earlier.organisation = s.judge.judge(earlier.signer, earlier.certificates, earlier.at, uses, r.at)
            if not (of_board and earlier.actor in s.held):
                now = s.taken(r)
                earlier.organisation = s.judge.judge(earlier.signer, earlier.certificates, now, uses, now)
        except Bad as e:
            e.check = "V3"
            raise
    s.judged(r, r.signer, r.certificates, usages(r.type))
    s.notice, s.publish, s.stage = d, r, "open"
    s.deadline = moment.parse(d["deadline"])
    s.chains = timelock.chains_of(d)
    s.procedure = PROCEDURES[d["procedure"]]
    s.lots = {lot["id"]: Lot(lot, s.suite) for lot in d["lots"]}


class Lot:
    def __init__(self, value, suite):
        self.id, self.title, self.rules = value["id"], value["title"], value["rules"]
        self.pack = packs.find(self.rules["pack"], suite)
        self.checks = {"qualification": {}, "conformity": {}, "low-price": {}}
        self.questions, self.decisions, self.confirmed = {}, {}, {}
        self.commits, self.sheets, self.corrections = {}, {}, []
        self.rank = self.report = self.award = self.failed = self.round = self.contract = None
        self.pools, self.drawn = {}, {}
        self.signed, self.letters, self.frozen = {}, {}, False
        self.checked = self.judges = None  # whose findings stand, after the call for final offers and after the freeze
        self.low_started, self.outcome, self.winners, self.report_list = False, None, set(), []


def _shape(d):
    def strings(value, names, what):
        jcs.members(value, names, "record.data", what)
        for n in names:
            need(isinstance(value[n], str), "record.data", what)

    for part in ("agency", "buyer"):
        strings(d[part], ["cert", "name"], part)
        jcs.hex32(d[part]["cert"])
    c = jcs.members(d["committee"], ["alternates", "experts", "specialty"], "record.data", "committee")
    need(jcs.is_int(c["alternates"]) and jcs.is_int(c["experts"]) and c["alternates"] >= 0 and c["experts"] >= 0
         and isinstance(c["specialty"], str), "record.data", "committee")
    strings(d["title"], ["en", "zh"], "title")
    need(isinstance(d["documents"], list) and isinstance(d["lots"], list) and isinstance(d["trust"], list), "record.data")
    for doc in d["documents"]:
        _document(doc)
    for lot in d["lots"]:
        jcs.members(lot, ["id", "rules", "title"], "record.data", "lot")
        strings(lot["title"], ["en", "zh"], "title of a lot")
        need(isinstance(lot["id"], str) and isinstance(lot["rules"], dict), "record.data", "lot")
    need(isinstance(d.get("particulars", []), list), "record.data", "particulars")
    for one in d.get("particulars", []):
        jcs.members(one, ["name", "text"], "record.data", "particular")
        strings(one["name"], ["en", "zh"], "heading of a particular")
        strings(one["text"], ["en", "zh"], "text of a particular")
    for t in d["trust"]:
        jcs.hex32(t)
    need(d.get("rehearsal") in (None, True, False) and isinstance(d.get("ground") or "", str), "record.data", "rehearsal, ground")
    need(d.get("below_threshold") in (None, True, False), "record.data", "below_threshold")
    need(d.get("region") is None or isinstance(d["region"], str), "record.data", "region")
    need(d.get("trust_list") is None or jcs.hex32(d["trust_list"]), "record.data", "trust_list")
    policy.whole(d["policy"])


def _beats(d):
    return log.Schedule(d["beats"])


def _roots(s, r, d):
    """Which roots count from here on."""
    if d.get("trust_list") is not None:
        base = s.judge.in_force(r.at)
        need(not d["trust"] and base is not None and base.digest == d["trust_list"], "notice.unlawful",
             "trust_list is not the version in force", "V6")
        s.judge.pinned = base.number
        return
    need(not s.judge.versions, "notice.unlawful", "the log holds a trust list and the notice pins none", "V6")
    need(d["trust"], "notice.unlawful", "no roots", "V6")
    s.judge.anchors = tuple(c for c in s.judge.roots_given if c.fingerprint(s.suite.hash).hex() in d["trust"])


def _grace(d):
    """What is wrong with the time for bodies after the close: no price may be seen while they come."""
    grace = d.get("body_grace_ms", 0)
    if grace is None or grace > MAX_GRACE_MS:
        yield "body_grace_ms"
    elif grace and policy.satisfied(d["policy"], lambda path, leaf: leaf["leaf"] in ("cert", "tlock")):
        yield "body_grace_ms: a way without a board"


def _particulars(d):
    """What people are told besides: no rule reads it, and it is bounded."""
    told = d.get("particulars", [])
    if len(told) > MAX_PARTICULARS:
        yield "particulars"
    for one in told:
        texts = [one[part][lang].encode() for part in ("name", "text") for lang in ("zh", "en")]
        if not (one["name"]["zh"] and one["text"]["zh"]) or max(map(len, texts)) > MAX_PARTICULAR:
            yield "particular: empty or too long"


def _lots(d):
    """Ids of lots name folders of opened bids, and with -final behind them those of final offers."""
    ids = [lot["id"] for lot in d["lots"]]
    if not 1 <= len(ids) <= MAX_LOTS or len(set(ids)) != len(ids):
        yield "lots"
    for name in ids:
        if not re.match(r"[A-Za-z0-9_-]{1,32}\Z", name) or name.endswith("-final"):
            yield f"lot id {name!r}"


def _unlawful(s, r, d):
    if d["suite"] != s.suite.id or d["board"] != s.board.digest:
        yield "suite or board"
    lots = list(_lots(d))
    if lots:
        yield from lots
        return
    if d["procedure"] not in PROCEDURES:
        yield "procedure"
        return
    procedure = PROCEDURES[d["procedure"]]
    yield from _grace(d)
    yield from _particulars(d)
    yield from (f"policy: {x}" for x in policy.lint(d["policy"], {key: t for key, _, t in s.boards()}))
    deadline = moment.parse(d["deadline"])
    yield from _second(s, d, procedure)
    yield from timelock.unlawful(d, deadline)
    if deadline % moment.SECOND or deadline <= r.at or deadline <= s.schedule.at(0):
        yield "deadline"
    if s.schedule.before(deadline - 1) + 1 > MAX_BEATS:
        yield "too many beats until the deadline"
    if not d.get("rehearsal") and deadline < r.at + procedure.days * DAY:
        yield "less time to answer than the law gives"
    yield from _committee(s, d, procedure)
    day, region = moment.beijing_day(r.at), d.get("region") or "000000"
    if not re.match(r"[0-9]{6}\Z", region):
        yield "region"
    for lot in d["lots"]:
        yield from (f"lot {lot['id']}: {x}" for x in _lot(s, lot, procedure, day, region))
    yield from _least(d, procedure)


def _second(s, d, procedure):
    """The second board is a fallback of other people, all needed; or the policy's one-time key."""
    leaves = [x for _, x in policy.leaves(d["policy"])]
    if {"key": s.board.digest, "leaf": "reveal"} in leaves:
        yield "the first board's key witnesses and draws: it is never revealed"
    if procedure.final and any(x["leaf"] == "reveal" for x in leaves):
        yield "final offers would be open to whoever has the revealed key"
    second = s.second.board
    if second is None:
        return
    if {"key": second.digest, "leaf": "reveal"} in leaves:
        if s.second.session != s.origin:
            yield "a key that is to be revealed was not made for this tender"
        return
    if second.t != second.n or {"key": second.digest, "leaf": "group"} not in leaves:
        yield "the second board is no fallback of this policy"
    if any(s.main.seats(m.actor) for m in s.second.members.values()):
        yield "a member of the board sits on the fallback board"


def _large(s, d, procedure):
    """A purchase that needs the larger committee: from 10 million yuan (87 art. 47), or from the threshold of open tenders,
    which is the pack's or stated not to be reached (74 art. 7)."""
    budget = sum((Fraction(lot["rules"].get("budget") or lot["rules"].get("ceiling") or 0) for lot in d["lots"]), Fraction())
    pinned = [packs.find(lot["rules"].get("pack"), s.suite) for lot in d["lots"]]
    if not procedure.group:
        lines = [p.number("committee.large.budget") for p in pinned]
        return budget >= min([x for x in lines if x is not None] or [10_000_000])
    lines = [p.number("committee.group.large.budget") for p in pinned]
    lines = [x for x in lines if x is not None]
    return budget >= min(lines) if lines else not d.get("below_threshold")


def _committee(s, d, procedure):
    experts, alternates = d["committee"]["experts"], d["committee"]["alternates"]
    if not procedure.seats:
        if experts or alternates:
            yield "a committee where the procedure has none"
        return
    try:
        least = procedure.seats_large if _large(s, d, procedure) else procedure.seats
    except Bad as e:
        yield e.text
        return
    if experts % 2 == 0 or experts < least or experts + alternates > 31:
        yield "number of experts"


def _above(region):
    """The region and those above it."""
    return {region, region[:4] + "00", region[:2] + "0000", "000000"}


def _lot(s, lot, procedure, day, region):
    rules = lot["rules"]
    if rules.get("method") not in procedure.methods:
        yield "method"
        return
    try:
        pack = packs.find(rules.get("pack"), s.suite)
    except Bad as e:
        yield e.text
        return
    if not (pack.start <= day and (pack.end is None or day <= pack.end)) or not _above(region) & set(pack.value["regions"]):
        yield "the pack is not in force on the day of the notice"
    yield from lint.errors(rules, pack)
    form = (rules.get("price_form") or {}).get("form", "total")
    if form != "total" or (rules.get("framework") or {}).get("stage") == "second-competition":
        yield "a price form or stage that records cannot give"
    for name in ("sme_joint_rate", "green_rate", "sme_joint_bonus_rate"):
        if score.number(rules.get(name) or "0"):
            yield name


def _least(d, procedure):
    exceptions = [lot["rules"].get("exception") for lot in d["lots"] if lot["rules"].get("exception")]
    own = d["procedure"] in ("single-source", "framework")
    if exceptions and jcs.blank(d.get("ground") or ""):
        yield "an exception without its ground"
    if d["bidders_min"] < (procedure.exception if exceptions else procedure.least):
        yield "bidders_min"
    if not own and any((lot["rules"].get("min_bidders") or 3) != d["bidders_min"] for lot in d["lots"]):
        yield "bidders_min is not that of a lot"


@on("tender.postpone")
def postpone(s, r):
    need(isinstance(r.data["reason"], str), "record.data", "reason")
    s.by(r, s.notice["agency"]["cert"] if s.notice else None)
    s.at_stage("open")
    _move(s, r)


def _before_deadline(s, r):
    """No beat at or after the deadline is in the log yet either; and what stands behind a beat was not taken before it."""
    over = s.schedule.at(s.beats_so_far - 1) if s.beats_so_far else r.time
    need(r.time >= over - BACKDATING, "record.backdated", r.type)
    return r.at < s.deadline and s.beats_so_far <= s.schedule.before(s.deadline - 1)


def _move(s, r):
    """The beats stay as they are up to the old deadline."""
    d = r.data
    new = moment.parse(d["deadline"])
    need(_before_deadline(s, r) and s.deadline < new, "tender.postponed-late", d["deadline"])
    hour = 3600 * moment.SECOND
    paces = [p for p in s.schedule.paces if p[0] < s.deadline]
    if new - hour > s.deadline:
        paces.append((s.deadline, 30 * moment.SECOND))
    paces.append((max(s.deadline, new - hour), moment.SECOND))
    need(len(paces) <= 64, "notice.unlawful", "too many paces")
    s.schedule.paces = paces
    problems = list(timelock.unlawful(s.notice | {"deadline": d["deadline"]}, new))
    if new % moment.SECOND:
        problems.append("deadline")
    if s.schedule.before(new - 1) + 1 > MAX_BEATS:
        problems.append("too many beats until the deadline")
    need(not problems, "notice.unlawful", "; ".join(problems))
    s.postponed.append((r.index, s.deadline))
    s.notice = s.notice | {"deadline": d["deadline"]}
    s.deadline = new


@on("tender.amend")
def amend(s, r):
    """The tender document clarified or changed: deadline and files are all of the notice that it touches."""
    d = r.data
    s.by(r, s.notice["agency"]["cert"] if s.notice else None)
    s.at_stage("open")
    need(_before_deadline(s, r), "tender.amend-late", "after the deadline")
    need(isinstance(d["affects"], bool), "record.data", "affects")
    for name in ("reason", "text"):
        need(not jcs.blank(d[name]) and len(d[name].encode()) <= MAX_TEXT and jcs.plain(d[name]), "record.data", name)
    listed = _listed(s, d["documents"])
    if d.get("deadline") is not None:
        _move(s, r)
    least = PROCEDURES[s.notice["procedure"]].corrections
    if d["affects"] and least and not s.notice.get("rehearsal"):
        need(s.deadline >= r.at + least * DAY, "tender.amend-late", f"less than {least} days to the deadline")
    s.notice = s.notice | {"documents": listed}
    s.amended.append(r)


def _listed(s, new):
    """The files of the tender document with these in the places of those of their names."""
    need(isinstance(new, list), "record.data", "documents")
    for doc in new:
        _document(doc)
        need(not jcs.blank(doc["name"]) and len(doc["name"].encode()) <= MAX_TEXT and jcs.plain(doc["name"]) and "\n" not in doc["name"], "record.data", "name of a document")
    names = {doc["name"] for doc in new}
    need(len(names) == len(new), "record.data", "a document twice")
    before = len(s.publish.data["documents"]) + sum(len(r.data["documents"]) for r in s.amended)
    need(not new or before + len(new) <= MAX_DOCUMENTS, "record.data", "too many documents")
    return [doc for doc in s.notice["documents"] if doc["name"] not in names] + new


def _document(doc):
    jcs.members(doc, ["hash", "name", "size"], "record.data", "document")
    jcs.hex32(doc["hash"])
    need(jcs.is_int(doc["size"]) and doc["size"] >= 0 and isinstance(doc["name"], str), "record.data", "document")


@on("tender.suspend", "tender.resume", "tender.cancel")
def halt(s, r):
    need(s.notice is not None, "record.wrong-stage", r.type)
    s.by(r, s.notice["agency"]["cert"])
    need(not s.cancelled, "record.wrong-stage", "after tender.cancel")
    if r.type == "tender.suspend":
        need(not s.suspended, "record.wrong-stage", "suspended already")
        s.suspended = True
    elif r.type == "tender.resume":
        need(s.suspended, "record.wrong-stage", "not suspended")
        s.suspended = False
        s.resumed = r.at if s.latest is None else max(s.latest, r.at)
    else:
        s.cancelled = True
