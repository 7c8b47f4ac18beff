"""The replay: what stands in the tender after each record (spec/events.md). Handlers live in the modules beside."""
from . import moment
from .errors import Bad, need
from .record import BOARD_TYPES, schema

CANCELLED_OK = {"tender.resume", "tender.cancel", "submission.close", "archive.close", "crl.take", "ocsp.take", "bidder-window.close", "round.close"}
HALTED_OK = CANCELLED_OK - {"bidder-window.close", "round.close"} | {"tender.postpone", "tender.amend"}
AT_ONCE = {"tender.postpone", "tender.amend", "submission.close"}  # entries of their own, also while bids are received
STAGES = ["setup", "open", "window", "opening", "evaluation", "archived"]
USAGE = {"host": ["host"], "bidder": ["bid-signing"], "trustee": ["trustee"], "person": ["record-signing"]}
HOST = {"submission.close", "bidder-window.close", "bid.open", "bid.fail", "bid.refuse", "share.false",
        "beacon", "round.close", "round-window.close",
        "archive.close", "log.config", "crl.take", "ocsp.take"}
BIDDER = {"bid.submit", "bid.replace", "bid.withdraw", "bidder.share", "price.confirm", "clarify.answer", "offer.submit",
          "offer.exit", "opening.ask"}
TRUSTEE = {"key.reveal", "board.reshare", "board.reshare1", "board.reshare2", "board.complain", "board.abandon", "board.cert", "board.dkg1", "board.dkg2", "board.share", "draw.share"}
SPECIAL = {"opening.sign": ["record-signing", "bid-signing", "trustee"], "seat.cosign": ["record-signing", "trustee"],
           "trust.list": ["record-signing", "host"], "contract.stamp": ["bid-signing", "record-signing"]}
STARTS_PERIOD = {"tender.publish", "tender.postpone", "tender.amend", "tender.resume", "round.open", "clarify.ask"}
GOES_ON = {"bidder.share", "price.confirm", "clarify.answer", "offer.submit", "offer.exit", "opening.ask", "contract.stamp"}
MOST_NUMBERS = 10_000  # records of one actor (spec/record.md)
BACKDATING = 600 * moment.SECOND  # ten minutes: five for each of two clocks (spec/events.md, Time)

HANDLERS = {}


def on(*types):
    def register(function):
        for t in types:
            HANDLERS[t] = function
        return function
    return register


def usages(kind):
    if kind in SPECIAL:
        return SPECIAL[kind]
    group = "host" if kind in HOST else "bidder" if kind in BIDDER else "trustee" if kind in TRUSTEE else "person"
    return USAGE[group]


def column(kind):
    """The check whose column a refused record belongs to (spec/verify.md)."""
    if kind not in HANDLERS:
        return "V4"
    if kind in ("board.share", "share.false", "key.reveal", "beacon"):
        return "V9"
    if kind in ("lot.pool", "lot.drawn", "expert.pool") or kind.startswith("draw."):
        return "V13"
    if kind == "round.minutes" or kind.startswith("opening."):
        return "V12"
    if kind == "bid.open":
        return "V10"
    if kind == "bid.fail":
        return "V11"
    if kind in ("round-window.close",) or kind.startswith("bidder"):
        return "V8"
    if kind.startswith(("bid.", "offer.")) or kind in ("submission.close", "round.close"):
        return "V7"
    if kind.startswith("board."):
        return "V5"
    if kind.startswith("tender."):
        return "V6"
    if kind in ("trust.list", "crl.take", "ocsp.take"):
        return "V3"
    return "V14" if kind in EVALUATION else "V4"


EVALUATION = {"session.open", "seat.open", "seat.cosign", "seat.freeze", "seat.resume", "seat.leave", "seat.replace", "check",
              "clarify.ask", "clarify.answer", "price.decide", "price.confirm", "score.commit", "score", "score.correct",
              "rank", "report", "report.sign", "award", "framework.list", "letter", "lot.fail", "round.open", "contract.stamp", "contract.file", "contract.publish"}
# Records of the evaluation: the first of them begins it, and nobody asks at the opening any more.
BEGINS = ({t for t in EVALUATION if not t.startswith("contract.")}
          | {"expert.pool", "draw.share", "draw.result", "lot.pool", "lot.drawn", "offer.submit", "offer.exit", "round.close",
             "round-window.close", "round.minutes"})


