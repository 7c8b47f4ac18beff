"""Refused records that the log shows: bids that were not taken, false shares (spec/events.md, Refused records)."""
from . import bids, jcs, moment, record, revealed, tdh2
from .errors import Bad, need
from .state import on

MOST = 1000
LATE, UNSEALED = "refused_late", "refused_unsealed"


def _inside(s, d):
    """The record inside: whole, signed, for this log."""
    try:
        inner = record.read(s.suite.id, jcs.unbase64(d["body"]), jcs.unbase64(d["sig"]))
    except Bad as e:
        raise Bad("record.data", f"inside: {e}") from None
    need(inner.origin == s.origin, "record.wrong-origin", inner.origin)
    return inner


@on("bid.refuse")
def bid_refuse(s, r):
    d = r.data
    s.at_stage("window", "opening")
    s.by(r, s.host)
    received = moment.parse(d["received"])
    need(received <= r.time, "record.data", "received after it was signed", "V7")
    inner = _inside(s, d)
    status, cause, checked = _why(s, inner, received)
    need((d["status"], d["cause"]) == (status, cause), "result.differs", f"recomputed {status}, {cause}", "V7")
    need(inner.commitment not in s.refused, "bid.duplicate", "told before", "V7")
    need(checked is None or checked.id not in s.bids, "bid.duplicate", "the seal was taken", "V7")
    need(len(s.refused) < MOST, "record.data", "too many refused bids", "V7")
    bidder = s.judge.judge(inner.signer, inner.certificates, received, ["bid-signing"])
    need(bidder is not None, "cert.invalid", "no organisation", "V3")
    s.refused[inner.commitment] = {"bidder": bidder, "lot": checked.lot if checked else "", "name": inner.signer.name(),
                                   "price": None, "seal": inner.commitment, "status": status}


def _why(s, inner, received):
    """Status, cause, and the seal if it holds."""
    need(inner.type in ("bid.submit", "bid.replace"), "record.data", f"{inner.type} brings no bid", "V7")
    record.schema(inner)
    try:
        checked = _seal(s, inner)
        cause = "bid.no-body"
    except Bad as e:
        checked, cause = None, e.code
    if received >= s.deadline:
        return LATE, "bid.late", checked
    # There the record alone is a bid: a host that did not take it has no reason.
    may_come_later = cause == "bid.no-body" and s.notice.get("body_grace_ms", 0) > 0
    need(not may_come_later, "result.differs", "the seal holds, and its file may come later", "V7")
    return UNSEALED, cause, checked


def _seal(s, inner):
    need(isinstance(inner.data["seal"], str), "record.data", "seal")
    try:
        raw = jcs.unbase64(inner.data["seal"])
    except Bad:
        raise Bad("bid.malformed", "not base64") from None
    checked = bids._checked(s, raw, s.publish.commitment, bids.WHOLE)
    need(checked.seal.ctx["bidder_cert"] == inner.actor, "bid.bound-elsewhere", "bound to another certificate")
    return checked


@on("share.false")
def share_false(s, r):
    s.at_stage("opening", "evaluation")
    s.by(r, s.host)
    inner = _inside(s, r.data)
    need(inner.time <= r.time, "record.data", "signed after the record that shows it", "V9")
    s.judge.judge(inner.signer, inner.certificates, inner.time, ["trustee"])
    need(inner.type in ("board.share", "draw.share", "key.reveal"), "record.data", f"{inner.type} brings no shares", "V9")
    record.schema(inner)
    need(convicts(s, inner), "result.differs", "every share in the record holds", "V9")
    need(inner.commitment not in s.false_shares, "bid.duplicate", "shown before", "V9")
    need(len(s.false_shares) < MOST, "record.data", "too many false shares", "V9")
    s.false_shares[inner.commitment] = inner.signer.name()


def convicts(s, inner):
    """Whether a share of a known bid, draw or one-time key in the record does not hold."""
    if inner.type == "draw.share":
        index, *share = tdh2.read_share(inner.data["share"])
        need(s.trustee(index, inner.actor) is s.board, "record.not-authorised", "not the first board's trustee", "V9")
        d = s.draws.get(inner.data["draw"])
        return d is not None and not tdh2.share_holds(s.suite, d.label, index, s.board.shares[index - 1], d.point, *share)
    if inner.type == "key.reveal":
        member = s.second.members.get(inner.data["index"])
        need(member is not None and member.actor == inner.actor, "record.not-authorised", "not the member of that index", "V9")
        return revealed.is_due(s) and not revealed.holds(s, inner.data)
    board = s.trustee(inner.data["index"], inner.actor)
    need(isinstance(inner.data["shares"], list), "record.data", "shares", "V9")
    rows = [jcs.members(x, ["path", "seal", "share"], "record.data", "share") for x in inner.data["shares"]]
    return any(_row_convicts(s, board, inner.data["index"], row) for row in rows)


def _row_convicts(s, board, own, row):
    bid = s.bids.get(row["seal"])
    ct = bid.checked.board_leaves.get(row["path"]) if bid else None
    if ct is None or bid.checked.boards[row["path"]] != board.digest:
        return False
    index, *share = tdh2.read_share(row["share"])
    label = bid.checked.labels[row["path"]]
    return index != own or not tdh2.share_holds(s.suite, label, index, board.shares[index - 1], ct.u_raw, *share)
