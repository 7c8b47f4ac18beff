"""Bids, final offers, their closes and the bidders' own shares (V7, V8)."""
from . import envelope, jcs, moment
from .errors import Bad, need
from .state import Bid, on

WHOLE, FINAL = "whole", "final"
KEEP = {"bid.duplicate", "bid.second", "bid.unknown", "bid.late"}


def _checked(s, raw, event, name):
    """The checks without a secret; what fails is told as the tender's refusal."""
    try:
        return envelope.check(raw, s.suite.id, event, tuple(s.lots), jcs.write(s.notice["policy"]), s.boards(), name,
                              s.chains)
    except Bad as e:
        code = "bid.bound-elsewhere" if e.code == "envelope.mismatch" else "bid.malformed"
        raise Bad(code, str(e)) from None


def _take(s, r, checked, first=None):
    """Everything that a bid and a final offer have in common once the seal holds."""
    need(r.organisation == checked.bidder and r.organisation is not None, "bid.bound-elsewhere", "another bidder signed")
    signer = s.judged(r, checked.signer, checked.certificates, ["bid-signing"])
    need(signer == checked.bidder, "bid.bound-elsewhere", "the seal's signer is not the bidder")
    if checked.bidder_leaf_cert is not None:
        leaf = next(c for c in checked.certificates if c.fingerprint(s.suite.hash).hex() == checked.bidder_leaf_cert)
        owner = s.judged(r, leaf, checked.certificates, ["bid-encryption"])
        need(owner == checked.bidder, "bid.bound-elsewhere", "the bidder's leaf is sealed to another")
    need(checked.id not in s.bids, "bid.duplicate", checked.id)
    texts = {s.suite.h(ct) for _, ct in checked.seal.leaves}
    need(not texts & s.ciphertexts, "bid.duplicate", "a leaf of another seal")
    s.ciphertexts |= texts
    bid = Bid(checked, r, first)
    bid.accepted = r.at if s.latest is None else max(s.latest, r.at)
    s.bids[bid.id] = bid
    return bid


@on("bid.submit", "bid.replace")
def submit(s, r):
    s.at_stage("open")
    need(r.at < s.deadline, "bid.late", moment.show(r.at))
    checked = _checked(s, jcs.unbase64(r.data["seal"]), s.publish.commitment, WHOLE)
    live = [b for b in s.live(checked.lot) if b.bidder == checked.bidder]
    if r.type == "bid.submit":
        need(not live, "bid.second", checked.bidder)
    else:
        old = s.bids.get(r.data["old"])
        need(old is not None and old in live, "bid.unknown", r.data["old"])
    _take(s, r, checked)
    if r.type == "bid.replace":
        old.live, old.ended = False, "replaced"


@on("bid.withdraw")
def withdraw(s, r):
    s.at_stage("open")
    need(r.at < s.deadline, "bid.late", moment.show(r.at))
    bid = s.bid(r.data["seal"])
    need(bid.live, "bid.unknown", bid.id)
    s.bidder_of(r, bid)
    bid.live, bid.ended = False, "withdrawn_before_deadline"


@on("submission.close")
def close(s, r):
    d = r.data
    s.at_stage("open")
    s.by(r, s.host)
    need(jcs.is_int(d["beats"]), "record.data", "beats")
    need(moment.parse(d["deadline"]) == s.deadline and d["deadline"] == s.notice["deadline"], "result.differs", "deadline", "V7")
    need(r.at >= s.deadline, "opening.early", moment.show(r.at), "V7")
    s.beats_said = d["beats"]
    need(d["revealed"] == s.revealed, "log.beats", "log/beats.json is not what submission.close fixed", "V2")
    s.stage, s.closed, s.close_index, s.close_time = "window", True, r.index, r.at


def _leaf_share(s, r, bid):
    need(bid.live, "bid.unknown", bid.id)
    s.bidder_of(r, bid)
    need(bid.checked.bidder_leaf_path is not None and r.data["path"] == bid.checked.bidder_leaf_path,
         "board.share-invalid", "not the bidder's leaf", "V8")
    need(bid.share is None, "bid.duplicate", "a second share", "V8")
    bid.share = jcs.hex32(r.data["share"])
    s.notes["bidder_shares"] += 1


@on("bidder.share")
def bidder_share(s, r):
    bid = s.bid(r.data["seal"])
    if bid.first is None:
        s.at_stage("window")
    else:
        rnd = s.lots[bid.lot].round
        need(rnd is not None and rnd.closed is not None and not rnd.window_closed, "record.wrong-stage", "window of the round")
    _leaf_share(s, r, bid)


def missing(bids):
    """Bids whose bidder was to release its own leaf and did not."""
    return [b.id for b in sorted(bids, key=lambda b: b.id) if b.checked.bidder_leaf_path is not None and b.share is None]


