"""Rules, prices and sheets into a ranking, exactly (spec/score.md). All numbers are fractions, money is decimal text."""
import re
from fractions import Fraction
from functools import lru_cache

from . import formula
from .errors import Bad, need

NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d{1,12})?\Z")
POINTS = {"composite": "step.price-points", "consultation": "step.price-points.consultation",
          "works-deviation": "step.price-points.works"}
ORDER = {"works-deviation": "works"}


@lru_cache(maxsize=65536)
def number(text):
    if isinstance(text, str) and re.match(r"\d+/[1-9]\d*\Z", text):
        return Fraction(text)
    need(isinstance(text, str) and NUMBER.match(text), "score.number", f"not a decimal: {text!r:.30}")
    return Fraction(text)


def rounded(value, dp):
    """Half away from zero."""
    scale = 10**dp
    n = abs(value) * scale
    whole = (2 * n.numerator + n.denominator) // (2 * n.denominator)
    return Fraction(whole if value >= 0 else -whole, scale)


def fixed(value, dp):
    scaled = value * 10**dp
    need(scaled.denominator == 1, "score.number", "not rounded")
    sign, n = ("-" if scaled < 0 else ""), abs(scaled.numerator)
    return f"{sign}{n // 10**dp}.{n % 10**dp:0{dp}d}" if dp else f"{sign}{n}"


def plain(value):
    """Shortest decimal text, or a fraction where decimals cannot say it."""
    d, k = value.denominator, 0
    while d % 2 == 0 or d % 5 == 0:
        if d % 10 == 0:
            d //= 10
        elif d % 2 == 0:
            d //= 2
        else:
            d //= 5
        k += 1
    if d != 1:
        return f"{value.numerator}/{value.denominator}"
    text = fixed(value, k)
    return text.rstrip("0").rstrip(".") if "." in text else text


def same_brand(rules):
    if rules["method"] == "works-deviation":
        return False
    given = rules.get("same_brand")
    return rules["method"] in ("composite", "lowest") if given is None else given


def in_band(item, text):
    try:
        value = number(text)
    except Bad:
        return False
    bands = item.get("bands") or []
    if bands:
        return any(number(lo) <= value <= number(hi) for lo, hi in bands)
    return 0 <= value <= number(item["max"])


def ceiling_of(rules):
    text = rules.get("ceiling") or rules.get("budget")
    return None if text is None else number(text)


def invalid(rules, pack, facts):
    """id → [reason] of the bids that the rules make invalid."""
    out, top = {}, ceiling_of(rules)
    for f in facts:
        price, reasons = number(f["price"]), []
        if price == 0:
            reasons.append("price-zero")
        if top is not None:
            if rules.get("highest_wins"):
                if price < top:
                    reasons.append("price-below-least")
            else:
                if rules.get("ceiling") is not None and price > number(rules["ceiling"]):
                    reasons.append("price-over-ceiling")
                elif rules.get("budget") is not None and price > number(rules["budget"]):
                    reasons.append("price-over-budget")
        if rules.get("reserved") and not f["sme"]:
            reasons.append("not-small-in-reserved")
        if not reasons and f.get("review") == "not-shown":
            reasons.append("abnormally-low")
        if reasons:
            out[f["id"]] = reasons
    return out


def watched(rules, pack, facts):
    """Facts of the bids that count for the triggers: valid but for the review itself."""
    bad = invalid(rules, pack, [dict(f, review=None) for f in facts])
    return [f for f in facts if f["id"] not in bad]


def abnormal_low(rules, pack, prices):
    """id → triggers in the order mean, second, ceiling; strictly below."""
    if not pack.has("step.abnormal-low") or not prices or rules.get("highest_wins"):
        return {}
    mean_rate = _rate(rules, "low_mean_rate", pack.number("low.mean.least"))
    ceiling_rate = _rate(rules, "low_ceiling_rate", pack.number("low.ceiling.least"))
    top, values = ceiling_of(rules), sorted(prices.values())
    mean = sum(values, Fraction()) / len(values)
    out = {}
    for ident, price in sorted(prices.items()):
        found = []
        if mean_rate is not None and price < mean_rate * mean:
            found.append("mean")
        if (mean_rate is not None and len(values) > 1 and price == values[0] and price < mean_rate * values[1]):
            found.append("second")
        if ceiling_rate is not None and top is not None and price < ceiling_rate * top:
            found.append("ceiling")
        if found:
            out[ident] = found
    return out


def _rate(rules, name, default):
    return number(rules[name]) if rules.get(name) is not None else default


def the_formula(rules, pack):
    if rules.get("works") is not None:
        return formula.of_works(rules["works"], pack)
    return formula.resolve(rules.get("formula"), pack)


def drawn_names(rules, pack):
    """Names of the coefficients that a lot draws before its sheets, in order."""
    if rules["method"] != "works-deviation":
        return []
    return sorted(the_formula(rules, pack)["drawn"])


