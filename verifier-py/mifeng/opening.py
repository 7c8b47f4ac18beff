"""Board shares, openings, failures, minutes (V9 to V12)."""
from functools import lru_cache

from . import bids, envelope, jcs, manifest, policy, revealed, tdh2, timelock
from .errors import Bad, need
from .state import on

STATUS = {"opened", "remedied", "revoked_bidder_cause", "withdrawn_other_cause", "withdrawn_before_deadline", "replaced", "not_opened",
          "refused_late", "refused_unsealed"}


def may_release(s, bid):
    """The stage and the release rule for one bid."""
    if bid.first is None:
        s.at_stage("opening")
        need(bid.live and s.enough(bid.lot), "board.share-early", "a bid that stays shut")
    else:
        lot = s.lots[bid.lot]
        need(lot.round is not None and lot.round.window_closed is not None and lot.round.minutes is None,
             "record.wrong-stage", "opening of the round")
        need(bid in bids.offers_due(s, lot), "board.share-early", "a bid that stays shut")


def may_open(s, bid):
    may_release(s, bid)
    need(bid.outcome is None, "bid.duplicate", "has an outcome already")


def is_any_undecided(s):
    """Whether a bid that is due now has no outcome."""
    if s.stage == "opening":
        return any(b.outcome is None for b in s.due())
    rounds = [lot for lot in s.lots.values() if lot.round is not None and lot.round.window_closed is not None]
    return s.stage == "evaluation" and any(b.outcome is None for lot in rounds for b in bids.offers_due(s, lot))


def opens_more(s):
    """Whether anything is or will be opened."""
    if s.stage in ("setup", "open", "window"):
        return True
    to_come = (lot.round is None or lot.round.window_closed is None for lot in s.lots.values())
    return is_any_undecided(s) or s.stage == "evaluation" and s.procedure.final and any(to_come)


@on("board.share")
def board_share(s, r):
    d = r.data
    board = s.trustee(d["index"], r.actor)
    need(isinstance(d["shares"], list) and d["shares"], "record.data", "shares")
    counted = 0
    for item in d["shares"]:
        jcs.members(item, ["path", "seal", "share"], "record.data", "share")
        jcs.hex32(item["seal"])
        bid = s.bid(item["seal"])
        may_release(s, bid)
        ct = bid.checked.board_leaves.get(item["path"])
        need(ct is not None and bid.checked.boards[item["path"]] == board.digest, "board.share-invalid",
             "not a leaf of the board", "V9")
        need(can_open(bid), "board.share-early", "the bidder did not release its leaf", "V9")
        need(board is not s.second.board or silent(bid), "board.share-early", "there is nothing to remedy", "V9")
        index, point, e, z = tdh2.read_share(item["share"])
        need(index == d["index"], "board.share-invalid", "another index", "V9")
        label = bid.checked.labels[item["path"]]
        need(tdh2.share_holds(s.suite, label, index, board.shares[index - 1], ct.u_raw, point, e, z),
             "board.share-invalid", "the proof does not hold", "V9")
        if bid.outcome is not None:  # it stands; the share counts for the others alone
            continue
        counted += 1
        held = bid.board_shares.setdefault(item["path"], {})
        need(index not in held, "board.share-invalid", "a second share of one trustee", "V9")
        held[index] = point
        s.notes["shares"] += 1
    need(counted > 0, "opening.decided", "every bid of the record has its outcome", "V9")


def silent(bid):
    """Whether its bidder was to release its own leaf and did not."""
    return bool(bids.missing([bid]))


def can_open(bid):
    """Whether it opens without what its bidder did not release: if it did, or if the policy has a remedy."""
    own = bid.checked.bidder_leaf_path if silent(bid) else None
    return policy.satisfied(bid.checked.seal.policy, lambda path, _: path != own)


def opens_without_bidder(s, bid, stood_in):
    """Whether it would open if the board, the one-time key and the clock gave all that they owe; `stood_in` says of each
    leaf of the fallback board, which owes nothing, whether it counts."""
    fallback = s.second.board.digest if s.second.board is not None else None

    def given(path, leaf):
        if leaf["leaf"] == "group" and leaf["key"] == fallback:
            return stood_in(path)
        return leaf["leaf"] != "cert"

    return policy.satisfied(bid.checked.seal.policy, given)


def has_quorum(s, bid, path):
    """Whether a leaf sealed to a board has the shares that it needs."""
    needed = next(t for key, _, t in s.boards() if key == bid.checked.boards[path])
    return len(bid.board_shares.get(path, ())) >= needed


def remedied(s, bid):
    return silent(bid) and not opens_without_bidder(s, bid, lambda path: False)


def waits_until(s, bid):
    """Until when a board may still release for it; None where no board can open it."""
    closed = s.window_taken if bid.first is None else s.lots[bid.lot].round.window_taken
    return s.window_end(closed) if can_open(bid) else None


