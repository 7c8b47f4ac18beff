"""What a notice says besides (spec/notice.md, `particulars`): read, bounded, and never needed."""
import unittest

import common  # noqa: F401

from mifeng import setup


def one(zh="联系方式", text="0000", en=""):
    return {"name": {"zh": zh, "en": en}, "text": {"zh": text, "en": en}}


def faults(*particulars):
    return list(setup._particulars({"particulars": list(particulars)}))


class Particulars(unittest.TestCase):
    def test_a_notice_needs_none(self):
        self.assertEqual(list(setup._particulars({})), [])

    def test_up_to_the_bounds(self):
        # Bytes are counted, not characters: three for each of these.
        long = "字" * (8_192 // 3)
        self.assertEqual(faults(*[one(text=long)] * 64), [])
        self.assertEqual(len(faults(*[one()] * 65)), 1)
        self.assertEqual(len(faults(one(text=long + "字"))), 1)
        self.assertEqual(len(faults(one(en="x" * 8_193))), 1)

    def test_chinese_governs(self):
        self.assertEqual(len(faults(one(zh=""))), 1)
        self.assertEqual(len(faults(one(text=""))), 1)


if __name__ == "__main__":
    unittest.main()