def evaluated(rules, facts):
    """(id → price, names of the deductions that some bid has): each on the original price; domestic only where domestic
    and other products compete."""
    competes = len({f["domestic"] for f in facts}) == 2
    sme, domestic = number(rules.get("sme_rate") or "0"), number(rules.get("domestic_rate") or "0")
    if rules["method"] == "single-source":
        sme = domestic = Fraction()  # there is nobody to be preferred to
    out, used = {}, set()
    for f in facts:
        price, cut = number(f["price"]), Fraction()
        if f["sme"] and sme:
            cut += sme
            used.add("sme")
        if f["domestic"] and competes and domestic:
            cut += domestic
            used.add("domestic")
        out[f["id"]] = price - price * cut
    return out, used


def technical(rules):
    """Ids of the items that decide between equals in consultation."""
    return {i["id"] for i in rules.get("items") or [] if i.get("technical")}


def quality(rules, sheets, ident, only=None, drops=True):
    """Mean over judges of the sum of items; the extremes dropped where the rules say so."""
    dp = rules.get("dp", 2)
    totals = sorted(sum((number(v) for k, v in sheet[ident].items() if only is None or k in only), Fraction()) for sheet in sheets)
    drop = rules.get("drop_judges")
    if drops and drop and len(totals) >= drop["min"]:
        totals = totals[drop["lo"]:len(totals) - drop["hi"]]
    need(totals, "score.invalid", "no judges are left")
    return rounded(sum(totals, Fraction()) / len(totals), dp)


def outcome(rules, pack, facts, sheets, drawn=None):
    """The ranking as `rank` carries it. facts: see judging.facts."""
    method, dp = rules["method"], rules.get("dp", 2)
    bad, low = invalid(rules, pack, facts), watched(rules, pack, facts)
    valid = [f for f in facts if f["id"] not in bad]
    need(method != "single-source" or len(facts) <= 1, "score.too-many", "suppliers of a single source")
    ev, used = evaluated(rules, valid)
    rows = {f["id"]: {"id": f["id"], "fact": f, "price": number(f["price"]), "ev": ev[f["id"]], "pp": Fraction(),
                      "q": Fraction(), "total": Fraction()} for f in valid}
    benchmark = None
    scored = method in POINTS
    if scored and valid:
        benchmark = _price_points(rules, pack, rows, drawn, dp)
    framework_quality = method == "framework" and (rules.get("framework") or {}).get("stage") == "quality-first"
    if (scored or framework_quality) and (rules.get("items") or []):
        for ident, row in rows.items():
            row["q"] = quality(rules, sheets, ident)
            if method == "consultation" and technical(rules):
                row["tech"] = quality(rules, sheets, ident, technical(rules), False)
    for row in rows.values():
        row["total"] = row["pp"] + row["q"]
    order = _order(rules, rows)
    excluded, draws, effective = _brands(rules, rows, order)
    ranked = _ranks(rules, rows, order, excluded)
    eliminated, boundary = _eliminate(rules, pack, ranked, rows, excluded, effective)
    least = {"single-source": 1, "framework": 2}.get(method, rules.get("min_bidders") or 3)
    first = boundary if method == "framework" else sorted(i for i, r in ranked if r == 1)
    out = {
        "abnormal_low": abnormal_low(rules, pack, {f["id"]: number(f["price"]) for f in low}),
        "brand_draws": draws, "draw_needed": first if len(first) > 1 else [],
        "effective_bidders": effective,
        "invalid": [{"article": (pack.basis("reason." + reason) or {}).get("article", ""), "id": i, "reason": reason}
                    for i in sorted(bad) for reason in sorted(bad[i])],
        "pack": rules["pack"], "procedure_fails": effective < least,
        "rows": [_row(rows[i], rank, i in excluded, i in eliminated, dp) for i, rank in ranked],
    }
    reviewed = {f["id"]: f["review"] for f in low if f.get("review")}
    if reviewed:
        out["reviewed"] = reviewed
    if benchmark is not None:
        out["benchmark"] = benchmark
    if number(rules.get("sme_bonus_rate") or "0") and any(f["sme"] for f in valid):
        used.add("bonus")
    if low:
        used.add("abnormal-low")
    out["basis"] = _basis(rules, pack, scored, bool(out["draw_needed"]), framework_quality, used)
    return out


def _price_points(rules, pack, rows, drawn, dp):
    method = rules["method"]
    if method == "works-deviation":
        return _works(rules, pack, rows, drawn, dp)
    weight = number(rules.get("price_weight") or "0")
    values = [r["ev"] for r in rows.values()]
    best = max(values) if rules.get("highest_wins") else min(values)
    for r in rows.values():
        ratio = r["ev"] / best if rules.get("highest_wins") else best / r["ev"]
        r["pp"] = rounded(ratio * weight, dp)
    return None


