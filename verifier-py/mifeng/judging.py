"""Findings, questions, prices and sheets of a lot (spec/evaluation.md; V14)."""
from . import amount, jcs, moment, result, score
from .drawing import member
from .errors import need
from .state import on

MINUTE = 60 * moment.SECOND


def opened(s, lot):
    return [b for b in s.live(lot.id) if b.opened is not None]


def not_frozen(lot):
    """Bids, prices and questions are open until the first commitment, coefficient pool, ranking or end."""
    need(not lot.frozen and lot.rank is None and lot.failed is None, "record.wrong-stage", "the lot is frozen or at its end")


def bodies(s, kind, lot=None):
    """Who gives a finding: the seats, or buyer and agency; in a lot those whose findings stand."""
    if not s.procedure.seats or (kind == "qualification" and not s.procedure.by_committee):
        return None
    if lot is not None and lot.checked is not None and kind != "low-price":
        return lot.checked  # final offers were called for
    return judges(s, lot)


def judges(s, lot):
    """The seats; once bids and prices of a lot are frozen and one of them left, those who sat then."""
    return lot.judges if lot is not None and lot.judges is not None else s.experts()


def verdict(s, lot, kind, seal):
    """True, False, or None while not all have spoken."""
    given = lot.checks[kind]
    who = bodies(s, kind, lot)
    if who is None:
        if not given:
            return None
        return next(iter(given.values()))["rows"][seal]["pass"] if seal in next(iter(given.values()))["rows"] else None
    if any(w not in given for w in who):
        return None
    votes = [given[w]["rows"][seal]["pass"] for w in who if seal in given[w]["rows"]]
    return None if len(votes) < len(who) else 2 * sum(votes) > len(votes)


def spoken(s, lot, kind):
    who = bodies(s, kind, lot)
    return bool(lot.checks[kind]) if who is None else all(w in lot.checks[kind] for w in who)


def failing(s, lot, kind, seal):
    """(article, reason) of the first finding against this bid, in the order of the seats."""
    who = bodies(s, kind, lot)
    for given in lot.checks[kind].values() if who is None else [lot.checks[kind][w] for w in who if w in lot.checks[kind]]:
        row = given["rows"].get(seal)
        if row is not None and not row["pass"]:
            return row["article"], row["reason"]
    return "", ""


def qualified(s, lot):
    return [b for b in opened(s, lot) if verdict(s, lot, "qualification", b.id)] if spoken(s, lot, "qualification") else []


def conforming(s, lot):
    need(spoken(s, lot, "qualification"), "record.wrong-stage", "qualification is not finished")
    need(spoken(s, lot, "conformity"), "record.wrong-stage", "conformity is not finished")
    return [b for b in qualified(s, lot) if verdict(s, lot, "conformity", b.id)]


def bidders(lot, group):
    """How many bidders these bids count as: bids of one brand count once where the rules say so."""
    brands = [b.manifest["declarations"]["brand"] for b in group]
    if not score.same_brand(lot.rules):
        return len(group)
    return len({x for x in brands if x is not None}) + sum(x is None for x in brands)


def still_enough(s, lot, group):
    """Brands are counted among those who passed both checks (87 art. 31), heads before."""
    enough_heads(s, lot, bidders(lot, group))


def enough_heads(s, lot, count):
    need(count >= s.notice["bidders_min"], "evaluation.too-few", lot.id)


def due_for(s, lot, kind):
    if kind == "qualification":
        return opened(s, lot)
    need(spoken(s, lot, "qualification"), "record.wrong-stage", "qualification is not finished")
    if kind == "conformity":
        return qualified(s, lot)
    return [b for b in conforming(s, lot) if b.id in asked_low(lot)]


def asked_low(lot):
    return {q["seal"] for q in lot.questions.values() if q["matter"] == "low-price"}


