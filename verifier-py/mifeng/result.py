"""Ranking, draws of a lot, report, award, letters and the end (spec/evaluation.md; V13 for draws, else V14)."""
from math import lcm

from . import draw, drawing, judging, score
from .errors import Bad, need
from .procedures import article
from .state import on


def _drawn_values(lot):
    """What the formula gets of each drawn coefficient."""
    out, f = {}, score.the_formula(lot.rules, lot.pack)
    for name, d in f["drawn"].items():
        order = lot.drawn[("coefficient", name)]
        out[name] = order[0].split("=", 1)[1] if "values" in d else order[:d["bids"]]
    return out


@on("rank")
def rank(s, r):
    s.at_stage("evaluation")
    s.by(r, s.notice["agency"]["cert"])
    lot = s.lot(r.data["lot"])
    need(lot.rank is None and lot.failed is None, "record.wrong-stage", "ranked already")
    judging.settled(s, lot)
    if judging.items(lot):
        need(all(e in lot.sheets for e in s.experts()), "score.not-committed", lot.id)
    _objective(s, lot)
    drawn = None
    if lot.rules["method"] == "works-deviation":
        judging._drawn_first(s, lot)
        drawn = _drawn_values(lot)
    sheets = [lot.sheets[e] for e in s.experts()] if judging.items(lot) else []
    facts = judging.facts(s, lot)
    made = score.outcome(lot.rules, lot.pack, facts, sheets, drawn)
    if r.data["outcome"] != made:
        raise Bad("result.differs", "; ".join(_differences(r.data["outcome"], made))[:400], "V14")
    judging.put_to_bidders(s, lot, r.at)
    judging.not_ended(s, lot)
    lot.rank, lot.outcome, lot.frozen = r, made, True


def _differences(found, made):
    if not isinstance(found, dict):
        return ["not an object"]
    return [f"{k}: recomputed {made.get(k)!r:.150}, found {found.get(k)!r:.150}"
            for k in sorted(set(found) | set(made)) if found.get(k) != made.get(k)]


def _objective(s, lot):
    """Judges agree on objective items (87 art. 64)."""
    for item in judging.items(lot):
        if item.get("kind") == "objective":
            for seal in judging.scored_bids(s, lot):
                values = {score.number(lot.sheets[e][seal][item["id"]]) for e in s.experts()}
                need(len(values) == 1, "score.invalid", f"judges differ on {item['id']}")


# --- draws ----------------------------------------------------------------------------------------------------------

def places(s, lot):
    """How many places the ranking fills."""
    if s.procedure.award_list:
        return sum(not r.get("eliminated") for r in lot.outcome["rows"] if not r["same_brand_excluded"]) \
            if not lot.outcome["draw_needed"] else _left_by_law(lot)
    return 3


