"""Unified social credit codes (spec/uscc.md), as far as a verifier needs them: the check character."""
import re

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def valid(code):
    if len(code) != 18 or any(c not in ALPHABET for c in code):
        return False
    total = sum(ALPHABET.index(c) * w for c, w in zip(code, WEIGHTS))
    return ALPHABET[(31 - total % 31) % 31] == code[17]


def alone(text):
    """Valid codes that stand alone between characters other than ASCII letters and digits."""
    return [run for run in re.findall(r"[0-9A-Za-z]+", text) if valid(run)]


def after(text, mark):
    """The 18 characters after the first occurrence of `mark` (spec/trust.md, place)."""
    at = text.find(mark)
    code = text[at + len(mark):][:18] if at >= 0 else ""
    return [code] if valid(code) else []