@on("check")
def check(s, r):
    d = r.data
    s.at_stage("evaluation")
    lot = s.lot(d["lot"])
    kind = d["kind"]
    need(kind in lot.checks and isinstance(d["rows"], list), "record.data", "kind or rows")
    _who(s, r, kind)
    need(lot.rank is None and lot.failed is None, "record.wrong-stage", "the lot is at its end")
    need(not lot.frozen, "record.wrong-stage", "the lot is frozen")
    need(r.actor not in lot.checks[kind], "record.wrong-stage", "said already")
    need(bodies(s, kind) is not None or not lot.checks[kind], "record.wrong-stage", "said already")
    due = due_for(s, lot, kind)
    if kind != "low-price":
        need(lot.round is None, "record.wrong-stage", "final offers were called for")
    if kind == "conformity":
        enough_heads(s, lot, len(due))
    if kind == "low-price":
        put_to_bidders(s, lot, r.at)
        _low_ready(s, lot, r)
    rows = {}
    for row in d["rows"]:
        jcs.members(row, ["article", "pass", "reason", "seal"], "record.data", "row")
        need(isinstance(row["pass"], bool) and isinstance(row["article"], str) and isinstance(row["reason"], str), "record.data")
        need(not row["pass"] or not (row["reason"] or row["article"]), "check.invalid", "a pass with a reason")
        need(row["pass"] or (row["reason"] and row["article"]), "record.data", "a fail without reason and article")
        rows[row["seal"]] = row
    need([row["seal"] for row in d["rows"]] == [b.id for b in due], "check.invalid", "not exactly the bids that are due")
    lot.checks[kind][r.actor] = {"rows": rows, "record": r}
    s.notes["findings"] += 1


def _who(s, r, kind):
    if bodies(s, kind) is None:
        s.by(r, s.notice["buyer"]["cert"], s.notice["agency"]["cert"])
        if s.procedure.seats:
            return
        need(True, "record.data")
    else:
        member(s, r)


def _asker(s, r):
    """A member; where there is no committee, buyer or agency."""
    if s.procedure.seats:
        member(s, r)
    else:
        s.by(r, s.notice["buyer"]["cert"], s.notice["agency"]["cert"])


@on("clarify.ask")
def ask(s, r):
    d = r.data
    s.at_stage("evaluation")
    lot = s.lot(d["lot"])
    _asker(s, r)
    need(d["matter"] in ("ambiguity", "inconsistency", "slip", "price", "low-price"), "record.data", "matter")
    need(lot.rank is None and lot.failed is None and not lot.frozen, "record.wrong-stage", "decided already")
    bid = s.bid(d["seal"], lot.id)
    need(bid.first is None and bid.opened is not None, "bid.unknown", "not an opened bid")
    need(isinstance(d["triggers"], list) and all(isinstance(t, str) for t in d["triggers"]), "record.data", "triggers")
    until = moment.parse(d["until"])
    need(until > r.at, "clarify.late", "until is over")
    if d["matter"] == "low-price":
        least = lot.pack.number("low.minutes.least")
        least = 30 if least is None else least
        need(until >= r.at + least * MINUTE, "clarify.late", "less than 30 minutes")
        need(bid in conforming(s, lot), "bid.unknown", "not a conforming bid")
        wanted = low_triggers(s, lot).get(bid.id, [])
        need(d["triggers"] == (wanted or ["committee"]), "result.differs", "triggers")
    else:
        need(not d["triggers"], "result.differs", "triggers")
    price = None
    if d["matter"] == "price":
        price, lack = reading(s, lot, bid)
        need(lack == "price-unconfirmed", "result.differs", "no corrected price to confirm")
        need(_put(lot, bid, price) is None, "record.wrong-stage", "put to the bidder already")
    lot.questions[r.commitment] = {"seal": bid.id, "matter": d["matter"], "until": until, "answer": None, "record": r,
                                   "price": price}
    s.notes["questions"] += 1


@on("clarify.answer")
def answer(s, r):
    d = r.data
    s.at_stage("evaluation")
    lot, q = next(((lo, lo.questions[d["question"]]) for lo in s.lots.values() if d["question"] in lo.questions), (None, None))
    need(q is not None, "clarify.not-asked", "nobody asked")
    bid = s.bids[q["seal"]]
    s.bidder_of(r, bid)
    need(q["answer"] is None, "record.wrong-stage", "answered already")
    need(r.at < until(s, q), "clarify.late", moment.show(r.at))
    need(lot.rank is None and lot.failed is None and not lot.frozen, "clarify.late", "a decision was begun")
    need(q["matter"] != "low-price" or bid.id not in _judged_low(lot), "clarify.late", "a decision was begun")
    if d.get("price") is not None:
        need(isinstance(d["price"], str) and d["price"] in prices_of(s, lot, bid), "clarify.price-changed", d["price"])
    q["answer"] = r


