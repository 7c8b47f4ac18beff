"""The errors that refuse a set of scoring rules (spec/score.md, rules.md): what the pinned pack makes an error.

Warnings and the checks by words refuse nothing and are left out. A check that the pack lacks is no law there.
"""
from fractions import Fraction

from . import formula
from .errors import Bad
from .score import number, the_formula

KNOWN = {"method", "object", "pack", "price_weight", "fixed_price", "weight_approved", "price_form", "highest_wins", "ceiling",
         "budget", "sme_rate", "sme_joint_rate", "domestic_rate", "green_rate", "sme_bonus_rate", "sme_joint_bonus_rate",
         "bonus_cap", "reserved", "items", "drop_judges", "dp", "tie", "min_bidders", "exception", "low_mean_rate",
         "low_ceiling_rate", "same_brand", "framework", "works", "formula", "drop_price_extremes"}
EXCEPTIONS = {"two-left": ("negotiation",), "research": ("consultation",), "services-two": ("consultation",),
              "emergency": ("negotiation", "consultation", "inquiry", "single-source")}


def errors(rules, pack):
    """The ids of the findings that are errors."""
    try:
        unknown = set(rules) - KNOWN
        if unknown:
            return [f"unknown field {sorted(unknown)[0]}"]
        fields = list(_fields(rules))
        if fields:
            return fields
        return [ident for ident in _find(rules, pack)
                if not pack.has(ident) and ident in ("rules.number", "rules.formula")
                or pack.has(ident) and pack.entries[ident].get("severity") == "error"]
    except (Bad, TypeError, AttributeError, KeyError, ValueError) as e:
        return [f"rules.number: {e}"]


def _of(rules, name):
    return number(rules.get(name) or "0")


def _find(rules, pack):
    yield from _weights(rules, pack)
    yield from _deductions(rules, pack)
    yield from _items(rules)
    yield from _rest(rules, pack)


def _weights(rules, pack):
    method, weight = rules["method"], _of(rules, "price_weight")
    kind = "services" if rules.get("object") == "services" else "goods"
    total = weight + sum((number(i["max"]) for i in rules.get("items") or []), Fraction())
    if not 0 <= weight <= 100:
        yield "rules.price-weight"
    if rules.get("fixed_price") and weight:
        yield "rules.fixed-price"
    if method == "composite" and not rules.get("fixed_price"):
        least = pack.number(f"price-weight.{kind}.least")
        if least is not None and weight < least:
            yield "rules.price-weight-low"
    if method == "consultation" and not rules.get("weight_approved") and not rules.get("fixed_price"):
        least, most = (pack.number(f"consultation-weight.{kind}.{x}") for x in ("least", "most"))
        if least is not None and not least <= weight <= most:
            yield "rules.consultation-weight"
    if method in ("composite", "consultation") and total != 100:
        yield "rules.weights-sum"
    if rules.get("drop_price_extremes"):
        yield "rules.drops-extremes"


def _deductions(rules, pack):
    kind = "works" if rules.get("object") == "works" else "goods"
    sme, domestic = _of(rules, "sme_rate"), _of(rules, "domestic_rate")
    least, most = pack.number(f"sme.{kind}.least"), pack.number(f"sme.{kind}.most")
    if sme and least is not None and not least <= sme <= most:
        yield "rules.sme-rate"
    if rules.get("reserved") and sme:
        yield "rules.reserved-deduction"
    if domestic and rules.get("object") == "works":
        yield "rules.domestic-works"
    elif domestic and pack.has("domestic.rate") and domestic != pack.number("domestic.rate"):
        yield "rules.domestic-rate"
    if min(sme, domestic) < 0 or sme + domestic >= 1:
        yield "rules.deductions"
    if rules.get("highest_wins") and (sme or domestic):
        yield "rules.concession-deduction"
    bonus = _of(rules, "sme_bonus_rate")
    if bonus:
        least, most = pack.number("sme-bonus.least"), pack.number("sme-bonus.most")
        if rules.get("object") != "works" or least is None or not least <= bonus <= most:
            yield "rules.sme-bonus"
        if sme:
            yield "rules.sme-bonus-twice"
    for name in ("mean", "ceiling"):
        rate = rules.get(f"low_{name}_rate")
        least, most = pack.number(f"low.{name}.least"), pack.number(f"low.{name}.most")
        if rate is not None and least is not None and not least <= number(rate) <= most:
            yield "rules.abnormal-low-rate"


CHOICES = {"object": ("goods", "services", "works"), "tie": ("draw", "quality")}
ITEM = {"bands", "id", "kind", "max", "name", "technical"}


def _fields(rules):
    """Unknown fields and words are refused."""
    for name, known in CHOICES.items():
        if rules.get(name, known[0]) not in known:
            yield f"{name}: {rules[name]!r:.20}"
    for item in rules.get("items") or []:
        if set(item) - ITEM or item.get("kind") not in ("objective", "subjective") or set(item.get("name", {})) - {"en", "zh"}:
            yield f"item {item.get('id')!r:.20}"
    if set(rules.get("framework") or {}) - {"stage", "laboratory", "eliminate"}:
        yield "framework"
    if set(rules.get("drop_judges") or {}) - {"hi", "lo", "min"}:
        yield "drop_judges"


def _items(rules):
    seen = set()
    for item in rules.get("items") or []:
        top = number(item["max"])
        if top <= 0:
            yield "rules.item-max"
        if not item["id"] or item["id"] in seen or len(item["id"].encode()) > 64:
            yield "rules.item-id"
        seen.add(item["id"])
        for lo, hi in item.get("bands") or []:
            if not 0 <= number(lo) <= number(hi) <= top:
                yield "rules.item-band"
    drop = rules.get("drop_judges")
    if drop and drop["hi"] + drop["lo"] >= drop["min"]:
        yield "rules.drop-judges-all"


def _rest(rules, pack):
    method = rules["method"]
    works = rules.get("works") is not None
    if (method == "works-deviation") != (works or rules.get("formula") is not None) or (works and rules.get("formula") is not None):
        yield "rules.works"
    elif method == "works-deviation":
        try:
            formula.lines(the_formula(rules, pack)["text"])
        except Bad:
            yield "rules.formula"
    if (method == "framework") != (rules.get("framework") is not None):
        yield "rules.framework"
    eliminate = (rules.get("framework") or {}).get("eliminate")
    if eliminate is not None and number(eliminate) < pack.number("framework.eliminate"):
        yield "rules.framework-eliminate"
    least = pack.number("bidders.least")
    exception = rules.get("exception")
    if exception:
        if method not in EXCEPTIONS.get(exception, ()):
            yield "rules.exception"
        least = pack.number("bidders.least." + exception) or least
    if method not in ("single-source", "framework") and (rules.get("min_bidders") or 3) < (least or 0):
        yield "rules.min-bidders"
    ceiling, budget = rules.get("ceiling"), rules.get("budget")
    if any(x is not None and number(x) == 0 for x in (ceiling, budget)):
        yield "rules.ceiling-zero"
    if ceiling is not None and budget is not None and number(ceiling) > number(budget) and not rules.get("highest_wins"):
        yield "rules.ceiling-over-budget"
