"""Texts that are what they look like (spec/events.md, Questions at the opening, Amendments), and prices that are left before the
sheets."""
import unittest
from types import SimpleNamespace
from unittest import mock

import common  # noqa: F401  finds the verifier
from mifeng import asked, jcs, judging, setup
from mifeng.errors import Bad

ODD = ["\x1b[2J", "a\tb", "a\r\nb", "a\x7f", "a\x85b", "a\u202eb", "a\u202ab", "a\u2066b", "a\u2069"]
PLAIN = ["问\n答", "a\u2029b", "a\u202fb", "a\u2065b", "a\u206ab", "价格：1,000.00 元"]


def code(work, *args):
    try:
        work(*args)
    except Bad as bad:
        return bad.code
    return None


class Plain(unittest.TestCase):
    def test_signs_that_turn_or_command(self):
        for text in ODD:
            self.assertFalse(jcs.plain(text), ascii(text))
            self.assertEqual(code(asked._words, text, 4_096), "record.data", ascii(text))
        for text in PLAIN:
            self.assertTrue(jcs.plain(text), ascii(text))
            self.assertIsNone(code(asked._words, text, 4_096), ascii(text))


def amended(**changes):
    """The code with which an amendment is refused."""
    agency = "aa" * 32
    s = SimpleNamespace(notice={"agency": {"cert": agency}, "documents": [], "procedure": "open", "rehearsal": True}, amended=[],
                        publish=SimpleNamespace(data={"documents": []}), by=lambda *_: None, at_stage=lambda _: None)
    data = {"affects": False, "documents": [], "reason": "答复询问", "text": "以更正后的为准。"} | changes
    with mock.patch.object(setup, "_before_deadline", lambda *_: True):
        return code(setup.amend, s, SimpleNamespace(data=data, actor=agency))


def named(name):
    return [{"hash": "0" * 64, "name": name, "size": 1}]


class Amended(unittest.TestCase):
    def test_words_and_names(self):
        for text in ODD + ["", " \u3000\n", "x" * 20_001, "字" * 6_667]:
            for changes in ({"text": text}, {"reason": text}, {"documents": named(text)}):
                self.assertEqual(amended(**changes), "record.data", ascii(changes)[:80])
        for text in PLAIN + ["x" * 20_000, "字" * 6_666]:
            self.assertIsNone(amended(text=text, reason=text), ascii(text)[:80])

    def test_a_name_is_one_line(self):
        self.assertEqual(amended(documents=named("a\nb")), "record.data")
        self.assertIsNone(amended(documents=named("招标文件 第三章.pdf")))
        self.assertEqual(amended(documents=named("a.pdf") * 2), "record.data")


class Asked(unittest.TestCase):
    def test_up_to_the_bounds(self):
        for most in (asked.ASK_MAX, asked.TEXT_MAX):
            self.assertIsNone(code(asked._words, "x" * most, most))
            for text in ("x" * (most + 1), "", "\u3000\n", None, 7):
                self.assertEqual(code(asked._words, text, most), "record.data", ascii(text)[:20])
        self.assertEqual((asked.ASK_MAX, asked.TEXT_MAX), (4_096, 20_000))


class Left(unittest.TestCase):
    def test_enough_prices_are_left_before_a_sheet_is_closed(self):
        s = SimpleNamespace(notice={"bidders_min": 3}, procedure=SimpleNamespace(final=False))
        lot = SimpleNamespace(id="1")
        for left, expected in ((2, "evaluation.too-few"), (3, None)):
            with (mock.patch.object(judging, "conforming", lambda *_: [1, 2, 3]), mock.patch.object(judging, "settled_prices"),
                  mock.patch.object(judging, "bidders", lambda _, group: len(group)),
                  mock.patch.object(judging, "left_with_price", lambda *_, n=left: list(range(n)))):
                self.assertEqual(code(judging.settled, s, lot), expected)


if __name__ == "__main__":
    unittest.main()