class State:
    def __init__(self, suite, files, judge):
        self.suite, self.files, self.judge = suite, files, judge
        self.stage, self.origin, self.host = "setup", None, None
        self.counts, self.board_counts, self.acted = {}, {}, []  # acted: records before the notice
        self.latest = None  # latest time at which a record was applied
        self.main, self.second = Forming(), Forming()  # the board; the fallback board of a remedy plan
        self.held, self.took_part, self.sessions_over = set(), set(), set()  # who held a key before; who was in what was given up
        self.past_witnesses = {}  # name and key id → key
        self.notice = self.publish = self.lots = None
        self.suspended = self.cancelled = self.closed = False
        self.resumed = None  # when the log took the last tender.resume
        self.postponed = []  # entry and old deadline of each postponement
        self.amended = []  # records that clarified or changed the tender document
        self.bids, self.ciphertexts, self.seal_order = {}, set(), []
        self.close_index = self.close_time = self.window_closed = self.window_taken = None
        self.minutes, self.minutes_signed, self.draws = None, {}, {}
        self.asked, self.evaluation_begun = {}, False  # questions at the opening by commitment
        self.refused, self.false_shares = {}, {}  # by commitment of the refused record
        self.chains, self.beacons, self.key_shares = (), {}, {}  # beacons by chain and round; shares of a one-time key by index
        self.leaving = {}  # member → who said that it leaves
        self.seats, self.session_sites, self.seat_state, self.replaced = [], None, {}, []
        self.pool = self.pool_draw = None
        self.draw_number, self.draw_result = 0, None
        self.records, self.organisation = {}, None
        self.notes = {"findings": 0, "questions": 0, "sheets": 0, "shares": 0, "bidder_shares": 0, "opened": 0, "failed": 0}
        self.unchecked = []
        self.lists_taken = set()  # files of revocation lists and OCSP responses that were recorded

    # --- one record ---------------------------------------------------------------------------------------------

    def apply(self, record):
        try:
            self._apply(record)
        except Bad as e:
            if e.check is None:
                e.check = "V3" if e.code.startswith("cert.") else column(record.type)
            if not e.text:
                e.text = record.type
            e.where = f"entry {record.index}, {record.type}"
            raise

    def _apply(self, r):
        handler = HANDLERS.get(r.type)
        need(handler is not None, "record.data", f"type {r.type}")
        schema(r)
        self._origin_and_count(r)
        need(self.stage != "archived", "record.wrong-stage", "nothing follows archive.close")
        if (self.suspended or self.cancelled) and r.type not in (CANCELLED_OK if self.cancelled else HALTED_OK):
            raise Bad("tender.halted", r.type)
        if r.type in STARTS_PERIOD and self.latest is not None and self._starts_period(r):
            need(r.time >= self.latest - BACKDATING, "record.backdated", r.type)
        self._certificate(r)
        begins = self.stage == "evaluation" and r.type in BEGINS
        if begins:  # nobody is passed over
            need(all(q.reply is not None for q in self.asked.values()), "opening.unanswered", r.type)
        handler(self, r)
        self.evaluation_begun |= begins
        if self.stage == "open" and r.type in AT_ONCE:  # bids that came before it may stand in a beat after it
            self.records[r.commitment] = r
            return
        self.latest = r.at if self.latest is None else max(self.latest, r.at)
        self.records[r.commitment] = r

    def _starts_period(self, r):
        return r.type != "clarify.ask" or r.data.get("matter") in ("low-price", "price")

    def _origin_and_count(self, r):
        if r.type in BOARD_TYPES:
            need(r.origin.startswith("board/"), "record.wrong-origin", r.origin)
            key = (r.origin, r.actor)
            need(r.seq == self.board_counts.get(key, -1) + 1 and r.seq < MOST_NUMBERS, "record.replay", r.type)
            self.board_counts[key] = r.seq
            return
        need(self.origin is None or r.origin == self.origin, "record.wrong-origin", r.origin)
        need(self.counts.get(r.actor, -1) < r.seq < MOST_NUMBERS, "record.replay", r.type)
        self.counts[r.actor] = r.seq

    def _certificate(self, r):
        """Before the notice nothing says which roots count: those records are judged with it."""
        r.organisation = None
        if r.signer is None:  # a public export names no expert
            need(r.actor in self.experts(), "file.withheld", "the signature of somebody who is no expert", "V1")
            return
        if self.notice is None:
            if r.type != "tender.publish":
                self.acted.append(r)
            return
        r.organisation = self.judged(r, r.signer, r.certificates, usages(r.type))

    def judged(self, r, certificate, pool, uses):
        """At the record's instant, and at the latest at which a record before it was applied, if that is later."""
        on = self._accepted(r)
        found = self.judge.judge(certificate, pool, r.at, uses, on)
        if self.latest is not None and self.latest > r.at:
            need(self.judge.judge(certificate, pool, self.latest, uses, on) == found, "cert.invalid", "two organisations", "V3")
        return found

    def _accepted(self, r):
        """When the log took the last live bid of whoever goes on with it: the trust list of then recognises its CA."""
        if r.type not in GOES_ON:
            return None
        own = [b.accepted for b in self.bids.values() if b.live and b.first is None and b.record.actor == r.actor]
        return max(own, default=None)

    # --- what handlers ask --------------------------------------------------------------------------------------

    def at_stage(self, *stages):
        need(self.stage in stages, "record.wrong-stage", f"in {self.stage}")

    def by(self, r, *actors):
        need(r.actor in actors, "record.not-authorised", r.type)

    def lot(self, ident):
        need(ident in self.lots, "record.data", f"no lot {ident!r:.20}")
        return self.lots[ident]

    def bid(self, seal, lot=None):
        bid = self.bids.get(seal)
        need(bid is not None and (lot is None or bid.lot == lot), "bid.unknown", seal)
        return bid

    def live(self, lot):
        return [b for b in sorted(self.bids.values(), key=lambda b: b.id) if b.live and b.lot == lot and b.first is None]

    def enough(self, lot):
        """Whether a lot has the live bids that opening it needs."""
        return len(self.live(lot)) >= self.notice["bidders_min"]

    def due(self):
        """Live bids that are to be opened: those of lots with enough of them."""
        return [b for lot in self.lots for b in self.live(lot) if self.enough(lot)]

    def taken(self, r):
        """When the log took a record at the earliest."""
        return r.at if self.latest is None else max(self.latest, r.at)

    def after(self, deadline, ms):
        """When a time is over that began at a deadline, or at the last resumption after it."""
        start = deadline if self.resumed is None else max(deadline, self.resumed)
        return start + ms * 10**6

    def window_end(self, deadline):
        """When the time to release own leaves is over."""
        return self.after(deadline, self.notice["window_ms"])

    def bodies_end(self):
        """When bodies may come no more whose records came before the deadline; none where both come together."""
        grace = self.notice.get("body_grace_ms", 0)
        return self.after(self.deadline, grace) if grace else None

    @property
    def members(self):
        return self.main.members

    @property
    def board(self):
        return self.main.board

    def trustee(self, index, actor):
        """The board on which `actor` sits at `index`."""
        for forming in (self.main, self.second):
            if index in forming.members and forming.members[index].actor == actor:
                return forming.board
        raise Bad("record.not-authorised", "not the trustee of that index")

    def leave(self, members):
        """They sit on a board no more; their witnesses may have cosigned heads of that time."""
        self.past_witnesses |= {(m.witness.name, m.witness.id): m.witness.material for m in members}
        return {m.actor for m in members}

    def new_witness(self, key):
        """Lines are told apart by name and short key id, also those of who was a witness before."""
        here = {(m.witness.name, m.witness.id): m.witness.material for f in (self.main, self.second) for m in f.members.values()}
        for known in (here, self.past_witnesses):
            need(known.get((key.name, key.id), key.material) == key.material, "board.formation", "two witnesses alike")

    def trustees(self):
        return {m.actor for f in (self.main, self.second) for m in f.members.values()}

    def boards(self):
        return tuple((b.digest, b.y, b.t) for b in (self.main.board, self.second.board) if b is not None)

    def experts(self):
        return [s["cert"] for s in self.seats]

    def bidder_of(self, r, bid):
        """The bidder of a seal: the organisation that its certificate names."""
        need(r.organisation is not None and r.organisation == bid.bidder, "record.not-authorised", "not the bidder of that seal")


class Forming:
    """A board and the messages by which it came about."""

    def __init__(self):
        self.members, self.messages, self.finals, self.board, self.session = {}, {}, {}, None, None
        self.rounds, self.round = 0, None  # handings on that are over, and the one that is not

    def seats(self, actor):
        return any(m.actor == actor for m in self.members.values())


class Bid:
    """A sealed bid or final offer that the log took."""

    def __init__(self, checked, record, first=None):
        self.checked, self.record, self.id = checked, record, checked.id
        self.bidder, self.lot, self.first = checked.bidder, checked.lot, first
        self.name, self.index = checked.signer.name(), record.index
        self.live, self.ended = True, None  # ended: withdrawn_before_deadline, replaced, or refused_unsealed for want of its body
        self.share = None  # the bidder's leaf share
        self.board_shares = {}  # path → {index: D}
        self.opened = self.failed = self.outcome = self.manifest = self.why = None


