"""Texts that are what they look like (spec/events.md, Questions at the opening), and prices that are left before the sheets."""
import unittest
from types import SimpleNamespace
from unittest import mock

import common  # noqa: F401  finds the verifier
from mifeng import asked, jcs, judging
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