def leaf_shares(s, bid):
    """path → share, of every leaf that can be had from the records."""
    out = {}
    if bid.share is not None:
        out[bid.checked.bidder_leaf_path] = bid.share
    for path, held in bid.board_shares.items():
        y, t = next((y, t) for key, y, t in s.boards() if key == bid.checked.boards[path])
        if len(held) >= t:
            point = tdh2.combine(s.suite, t, tuple(sorted(held.items())))
            if point is not None:
                out[path] = tdh2.plain(s.suite, y, bid.checked.board_leaves[path], point)
    out.update(_opened_by_key_or_clock(s, bid))
    return out


def _opened_by_key_or_clock(s, bid):
    """path → share, of leaves sealed to a revealed key or to a round that has come."""
    out = {}
    for path, (key, ct) in bid.checked.reveal_leaves.items():
        x = revealed.key_of(s, key)
        if x is not None:
            out[path] = revealed.leaf_share(s.suite, x, bid.checked.labels[path], ct)
    for path, (chain, round_, ct) in bid.checked.clock_leaves.items():
        signature = s.beacons.get((chain.hash, round_))
        if signature is not None:
            out[path] = timelock.leaf_share(s.suite, chain, signature, bid.checked.labels[path], ct)
    return out


def _no_leaf(s, bid):
    """The Bad of a leaf that its key or its round does not open: by the bidder's fault. None if there is none."""
    try:
        _opened_by_key_or_clock(s, bid)
    except Bad as e:
        return Bad("envelope.opening", e.text)
    return None


@lru_cache(maxsize=4096)
def _open(suite, checked, boards, shares, blob):
    """(manifest, hash of it), or the Bad that the opening ends with."""
    try:
        sigma = envelope.recover(checked, suite, boards, dict(shares))
        body = envelope.file_parts(blob, checked.seal)
        start = 20 + len(checked.seal.header_raw)
        if envelope.body_root(blob, start, len(body), suite.id) != checked.seal.root:
            raise Bad("envelope.body-root", "another root")
        plain = envelope.decrypt(suite, checked.context, sigma, body)
        m, raw = manifest.read(suite, plain, checked.context, checked.seal.ctx["bidder_cert"])
        return m, suite.h(raw).hex()
    except Bad as e:
        return e


def open_again(s, bid):
    blob = s.files.get(f"seal/{bid.id}.bid")
    need(blob is not None, "file.missing", f"seal/{bid.id}.bid", "V1")
    wrong = _no_leaf(s, bid)
    if wrong is not None:
        return wrong
    shares = leaf_shares(s, bid)
    need(policy.combine(bid.checked.seal.policy, shares) is not None, "board.quorum-short", "too few shares", "V9")
    return _open(s.suite, bid.checked, s.boards(), tuple(sorted(shares.items())), blob)


@on("bid.open")
def bid_open(s, r):
    """Taken as the host says; V10 opens the bid again."""
    d = r.data
    s.by(r, s.host)
    bid = s.bid(d["seal"])
    may_open(s, bid)
    need(policy.combine(bid.checked.seal.policy, leaf_shares(s, bid)) is not None, "board.quorum-short", "too few shares", "V10")
    shown = {k: d[k] for k in ("declarations", "detail", "opening")}
    manifest.shape(shown, "record.data")
    bid.opened, bid.manifest, bid.outcome = r, shown, "opened"
    s.notes["opened"] += 1


def _secret_holds(s, bid):
    """Of a withheld bid: its secret from what was released, held against its header."""
    wrong = _no_leaf(s, bid)
    if wrong is not None:
        raise Bad(wrong.code, f"{bid.id}: {wrong.text}", "V10")
    try:
        envelope.recover(bid.checked, s.suite, s.boards(), leaf_shares(s, bid))
    except Bad as e:
        raise Bad(e.code, f"{bid.id}: {e.text}", "V10") from None


def check_all(s, withheld):
    """V10: each bid opened again, and the same as bid.open; how many are withheld."""
    unseen = 0
    for bid in s.bids.values():
        if bid.opened is None:
            continue
        if f"seal/{bid.id}.bid" in withheld:
            _secret_holds(s, bid)
            unseen += 1
            continue
        found, d = open_again(s, bid), bid.opened.data
        if isinstance(found, Bad):
            raise Bad(found.code, f"{bid.id}: {found.text}", "V10")
        m, hashed = found
        shown, detail = m["opening"], m["detail"]
        if bid.first is None and s.procedure.final:  # first prices are not published
            shown, detail = dict(shown, currency="", price="", price_cn=""), []
        same = (d["manifest"] == hashed and d["declarations"] == m["declarations"] and d["opening"] == shown
                and d["detail"] == detail)
        need(same, "result.differs", f"bid.open of {bid.id} is not what the bid says", "V10")
    return unseen


@on("bid.fail")
def bid_fail(s, r):
    d = r.data
    s.by(r, s.host)
    need(d["status"] in STATUS, "record.data", "status")
    bid = s.bid(d["seal"])
    may_open(s, bid)
    bid.failed, bid.outcome = r, d["status"]
    bid.why = _why_without_opening(s, bid)
    # With enough shares only the bidder's fault keeps a bid shut; check_failed opens it again.
    status, cause = bid.why or ("revoked_bidder_cause", "bid.malformed")
    need(d["status"] == status, "result.differs", f"recomputed {status}, found {d['status']}", "V11")
    need(d["cause"] == cause, "result.differs", f"recomputed {cause}, found {d['cause']!r:.40}", "V11")
    until = waits_until(s, bid) if cause != "bid.malformed" else None
    need(until is None or r.at >= until, "opening.given-up-early", "the boards may still release", "V11")
    s.notes["failed"] += 1


