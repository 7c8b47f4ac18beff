"""Amounts in digits and Chinese numerals (spec/amount.md) and the fixed order of correction (spec/score.md)."""
import itertools
import re
from fractions import Fraction
from functools import lru_cache

NUMERALS = "零壹贰叁肆伍陆柒捌玖"
DIGITS = {c: i for i, c in enumerate(NUMERALS)}
DIGITS.update({"貳": 2, "陸": 6})
LOOSE = {c: i for i, c in enumerate("〇一二三四五六七八九")}
LOOSE.update({"參": 3, "叄": 3, "弍": 2})
LOOSE_UNITS = {"十": "拾", "百": "佰", "千": "仟"}
SAME = {"億": "亿", "萬": "万", "圓": "元", "圆": "元", "正": "整"}
MAX_FEN = 10**17  # 10^15 yuan
SIZE = {"拾": 10, "佰": 100, "仟": 1000}


def fen(text):
    """Digits with at most two decimals as whole fen; None otherwise."""
    if not re.match(r"(0|[1-9]\d{0,15})(\.\d{1,2})?\Z", text or ""):
        return None
    yuan, _, cents = text.partition(".")
    value = int(yuan) * 100 + int((cents or "0").ljust(2, "0"))
    return value if value <= MAX_FEN else None


def yuan(value):
    return f"{value // 100}.{value % 100:02d}"


def words(text):
    """Fen that the words mean, or None where they mean no amount or could mean two."""
    text = _signs(text or "")
    if not 1 <= len(text) <= 64:
        return None
    if "元" in text:
        whole, _, rest = text.partition("元")
        total, cents = _integer(whole), _fraction(rest)
    elif "角" in text or "分" in text:
        total, cents = 0, _small(text)
    else:
        # The last sign is a unit, else it could be another amount.
        text = text[:-1] if text.endswith("整") else text
        total, cents = (_integer(text) if text[-1:] in tuple("拾佰仟万亿") else None), 0
    if total is None or cents is None:
        return None
    return total * 100 + cents if total or cents or text[0] == "零" else None


def _signs(text):
    """In their usual form, without what may stand before them."""
    if text.startswith("人民币"):
        text = text[3:]
    for more in ("（大写）", "(大写)", "：", ":"):
        text = text[len(more):] if text.startswith(more) else text
    if len(text) > 128:
        return ""
    text = "".join(c for c in text if c not in " \u3000")
    text = "".join(SAME.get(c, LOOSE_UNITS.get(c, c)) for c in text)
    return "".join(NUMERALS[LOOSE[c]] if c in LOOSE else c for c in text)


def _fraction(text):
    """After 元; an empty place that is said all the same has one meaning."""
    if text in ("", "整", "零角零分", "零角整", "零角"):
        return 0
    said = re.match(r"零角(.)分\Z", text) or re.match(r"(.)角零分\Z", text)
    if said:
        place = 1 if text.startswith("零") else 10
        return place * DIGITS[said[1]] if DIGITS.get(said[1]) else None
    return _small(text[1:] if text.startswith("零") else text)


def _small(text):
    """角 and 分; 整 or nothing after 角, nothing after 分."""
    found = re.match(r"(?:(.)角整?|(.)角(.)分|(.)分)\Z", text)
    if not found or not all(DIGITS.get(c) for c in found.groups() if c is not None):
        return None
    jiao, fen_ = found[1] or found[2], found[3] or found[4]
    return 10 * DIGITS.get(jiao, 0) + DIGITS.get(fen_, 0)


NOTHING, SKIPPED, SECTION = range(3)


def _integer(text):
    """Before 元: sections of four places at 亿, 万 and 元."""
    if text == "零":
        return 0
    total, before = 0, NOTHING
    for unit, size in (("亿", 10**8), ("万", 10**4), ("", 1)):
        part = ""
        if not unit:
            part = text
        elif unit in text:
            part, _, text = text.partition(unit)
            if not part:
                return None
        if part:
            value = _section(part, before)
            if value is None:
                return None
            total, before = total + value * size, SECTION
        elif before != NOTHING:
            before = SKIPPED
    return total if 0 < total < 10**12 else None


def _section(text, before):
    """Up to four places; 零 stands before a digit, once, and where nothing stands before it not at the beginning."""
    value, last, zero, at = 0, 10_000, False, 0
    while at < len(text):
        if text[at] == "零":
            if zero or at + 1 == len(text) or at == 0 and before == NOTHING:
                return None
            zero, at = True, at + 1
            continue
        digit, size = DIGITS.get(text[at]), SIZE.get(text[at + 1:at + 2])
        step = size or 1
        if not digit or step >= last:
            return None
        # 壹亿伍仟 is said for 壹亿伍仟万 as well.
        if value == 0 and before == SKIPPED and not zero:
            return None
        value, last, zero, at = value + digit * step, step, False, at + (2 if size else 1)
    return value or None


class Correction:
    def __init__(self, readings, confirm, steps):
        self.readings, self.confirm, self.steps = readings, confirm, steps


def correct(price, price_cn, detail):
    return _correct(price, price_cn, tuple((d["quantity"], d["unit_price"]) for d in detail))


@lru_cache(maxsize=65536)
def _correct(price, price_cn, lines):
    """spec/score.md, Correction: words over digits, one slipped point, else the sum of the lines. Without words that are an
    amount nobody can say what the price is (spec/evaluation.md, Prices)."""
    digits, said = fen(price), words(price_cn)
    if digits is None or said is None:
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
