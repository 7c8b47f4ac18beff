"""Amounts in words that are none, or could mean two (spec/amount.md): nobody's price hangs on a second reading."""
import unittest

import common  # noqa: F401  finds the verifier
from mifeng import amount

NONE = ["", " ", "拾元整", "壹仟伍佰陆", "壹零元整", "100元整", "元整", "壹亿伍仟元整", "壹万亿元整", "壹元零整", "零零元整", "壹元整整",
        "壹角零贰分", "叁仟零元零角零分分", "壹元零角零角", "壹元零分", "人民币", "人民币人民币壹元整", "大写壹元整", "玖拾伍万零元整", "x", "￥880000",
        "伍元零角贰分零", "壹元\t整", "壹元整" + " " * 126, "壹元整" + " " * 125 + "万"]
READ = {"壹佰贰拾捌万伍仟": 128_500_000, "壹佰元": 10_000, "壹佰伍元整": 10_500, "壹佰〇伍元整": 10_500, "壹万零伍仟元整": 1_500_000, "壹元零伍角": 150, "伍元零角零分": 500,
        "伍元零角贰分": 502, "伍元贰角零分": 520, "壹亿零伍仟元整": 10_000_500_000, "零元整": 0, "壹分": 1, "伍角整": 50, "人民币（大写）：五元整": 500,
        "肆佰柒拾万零伍仟": 470_500_000, "壹元整" + " " * 125: 100, "玖拾伍万元　整": 95_000_000}


class Amounts(unittest.TestCase):
    def test_no_amount(self):
        for text in NONE:
            self.assertIsNone(amount.words(text), text)

    def test_one_amount(self):
        for text, fen in READ.items():
            self.assertEqual(amount.words(text), fen, text)

    def test_digits_are_bounded(self):
        self.assertEqual(amount.fen("1000000000000000.00"), 10**17)
        self.assertIsNone(amount.fen("1000000000000000.01"))

    def test_a_price_without_words_cannot_be_read(self):
        self.assertEqual(amount.correct("950000.00", "x", []).readings, [])
        self.assertEqual(amount.correct("950000.00", "玖拾伍万元整", []).readings, ["950000.00"])


if __name__ == "__main__":
    unittest.main()