def _left_by_law(lot):
    live = [r for r in lot.outcome["rows"] if not r["same_brand_excluded"]]
    rate = lot.pack.number("framework.eliminate")
    f = lot.rules.get("framework") or {}
    if f.get("laboratory") and f.get("stage") == "quality-first":
        rate = lot.pack.number("framework.eliminate.laboratory")
    if f.get("eliminate") is not None:
        rate = max(rate, score.number(f["eliminate"]))
    return max(min(1, len(live)), len(live) - max(1, int(-(-(rate * len(live)) // 1))))


def tie_rows(s, lot):
    """Every group of equal rank that is met until all places are filled, sorted by id; brands share a chance."""
    left, met = places(s, lot), []
    groups = {}
    for row in lot.outcome["rows"]:
        if not row["same_brand_excluded"] and not (row.get("eliminated") and not lot.outcome["draw_needed"]):
            groups.setdefault(row["rank"], []).append(row["id"])
    for _, ids in sorted(groups.items()):
        if left <= 0:
            break
        brands = [_brand(s, i) if score.same_brand(lot.rules) else None for i in ids]
        if len(ids) > 1:
            if s.procedure.award_list and len(ids) <= left:
                left -= len(ids)
                continue
            met.append((ids, brands))
        left -= len({b for b in brands if b is not None}) + sum(b is None for b in brands)
    sharing = {}
    for ids, brands in met:
        for i, b in zip(ids, brands):
            sharing[i] = brands.count(b) if b is not None else 1
    whole = lcm(*sharing.values()) if sharing else 1
    return [{"id": i, "weight": whole // sharing[i]} for i in sorted(sharing)]


def _brand(s, seal):
    return s.bids[seal].manifest["declarations"]["brand"]


@on("lot.pool")
def lot_pool(s, r):
    d = r.data
    s.at_stage("evaluation")
    s.by(r, s.notice["agency"]["cert"])
    lot = s.lot(d["lot"])
    key = (d["purpose"], d["name"])
    need(key not in lot.pools and lot.failed is None, "record.wrong-stage", "once for each draw", "V13")
    draw.check_rows(d["rows"])
    if d["purpose"] == "coefficient":
        need(lot.rank is None and not lot.commits, "record.wrong-stage", "the sheets have begun", "V13")
        _settled(s, lot, r.at)
        need(d["name"] in score.drawn_names(lot.rules, lot.pack), "record.data", "no such coefficient", "V13")
        f = score.the_formula(lot.rules, lot.pack)["drawn"][d["name"]]
        ids = [f"{d['name']}={v}" for v in f["values"]] if "values" in f else judging.scored_bids(s, lot)
        rows = [{"id": i, "weight": 1} for i in sorted(ids, key=str.encode)]
        lot.frozen, specialty = True, f"coefficient/{lot.id}/{d['name']}"
    else:
        need(d["purpose"] == "tie" and d["name"] == "", "record.data", "purpose", "V13")
        need(lot.rank is not None and lot.report is None, "record.wrong-stage", "a tie is drawn between rank and report", "V13")
        rows, specialty = tie_rows(s, lot), f"tie/{lot.id}"
    need(d["rows"] == rows and rows, "result.differs", "rows of the pool", "V13")
    lot.pools[key] = drawing.open_draw(s, rows, specialty, 1, key)


def _settled(s, lot, at):
    try:
        judging.settled(s, lot)
        judging.put_to_bidders(s, lot, at)
    except Bad as e:
        e.check = "V13"
        raise


@on("lot.drawn")
def lot_drawn(s, r):
    d = r.data
    s.at_stage("evaluation")
    s.by(r, s.notice["agency"]["cert"])
    lot = s.lot(d["lot"])
    key = (d["purpose"], d["name"])
    pool = lot.pools.get(key)
    need(pool is not None and not pool.done and pool.id.hex() == d["draw"], "draw.missing", "no such open draw", "V13")
    seed, order = drawing.result(s, pool, len(pool.rows))
    need(d["seed"] == seed and d["order"] == order, "result.differs", "seed or order", "V13")
    pool.done = True
    lot.drawn[key] = order


# --- report ---------------------------------------------------------------------------------------------------------

BEFORE_PRICES = ("too-few-bids", "too-few-opened", "too-few-qualified", "too-few-conforming", "more-than-one-supplier",
                 "too-few-offers")


def fate(s, lot, bid):
    """(fate, article, reason, row of the ranking or None) of a live bid: its own ending, or that of its lot."""
    ended = None
    if lot.failed is not None:
        ended = ("lot-failed", lot.failed.data["article"], lot.failed.data["reason"])
    row = next((x for x in lot.outcome["rows"] if x["id"] == bid.id), None) if lot.outcome is not None else None
    if bid.opened is None:
        if ended and bid.outcome is None:  # the lot stayed shut: no bid's own fate
            return ended + (row,)
        return _shut(bid) + (row,)
    for kind, name in (("qualification", "unqualified"), ("conformity", "not-conforming")):
        if judging.verdict(s, lot, kind, bid.id) is False:
            return (name,) + judging.failing(s, lot, kind, bid.id) + (row,)
    early = lot.failed is not None and lot.failed.data["reason"] in BEFORE_PRICES
    _, lack = judging.reading(s, lot, bid)
    if lack == "no-final-offer":
        own = _without_offer(s, lot, bid)
        if own is not None:
            return own + (row,)
    elif lack is not None and not (early and lack in ("undecided", "price-unconfirmed")):
        return "price-unconfirmed", article(s.notice["procedure"], "price-unconfirmed"), "price-unconfirmed", row
    if bid.id in judging.asked_low(lot) and judging.verdict(s, lot, "low-price", bid.id) is False:
        return ("low-price",) + judging.failing(s, lot, "low-price", bid.id) + (row,)
    if lot.outcome is not None:
        why = next((x for x in lot.outcome["invalid"] if x["id"] == bid.id), None)
        if why is not None:
            return "invalid", why["article"], why["reason"], row
        if row is not None and _stands_for(s, lot, row):
            return "same-brand", None, "same-brand", row
    return (ended or ("ranked", "", "")) + (row,)


def _shut(bid):
    """A bid or offer that was to be opened and was not: by its own cause."""
    cause = bid.failed.data["cause"] if bid.failed is not None else "not-opened"
    return "not-opened", "20 art. 31", cause


def _without_offer(s, lot, bid):
    """By its row in the record of the round; None where the offer stayed shut with the lot's, or without a record."""
    if lot.round is None or lot.round.minutes is None:
        return None
    offer = lot.round.offers.get(bid.id)
    if offer is None:
        return "no-final-offer", article(s.notice["procedure"], "no-final-offer"), "no-final-offer"
    return None if offer.outcome is None else _shut(offer)


def _stands_for(s, lot, row):
    """A better bid of its brand, or the first drawn of equals, stands for this one (87 art. 31)."""
    if row["same_brand_excluded"]:
        return True
    group = next((g for g in lot.outcome["brand_draws"] if row["id"] in g), [])
    drawn = [i for i in lot.drawn.get(("tie", ""), []) if i in group]
    return bool(drawn) and drawn[0] != row["id"]


def candidates(s, lot):
    """The ranking as it stands after the draw, without those who are no candidates."""
    rows = [r for r in lot.outcome["rows"] if not r["same_brand_excluded"] and not r.get("eliminated")]
    drawn = lot.drawn.get(("tie", ""), [])
    rows.sort(key=lambda r: (r["rank"], drawn.index(r["id"]) if r["id"] in drawn else 0))
    if score.same_brand(lot.rules):
        seen, kept = set(), []
        for r in rows:
            brand = _brand(s, r["id"])
            if brand is None or brand not in seen:
                kept.append(r)
            seen.add(brand)
        rows = kept
    out = []
    if lot.outcome["procedure_fails"]:
        return out
    for row in rows[:places(s, lot)]:
        bid = s.bids[row["id"]]
        out.append({"bidder": bid.bidder, "name": bid.name, "order": len(out) + 1, "price": row["price"], "seal": bid.id,
                    "total": row["total"]})
    return out


@on("report")
def report(s, r):
    d = r.data
    s.at_stage("evaluation")
    s.by(r, s.notice["agency"]["cert"])
    lot = s.lot(d["lot"])
    need(lot.rank is not None and lot.report is None, "record.wrong-stage", "report before rank, or twice")
    need(not tie_rows(s, lot) or ("tie", "") in lot.drawn or lot.outcome["procedure_fails"], "tie.open", lot.id)
    made = {
        "bidders": [], "candidates": candidates(s, lot), "committee": s.experts(), "lot": lot.id, "media": d["media"],
        "method": lot.rules["method"], "minutes": s.minutes.commitment, "place": d["place"],
        "procedure": s.notice["procedure"], "questions": list(lot.questions), "rank": lot.rank.commitment,
        "remarks": d["remarks"], "replaced": [x["cert"] for x in s.replaced]}
    need(isinstance(d["bidders"], list) and isinstance(d["media"], list)
         and all(isinstance(m, str) for m in d["media"]), "record.data", "bidders, media")
    given = {x.get("seal"): x for x in d["bidders"] if isinstance(x, dict)}
    for bid in s.live(lot.id):
        made["bidders"].append(_told(s, lot, bid, given.get(bid.id, {})))
    if made != d:
        raise Bad("result.differs", "; ".join(_differences(d, made))[:400], "V14")
    lot.report, lot.report_list = r, made["candidates"]


def _told(s, lot, bid, given):
    name, art, reason, _ = fate(s, lot, bid)
    if art is None or reason is None:
        s.unchecked.append(f"lot {lot.id}: article or reason of a bid that is {name}")
    return {"article": given.get("article") if art is None else art, "bidder": bid.bidder, "fate": name, "name": bid.name,
            "reason": given.get("reason") if reason is None else reason, "seal": bid.id}


@on("report.sign")
def report_sign(s, r):
    s.at_stage("evaluation")
    if s.procedure.seats:
        drawing.member(s, r)
    else:
        s.by(r, s.notice["buyer"]["cert"], s.notice["agency"]["cert"])
    lot = next((x for x in s.lots.values() if x.report is not None and x.report.commitment == r.data["report"]), None)
    need(lot is not None, "result.differs", "another report", "V14")
    need(r.actor not in lot.signed and lot.award is None, "record.wrong-stage", "signed already")
    lot.signed[r.actor] = r


def _may_award(s, r, lot):
    s.by(r, s.notice["buyer"]["cert"])
    need(lot.award is None and lot.failed is None, "record.wrong-stage", "awarded already")
    need(lot.report is not None, "report.unsigned", lot.id)
    signed = sum(not s.procedure.seats or a in s.experts() for a in lot.signed)
    least = len(s.seats) // 2 + 1 if s.procedure.seats else 1
    need(signed >= least, "report.unsigned", f"{signed} of {least}")
    need(not lot.outcome["procedure_fails"], "award.unranked", "the procedure fails")


@on("award")
def award(s, r):
    d = r.data
    s.at_stage("evaluation")
    need(not s.procedure.award_list, "record.wrong-stage", "a framework agreement has a list")
    lot = s.lot(d["lot"])
    _may_award(s, r, lot)
    first = lot.report_list[0] if lot.report_list else None
    need(first is not None and d["seal"] == first["seal"], "award.unranked", "not the first candidate")
    made = {"bidder": first["bidder"], "lot": lot.id, "name": first["name"], "price": first["price"], "seal": first["seal"]}
    need(d == made, "result.differs", "award", "V14")
    lot.award, lot.winners = r, {first["seal"]}


@on("framework.list")
def framework_list(s, r):
    s.at_stage("evaluation")
    need(s.procedure.award_list, "record.wrong-stage", "not a framework agreement")
    lot = s.lot(r.data["lot"])
    _may_award(s, r, lot)
    need(r.data["suppliers"] == lot.report_list, "result.differs", "suppliers", "V14")
    lot.award, lot.winners = r, {x["seal"] for x in lot.report_list}


@on("letter")
def letter(s, r):
    d = r.data
    s.at_stage("evaluation")
    s.by(r, s.notice["agency"]["cert"])
    lot = s.lot(d["lot"])
    need(lot.award is not None or lot.failed is not None, "record.wrong-stage", "letters follow the end of a lot")
    bid = s.bid(d["seal"], lot.id)
    need(bid.live and bid.first is None and bid.id not in lot.winners, "bid.unknown", "no letter is due")
    need(bid.id not in lot.letters, "record.wrong-stage", "a second letter")
    name, art, reason, row = fate(s, lot, bid)
    if art is None or reason is None:
        s.unchecked.append(f"lot {lot.id}: article or reason of a letter to a bid that is {name}")
    made = {"article": d["article"] if art is None else art, "bidder": bid.bidder, "fate": name, "lot": lot.id,
            "rank": row["rank"] if row else 0, "reason": d["reason"] if reason is None else reason, "seal": bid.id,
            "total": row["total"] if row else ""}
    need(d == made and isinstance(d["rank"], int), "result.differs", "letter", "V14")
    lot.letters[bid.id] = r


@on("lot.fail")
def lot_fail(s, r):
    d = r.data
    s.at_stage("evaluation")
    s.by(r, s.notice["agency"]["cert"])
    lot = s.lot(d["lot"])
    need(lot.failed is None and lot.award is None, "record.wrong-stage", "at its end already")
    why = failing(s, lot)
    need(why is not None and d["reason"] == why, "result.differs", f"recomputed {why}", "V14")
    need(d["article"] == article(s.notice["procedure"], why), "result.differs", "article", "V14")
    if why not in BEFORE_PRICES:
        judging.put_to_bidders(s, lot, r.at)
    lot.failed = r


def failing(s, lot):
    """Why a lot goes no further, or None."""
    least = s.notice["bidders_min"]
    if len(s.live(lot.id)) < least:
        return "too-few-bids"
    if len(judging.opened(s, lot)) < least:
        return "too-few-opened"
    if not judging.spoken(s, lot, "qualification"):
        return None
    if len(judging.qualified(s, lot)) < least:
        return "too-few-qualified"
    if not judging.spoken(s, lot, "conformity"):
        return None
    if judging.bidders(lot, judging.conforming(s, lot)) < least:
        return "too-few-conforming"
    if lot.rules["method"] == "single-source" and len(judging.conforming(s, lot)) > 1:
        return "more-than-one-supplier"
    if s.procedure.final:
        if lot.round is None or lot.round.minutes is None:
            return None
        if sum(offer.opened is not None for offer in lot.round.offers.values()) < least:
            return "too-few-offers"
    if lot.outcome is not None:
        few = lot.outcome["procedure_fails"] or lot.outcome["effective_bidders"] < least
        return "too-few-effective" if few else None
    try:
        judging.settled_prices(s, lot)
    except Bad:
        return None
    return "too-few-left" if judging.bidders(lot, judging.left_with_price(s, lot)) < least else None


@on("archive.close")
def archive(s, r):
    s.by(r, s.host)
    need(s.closed, "record.wrong-stage", "submission is not closed", "V4")
    if not s.cancelled:
        need(s.minutes is not None, "record.wrong-stage", "no opening record", "V4")
        for lot in s.lots.values():
            need(lot.award is not None or lot.failed is not None, "record.wrong-stage",
                 f"lot {lot.id} is neither awarded nor failed", "V4")
    s.stage = "archived"