def until(s, q):
    """Until when an answer is taken: after a suspension the whole time again."""
    asked = q["record"].at
    return q["until"] if s.resumed is None or s.resumed <= asked else s.resumed + (q["until"] - asked)


def _put(lot, bid, price):
    """The question by which a corrected price was put to its bidder."""
    return next((q for q in lot.questions.values() if q["seal"] == bid.id and q["price"] == price is not None), None)


def put_to_bidders(s, lot, at):
    """Every corrected price that is not confirmed was put to its bidder, who answered or let the time pass."""
    for bid in conforming(s, lot):
        price, lack = reading(s, lot, bid)
        if lack == "price-unconfirmed":
            q = _put(lot, bid, price)
            need(q is not None, "price.unconfirmed", f"{bid.id}: nobody asked")
            need(q["answer"] is not None or at >= until(s, q), "price.unconfirmed", f"{bid.id}: the time runs")


def not_ended(s, lot):
    """A lot that has ended without a winner is neither ranked nor called for final offers."""
    from . import result
    why = result.failing(s, lot)
    need(lot.failed is None and why is None, "record.wrong-stage", f"lot {lot.id} ends: {why}")


def _judged_low(lot):
    return {seal for g in lot.checks["low-price"].values() for seal in g["rows"]}


def prices_of(s, lot, bid):
    """The prices that the bid itself can be said to have."""
    source = offer_of(lot, bid) or bid
    o = source.manifest["opening"]
    return {o["price"]} | set(amount.correct(o["price"], o["price_cn"], source.manifest["detail"]).readings)


# --- prices ---------------------------------------------------------------------------------------------------------

def offer_of(lot, bid):
    """The opened final offer of a bid in a procedure that has them."""
    if lot.round is None:
        return None
    offer = lot.round.offers.get(bid.id)
    return offer if offer is not None and offer.opened is not None else None


def takes_price(s, lot, bid):
    return offer_of(lot, bid) if s.procedure.final else bid


def reading(s, lot, bid):
    """(price or None, what is missing): as read out, confirmed as corrected, or as the majority decided and confirmed."""
    source = takes_price(s, lot, bid)
    if source is None:
        return None, "no-final-offer"
    o = source.manifest["opening"]
    found = amount.correct(o["price"], o["price_cn"], source.manifest["detail"])
    if len(found.readings) > 1:
        votes = lot.decisions.get(source.id, {})
        who = judges(s, lot) if s.procedure.seats else None
        if (who is not None and any(w not in votes for w in who)) or (who is None and not votes):
            return None, "undecided"
        tally = list(votes.values()) if who is None else [votes[w] for w in who]
        chosen = [p for p in set(tally) if p and 2 * tally.count(p) > len(tally)]
        if not chosen:
            return None, "unreadable"
        price = chosen[0]
        return (price, None) if lot.confirmed.get(source.id) == price else (price, "price-unconfirmed")
    if not found.readings:
        return None, "unreadable"
    price = found.readings[0]
    if found.confirm:
        return (price, None) if lot.confirmed.get(source.id) == price else (price, "price-unconfirmed")
    return price, None


@on("price.decide")
def decide(s, r):
    d = r.data
    s.at_stage("evaluation")
    bid = s.bid(d["seal"])
    lot = s.lots[bid.lot]
    _asker(s, r)
    not_frozen(lot)
    need(bid.manifest is not None, "bid.unknown", "not opened")
    o = bid.manifest["opening"]
    found = amount.correct(o["price"], o["price_cn"], bid.manifest["detail"])
    need(len(found.readings) > 1, "record.data", "the rules leave nothing to decide")
    need(d["price"] == "" or d["price"] in found.readings, "record.data", "not one of the readings")
    votes = lot.decisions.setdefault(bid.id, {})
    need(r.actor not in votes, "record.wrong-stage", "decided already")
    votes[r.actor] = d["price"]