def _missing_equals(given, bids):
    need(isinstance(given, list) and given == missing(bids), "result.differs", "missing", "V8")


def _no_body(s, seals, end):
    """Bids whose body never came, by the host's word: they count no more."""
    need(isinstance(seals, list), "record.data", "no_body", "V8")
    for seal in seals:
        jcs.hex32(seal)
    need(not seals or end is not None, "result.differs", "no_body", "V8")
    need(all(a < b for a, b in zip(seals, seals[1:])), "result.differs", "no_body: not in order", "V8")
    for seal in seals:
        bid = s.bids.get(seal)
        need(bid is not None and bid.live and bid.first is None, "result.differs", "no_body: no live bid", "V8")
        bid.live, bid.ended = False, "refused_unsealed"


@on("bidder-window.close")
def window_close(s, r):
    s.at_stage("window")
    s.by(r, s.host)
    end = s.bodies_end()
    need(end is None or r.at >= end, "opening.early", "bodies may come", "V8")
    _no_body(s, r.data.get("no_body", []), end)
    _missing_equals(r.data["missing"], s.due())
    need(not r.data["missing"] or r.at >= s.window_end(s.deadline), "opening.early", "the window is open", "V8")
    s.stage, s.window_closed, s.window_taken = "opening", r.index, s.taken(r)


# --- final offers ---------------------------------------------------------------------------------------------------

class Round:
    def __init__(self, record, invited, deadline):
        self.record, self.invited, self.deadline = record, invited, deadline
        self.offers, self.exits = {}, set()  # first bid's seal → Bid; seals of those who left
        self.closed = self.close_index = self.window_closed = self.window_taken = self.minutes = None


@on("round.open")
def round_open(s, r):
    from . import judging
    d = r.data
    s.at_stage("evaluation")
    need(s.procedure.final, "record.wrong-stage", "no final offers in this procedure")
    s.by(r, s.notice["agency"]["cert"])
    lot = s.lot(d["lot"])
    need(lot.round is None, "record.wrong-stage", "a second round")
    judging.not_frozen(lot)
    deadline = moment.parse(d["deadline"])
    need(deadline % moment.SECOND == 0 and deadline > r.at, "record.data", "deadline of the round")
    invited = [b.id for b in judging.conforming(s, lot)]
    need(isinstance(d["invited"], list) and d["invited"] == invited, "result.differs", "invited")
    judging.still_enough(s, lot, [s.bids[i] for i in invited])
    judging.not_ended(s, lot)
    lot.round, lot.checked = Round(r, invited, deadline), s.experts()


def _invited(s, r, rnd, lot):
    """The first bid of the invited bidder who signs."""
    need(rnd is not None and rnd.closed is None, "record.wrong-stage", "no round is open")
    need(r.at < rnd.deadline, "offer.late", moment.show(r.at))
    own = [i for i in rnd.invited if s.bids[i].bidder == r.organisation]
    need(own and own[0] not in rnd.exits, "offer.not-invited", r.type)
    return own[0]


@on("offer.submit")
def offer(s, r):
    lot = s.lot(r.data["lot"])
    first = _invited(s, r, lot.round, lot)
    need(first not in lot.round.offers, "bid.second", "a second final offer")
    checked = _checked(s, jcs.unbase64(r.data["seal"]), lot.round.record.commitment, FINAL)
    need(checked.lot == lot.id, "bid.bound-elsewhere", "another lot")
    lot.round.offers[first] = _take(s, r, checked, first)


@on("offer.exit")
def exit_(s, r):
    lot = s.lot(r.data["lot"])
    first = _invited(s, r, lot.round, lot)
    need(first not in lot.round.offers, "record.wrong-stage", "has given an offer")
    lot.round.exits.add(first)


@on("round.close")
def round_close(s, r):
    s.by(r, s.host)
    lot = s.lot(r.data["lot"])
    rnd = lot.round
    need(rnd is not None and rnd.closed is None, "record.wrong-stage", "no round is open")
    need(moment.parse(r.data["deadline"]) == rnd.deadline, "result.differs", "deadline of the round")
    need(r.at >= rnd.deadline, "opening.early", moment.show(r.at), "V7")
    rnd.closed, rnd.close_index = r.at, r.index


def offers_due(s, lot):
    offers = list(lot.round.offers.values())
    return offers if len(offers) >= s.notice["bidders_min"] else []


@on("round-window.close")
def round_window(s, r):
    s.by(r, s.host)
    lot = s.lot(r.data["lot"])
    rnd = lot.round
    need(rnd is not None and rnd.closed is not None and not rnd.window_closed, "record.wrong-stage", "window of the round")
    _missing_equals(r.data["missing"], offers_due(s, lot))
    need(not r.data["missing"] or r.at >= s.window_end(rnd.deadline), "opening.early", "the window is open", "V8")
    rnd.window_closed, rnd.window_taken = r.index, s.taken(r)