def _works(rules, pack, rows, drawn, dp):
    f = the_formula(rules, pack)
    prices = sorted((r["ev"], i) for i, r in rows.items())
    lot, each = formula.compute(f, {i: v for v, i in prices}, ceiling_of(rules), drawn or {})
    bonus, cap = number(rules.get("sme_bonus_rate") or "0"), rules.get("bonus_cap")
    for i, r in rows.items():
        r["pp"] = rounded(each[i]["points"], dp)
        if bonus and r["fact"]["sme"]:
            value = rounded(r["pp"] * (1 + bonus), dp)
            r["pp"] = min(value, number(cap)) if cap is not None else value
    base = lot.get("base")
    return plain(base) if isinstance(base, Fraction) else None


def _order(rules, rows):
    """Key of the order, best first; rows with one key share a rank."""
    method = rules["method"]
    high = -1 if rules.get("highest_wins") else 1
    keys = {}
    for i, r in rows.items():
        if method in ("composite", "works-deviation"):
            keys[i] = (-r["total"], high * r["price"])
        elif method == "consultation":
            keys[i] = (-r["total"], high * r["price"], -r.get("tech", 0))
        elif method == "framework" and (rules.get("framework") or {}).get("stage") == "quality-first":
            keys[i] = (-r["q"], high * r["price"])
        else:
            keys[i] = (high * r["ev"],)
        if rules.get("tie") == "quality" and method not in ("consultation",):
            keys[i] += (-r["q"],)
    return keys


def _brands(rules, rows, keys):
    """(excluded ids, draws within a brand, effective bidders)"""
    if not same_brand(rules):
        return set(), [], len(rows)
    groups = {}
    for i, r in rows.items():
        if r["fact"]["brand"] is not None:
            groups.setdefault(r["fact"]["brand"], []).append(i)
    excluded, draws = set(), []
    for ids in groups.values():
        best = min(keys[i] for i in ids)
        stay = sorted(i for i in ids if keys[i] == best)
        excluded |= {i for i in ids if keys[i] != best}
        if len(stay) > 1:
            draws.append(stay)
    effective = len(groups) + sum(r["fact"]["brand"] is None for r in rows.values())
    return excluded, sorted(draws), effective


def _ranks(rules, rows, keys, excluded):
    """[(id, rank)] by rank, then id; where the lowest price wins excluded bids rank behind all others."""
    behind = rules["method"] not in POINTS
    full = {i: ((i in excluded) if behind else False, keys[i]) for i in rows}
    ranks = {i: 1 + sum(k < full[i] for k in full.values()) for i in rows}
    return sorted(((i, r) for i, r in ranks.items()), key=lambda x: (x[1], x[0]))


def _eliminate(rules, pack, ranked, rows, excluded, effective):
    """Framework agreements, first stage: (eliminated ids, ids to draw among across the boundary)."""
    f = rules.get("framework") or {}
    if rules["method"] != "framework" or f.get("stage") == "second-competition" or not ranked:
        return set(), []
    ident = "framework.eliminate"
    if f.get("laboratory") and f.get("stage") == "quality-first":
        ident += ".laboratory"
    rate = pack.number(ident)
    if f.get("eliminate") is not None:
        rate = max(rate, number(f["eliminate"]))
    live = [(i, r) for i, r in ranked if i not in excluded]
    count = max(1, -(-(rate * len(live)) // 1))
    keep = max(1, len(live) - int(count))  # never the last one
    if not live:
        return set(), []
    last_in, first_out = live[keep - 1][1], live[keep][1] if keep < len(live) else None
    if first_out is not None and last_in == first_out:
        tied = sorted(i for i, r in live if r == last_in)
        return {i for i, r in live if r > last_in}, tied
    return {i for i, _ in live[keep:]}, []


def _row(r, rank, excluded, eliminated, dp):
    out = {"evaluated_price": plain(r["ev"]), "id": r["id"], "price": fixed(r["price"], 2), "price_points": fixed(r["pp"], dp),
           "quality": fixed(r["q"], dp), "rank": rank, "same_brand_excluded": excluded, "total": fixed(r["total"], dp)}
    if eliminated:
        out["eliminated"] = True
    if "tech" in r:
        out["technical"] = fixed(r["tech"], dp)
    return out


def _basis(rules, pack, scored, draws, framework_quality, used):
    """Article, pack and certainty of each part that this outcome has."""
    method = rules["method"]
    wanted = {"price": "step.price", "evaluated": "step.evaluated", "rank": "step.order." + ORDER.get(method, method),
              "effective_bidders": "step.bidders"}
    if (rules.get("framework") or {}).get("stage") == "second-competition":
        wanted["rank"] = "step.order.second-competition"
    wanted.update({name.replace("-", "_"): "step." + name for name in used})
    if scored:
        wanted.update(price_points=POINTS[method], total="step.total")
    if (scored or framework_quality) and rules.get("items"):
        wanted["quality"] = "step.quality"
    if same_brand(rules):
        wanted["same_brand"] = "step.same-brand"
    if draws:
        wanted["draw_needed"] = "step.draw"
    return {k: pack.basis(v) for k, v in wanted.items() if pack.basis(v)}