@on("price.confirm")
def confirm(s, r):
    d = r.data
    s.at_stage("evaluation")
    bid = s.bid(d["seal"])
    lot = s.lots[bid.lot]
    s.bidder_of(r, bid)
    not_frozen(lot)
    need(not lot.low_started, "record.wrong-stage", "the review of low prices has begun")
    first = s.bids[bid.first] if bid.first else bid
    source = takes_price(s, lot, first)
    need(source is not None and source.manifest is not None, "bid.unknown", "no price")
    price, lack = reading(s, lot, first)
    need(lack in ("price-unconfirmed",) and d["price"] == price, "result.differs", "another price, or none to confirm")
    lot.confirmed[source.id] = d["price"]


# --- abnormally low -------------------------------------------------------------------------------------------------

def prices(s, lot):
    """[(bid, price text)] of the conforming bids whose price stands."""
    out = []
    for bid in conforming(s, lot):
        price, lack = reading(s, lot, bid)
        if lack is None:
            out.append((bid, price))
    return out


def low_triggers(s, lot):
    low = score.watched(lot.rules, lot.pack, [fact(b, p, None) for b, p in prices(s, lot)])
    return score.abnormal_low(lot.rules, lot.pack, {f["id"]: score.number(f["price"]) for f in low})


def _low_ready(s, lot, r):
    for bid in conforming(s, lot):
        need(reading(s, lot, bid)[1] != "undecided", "price.undecided", bid.id)
    asked = asked_low(lot)
    need(asked, "check.invalid", "nobody was asked")
    for seal in low_triggers(s, lot):
        need(seal in asked, "review.open", seal)
    for q in lot.questions.values():
        if q["matter"] == "low-price":
            need(q["answer"] is not None or r.at >= until(s, q), "review.open", "the answer is due")
    lot.low_started = True


def taking_part(s, lot):
    """[(bid, price text, review)] that go into the ranking; too low a price takes no part but stays in the triggers."""
    out = []
    for bid, price in prices(s, lot):
        review = None
        if bid.id in asked_low(lot):
            review = "reasonable" if verdict(s, lot, "low-price", bid.id) else "not-shown"
        out.append((bid, price, review))
    return out


def settled(s, lot):
    """Everything before the sheets: findings, round, readings, reviews."""
    group = conforming(s, lot)
    if s.procedure.final:
        need(lot.round is not None and lot.round.minutes is not None, "record.wrong-stage", "the round is not finished")
    still_enough(s, lot, group)
    settled_prices(s, lot)
    still_enough(s, lot, left_with_price(s, lot))


def left_with_price(s, lot):
    """Those whose price can be read and was not found too low."""
    return [b for b, _, review in taking_part(s, lot) if review != "not-shown"]


def settled_prices(s, lot):
    """Readings are decided, low prices asked about and judged."""
    for bid in conforming(s, lot):
        need(reading(s, lot, bid)[1] != "undecided", "price.undecided", bid.id)
    asked = asked_low(lot)
    for seal in low_triggers(s, lot):
        need(seal in asked, "review.open", seal)
    for seal in asked:
        need(verdict(s, lot, "low-price", seal) is not None, "review.open", seal)


# --- sheets ---------------------------------------------------------------------------------------------------------

def items(lot):
    return lot.rules.get("items") or []


def _drawn_first(s, lot):
    for name in score.drawn_names(lot.rules, lot.pack):
        need(("coefficient", name) in lot.drawn, "record.wrong-stage", f"coefficient {name} is not drawn")


@on("score.commit")
def commit(s, r):
    s.at_stage("evaluation")
    lot = s.lot(r.data["lot"])
    member(s, r)
    need(items(lot), "record.wrong-stage", "no scoring items")
    need(lot.rank is None and lot.failed is None, "record.wrong-stage", "the lot is at its end")
    need(r.actor not in lot.commits, "score.invalid", "a second commitment")
    settled(s, lot)
    put_to_bidders(s, lot, r.at)
    _drawn_first(s, lot)
    lot.commits[r.actor] = r.data["commitment"]
    lot.frozen = True