def check_failed(s, withheld):
    """V11: what remains follows from opening the bid again; how many are withheld."""
    unseen = 0
    for bid in s.bids.values():
        if bid.failed is None:
            continue
        if f"seal/{bid.id}.bid" in withheld:
            unseen += 1
            continue
        if bid.why:
            continue
        found = open_again(s, bid)
        need(isinstance(found, Bad) and found.code == "envelope.opening", "result.differs",
             f"{bid.id} opens" if not isinstance(found, Bad) else str(found), "V11")
    return unseen


def _why_without_opening(s, bid):
    """Status and cause as they follow from what was released, or None: the bid can be opened."""
    if _no_leaf(s, bid) is None and policy.combine(bid.checked.seal.policy, leaf_shares(s, bid)) is None:
        if silent(bid) and not opens_without_bidder(s, bid, lambda path: has_quorum(s, bid, path)):
            return "revoked_bidder_cause", "bidder.no-release"
        return "withdrawn_other_cause", "board.quorum-short"
    return None


def status(s, bid):
    return bid.ended or (bid.opened and remedied(s, bid) and "remedied") or bid.outcome or "not_opened"


STATUSES = {"opened", "remedied", "revoked_bidder_cause", "withdrawn_other_cause", "withdrawn_before_deadline", "replaced", "not_opened",
            "refused_late", "refused_unsealed"}


def _row(row):
    """A row of the opening record, whatever it says."""
    jcs.members(row, ["bidder", "lot", "name", "price?", "seal", "status"], "record.data", "row")
    texts = all(isinstance(row[name], str) for name in ("bidder", "lot", "name"))
    need(texts and isinstance(row.get("price"), (str, type(None))), "record.data", "row", "V12")
    jcs.hex32(row["seal"])
    need(isinstance(row["status"], str) and row["status"] in STATUSES, "record.data", "status", "V12")


@on("opening.minutes")
def minutes(s, r):
    need(isinstance(r.data["rows"], list), "record.data", "rows", "V12")
    for row in r.data["rows"]:
        _row(row)
    s.at_stage("opening")
    s.by(r, s.notice["agency"]["cert"])
    need(r.data["deadline"] == s.notice["deadline"], "result.differs", "deadline", "V12")
    for bid in s.due():
        need(bid.outcome is not None or s.cancelled, "record.wrong-stage", f"bid {bid.id} has no outcome")
    rows = []
    for bid in sorted((b for b in s.bids.values() if b.first is None), key=lambda b: (b.lot.encode(), b.id)):
        price = bid.manifest["opening"]["price"] if bid.opened and s.procedure.read_out else None
        rows.append({"bidder": bid.bidder, "lot": bid.lot, "name": bid.name, "price": price, "seal": bid.id,
                     "status": status(s, bid)})
    rows = sorted(rows + list(s.refused.values()), key=lambda row: (row["lot"].encode(), row["seal"]))
    given = [dict({"price": None}, **row) for row in r.data["rows"]]
    need(given == rows, "result.differs", "the opening record", "V12")
    s.minutes, s.stage = r, "evaluation"


@on("opening.sign")
def sign(s, r):
    s.at_stage("evaluation")
    need(r.data["minutes"] == s.minutes.commitment, "result.differs", "another opening record", "V12")
    trustees = s.trustees()
    bidders = {b.bidder for b in s.bids.values()}
    if r.actor == s.notice["buyer"]["cert"] or r.actor in trustees:
        who = r.actor
    else:
        need(r.organisation in bidders and r.organisation is not None, "record.not-authorised", r.type, "V12")
        who = r.organisation
    need(who not in s.minutes_signed, "record.not-authorised", "signed already", "V12")
    s.minutes_signed[who] = r


@on("round.minutes")
def round_minutes(s, r):
    s.by(r, s.notice["agency"]["cert"])
    lot = s.lot(r.data["lot"])
    rnd = lot.round
    need(rnd is not None and rnd.window_closed is not None and rnd.minutes is None, "record.wrong-stage", "minutes of the round")
    due = bids.offers_due(s, lot)
    for offer in due:
        need(offer.outcome is not None, "record.wrong-stage", f"offer {offer.id} has no outcome")
    rows = []
    for first in rnd.invited:
        offer = rnd.offers.get(first)
        row = {"seal": first, "status": "exited" if first in rnd.exits else "none", "offer": None, "price": None}
        if offer is not None:
            row.update(offer=offer.id, status=offer.outcome or "not_opened",
                       price=offer.manifest["opening"]["price"] if offer.opened else None)
        rows.append(row)
    need(isinstance(r.data["rows"], list), "record.data", "rows")
    given = [dict({"price": None, "offer": None}, **x) for x in r.data["rows"]]
    need(given == rows, "result.differs", "the record of the round", "V12")
    rnd.minutes = r
