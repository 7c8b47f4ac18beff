"""Amounts in digits and Chinese numerals (spec/amount.md) and the fixed order of correction (spec/score.md)."""
import itertools
import re
from fractions import Fraction
from functools import lru_cache

DIGITS = {c: i for i, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
DIGITS.update({"貳": 2, "陸": 6})
LOOSE = {c: i for i, c in enumerate("〇一二三四五六七八九")}
LOOSE.update({"參": 3, "叄": 3, "弍": 2})
LOOSE_UNITS = {"十": "拾", "百": "佰", "千": "仟"}
SAME = {"億": "亿", "萬": "万", "圓": "元", "圆": "元", "正": "整"}
SIZE = {"拾": 10, "佰": 100, "仟": 1000}


def fen(text):
    """Digits with at most two decimals as whole fen; None otherwise."""
    if not re.match(r"(0|[1-9]\d{0,15})(\.\d{1,2})?\Z", text or ""):
        return None
    yuan, _, cents = text.partition(".")
    return int(yuan) * 100 + int((cents or "0").ljust(2, "0"))


def yuan(value):
    return f"{value // 100}.{value % 100:02d}"


def words(text):
    """Fen that the words mean, or None where they mean no amount or could mean two."""
    text = re.sub(r"^人民币[（(]?(大写)?[）)]?[：:]?", "", re.sub(r"\s", "", text or ""))
    text = "".join(SAME.get(c, LOOSE_UNITS.get(c, c)) for c in text)
    text = "".join("零壹贰叁肆伍陆柒捌玖"[LOOSE[c]] if c in LOOSE else c for c in text)
    if not text or len(text) > 64:
        return None
    if text.endswith("整"):
        text = text[:-1]
        if text.endswith("分"):
            return None
    found = re.match(r"(?:([^元角分]*)元)?([^元]*)\Z", text)
    if not found:
        return None
    whole, rest = found[1], found[2]
    if whole is None and not re.search(r"[角分]", rest):
        whole, rest = rest, ""
        if not re.search(r"[拾佰仟万亿]\Z", whole):  # the last sign is a unit, else it could be another amount
            return None
    total = 0
    if whole is not None:
        total = _integer(whole)
        if total is None:
            return None
    small = re.match(r"零?(?:([零壹贰叁肆伍陆柒捌玖貳陸])角)?零?(?:([零壹贰叁肆伍陆柒捌玖貳陸])分)?\Z", rest)
    if not small:
        return None
    return total * 100 + 10 * DIGITS.get(small[1], 0) + DIGITS.get(small[2], 0) if total < 10**12 else None


def _integer(text):
    if text == "零":
        return 0
    if not text:
        return None
    if re.search(r"亿[^零]*仟", text) and not re.search(r"亿零", text) and re.match(r".*亿.仟", text) and "万" not in text:
        return None
    total = 0
    for unit, size in (("亿", 10**8), ("万", 10**4), ("", 1)):
        if unit and unit in text:
            part, _, text = text.partition(unit)
        elif unit:
            continue
        else:
            part = text
        if unit and not part.strip("零"):
            return None
        value = _section(part)
        if value is None:
            return None
        total += value * size
    return total


def _section(text):
    total, last, pending = 0, 10_000, None
    for c in text:
        if c in SIZE:
            if SIZE[c] >= last or pending is None or pending == 0:
                return None
            total += pending * SIZE[c]
            last, pending = SIZE[c], None
        elif c in DIGITS:
            if pending not in (None, 0):
                return None
            pending = DIGITS[c]
        else:
            return None
    if pending:
        if last <= 1:
            return None
        total += pending
    return total


class Correction:
    def __init__(self, readings, confirm, steps):
        self.readings, self.confirm, self.steps = readings, confirm, steps


def correct(price, price_cn, detail):
    return _correct(price, price_cn, tuple((d["quantity"], d["unit_price"]) for d in detail))


@lru_cache(maxsize=65536)
def _correct(price, price_cn, lines):
    """spec/score.md, Correction: words over digits, one slipped point, else the sum of the lines."""
    digits, said = fen(price), words(price_cn)
    if digits is None:
        return Correction([], False, [])
    return correct_fen(digits, said, lines)


def correct_fen(digits, said, lines):
    steps, value = [], digits
    if said is not None and said != digits:
        value, steps = said, ["words"]
    if not lines:
        return Correction([yuan(value)], value != digits, steps)
    if not all(re.match(r"\d{1,20}(\.\d{1,20})?\Z", x) for line in lines for x in line):
        return Correction([], False, steps)
    cost = [Fraction(q) * Fraction(u) * 100 for q, u in lines]
    total = _round(sum(cost, Fraction()))
    if total == value:
        return Correction([yuan(value)], value != digits, steps)
    slips = _slips(lines, cost, value)
    if len(slips) == 1 and len(slips[0]) == 1:
        return Correction([yuan(value)], True, steps + ["point"])
    if slips:
        return Correction(sorted({yuan(value), yuan(total)}), True, steps + ["ambiguous"])
    return Correction([yuan(total)], True, steps + ["sum"])


def _round(value):
    return int(value + Fraction(1, 2)) if value >= 0 else -int(-value + Fraction(1, 2))


def _slips(lines, cost, value):
    """Sets of lines whose points, moved by one to three places, make the list agree with the total."""
    shifts = [Fraction(10) ** k for k in (-3, -2, -1, 1, 2, 3)]
    sizes = range(1, len(lines) + 1) if len(lines) <= 8 else (1, 2)
    whole, out = sum(cost, Fraction()), []
    for size in sizes:
        for chosen in itertools.combinations(range(len(lines)), size):
            rest = whole - sum(cost[i] for i in chosen)
            if any(_round(rest + sum(cost[i] * f for i, f in zip(chosen, fs))) == value
                   for fs in itertools.product(shifts, repeat=size)):
                out.append(chosen)
                if len(out) > 1:
                    return out
    return out