@on("score")
def sheet(s, r):
    d = r.data
    s.at_stage("evaluation")
    lot = s.lot(d["lot"])
    member(s, r)
    for other in s.lots.values():
        if other is lot or still_scored(s, other):
            need(all(e in other.commits for e in s.experts()), "score.not-committed", other.id)
    need(r.actor not in lot.sheets, "score.invalid", "a second sheet")
    need(lot.rank is None and lot.failed is None, "record.wrong-stage", "the lot is at its end")
    made = s.suite.tag("sheet", lot.id.encode(), bytes.fromhex(r.actor), bytes.fromhex(d["salt"]), jcs.write(d["scores"]))
    need(made.hex() == lot.commits[r.actor], "score.commitment-differs", lot.id)
    valid = scored_bids(s, lot)
    need(isinstance(d["scores"], dict) and set(d["scores"]) == set(valid), "score.invalid", "bids of the sheet")
    for seal, points in d["scores"].items():
        need(isinstance(points, dict) and set(points) == {i["id"] for i in items(lot)}, "score.invalid", "items of the sheet")
        for item in items(lot):
            need(score.in_band(item, points[item["id"]]), "score.invalid", f"{item['id']}: {points[item['id']]!r:.20}")
    lot.sheets[r.actor] = d["scores"]
    s.notes["sheets"] += 1


def still_scored(s, lot):
    """Whether sheets of a lot are still to be closed, or may be: those of another one would tell the same experts something.
    What the opening left too few bids of never comes back; any other ground can still go away until it is recorded."""
    if not items(lot) or lot.rank is not None or lot.failed is not None:
        return False
    return min(len(s.live(lot.id)), len(opened(s, lot))) >= s.notice["bidders_min"]


def scored_bids(s, lot):
    """Every valid bid: those that take part and are not invalid by the rules."""
    found = score.invalid(lot.rules, lot.pack, facts(s, lot))
    return [f["id"] for f in facts(s, lot) if f["id"] not in found]


def facts(s, lot):
    """What the computation knows of each bid that takes part."""
    return [fact(*x) for x in taking_part(s, lot)]


def fact(bid, price, review):
    d = bid.manifest["declarations"]
    return {"id": bid.id, "price": price, "sme": d["sme"], "domestic": d["domestic"], "brand": d["brand"], "review": review}


@on("score.correct")
def correct(s, r):
    d = r.data
    s.at_stage("evaluation")
    lot = s.lot(d["lot"])
    member(s, r)
    need(all(e in lot.sheets for e in s.experts()), "score.not-committed", lot.id)
    need(lot.rank is None, "record.wrong-stage", "ranked already")
    need(isinstance(d["scores"], dict) and d["scores"], "score.invalid", "nothing changes")
    merged = {k: dict(v) for k, v in lot.sheets[r.actor].items()}
    by_id = {i["id"]: i for i in items(lot)}
    for seal, points in d["scores"].items():
        need(seal in merged and isinstance(points, dict) and points, "score.invalid", "bids of the correction")
        for ident, value in points.items():
            item = by_id.get(ident)
            need(item is not None and item["kind"] == "objective" and score.in_band(item, value), "score.invalid", ident)
            values = {score.number(lot.sheets[e][seal][ident]) for e in s.experts()}
            need(len(values) > 1, "score.invalid", "the sheets agree on this item")
            merged[seal][ident] = value
    lot.sheets[r.actor] = merged
    lot.corrections.append(r)


def seat_left(s, cert, new):
    """What the one who left said is void: everything before the lot is frozen, only the sheet afterwards; but not what
    was found on bids before final offers were called for."""
    for lot in s.lots.values():
        if lot.frozen or lot.failed is not None:
            lot.judges = lot.judges or [cert if x == new else x for x in s.experts()]
            if lot.rank is None:
                lot.commits.pop(cert, None)
                lot.sheets.pop(cert, None)
            continue
        for kind in ("qualification", "conformity"):
            if bodies(s, kind) is not None and lot.checked is None:
                lot.checks[kind].pop(cert, None)
        if bodies(s, "low-price") is not None:
            lot.checks["low-price"].clear()
            lot.low_started = False
        for votes in lot.decisions.values():
            votes.pop(cert, None)
