"""What a notice says besides (spec/notice.md, `particulars`): read, bounded, and never needed; and the ids of its lots."""
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


class Lots(unittest.TestCase):
    def faults(self, *ids):
        return len(list(setup._lots({"lots": [{"id": one} for one in ids]})))

    def test_an_id_names_a_folder(self):
        self.assertEqual(self.faults("1", "lot-2", "A_b-3", "final", "1-finals", "1-Final", "x" * 32), 0)
        for wrong in ("", "x" * 33, "1/2", ".", "..", "a b", "一", "1\n", "１"):
            self.assertEqual(self.faults("1", wrong), 1, wrong)

    def test_none_is_the_folder_of_another_s_final_offers(self):
        for wrong in ("1-final", "2-final", "-final", "1-final-final"):
            self.assertEqual(self.faults("1", wrong), 1, wrong)

    def test_each_stands_once_and_there_is_one(self):
        self.assertEqual(self.faults("1", "1"), 1)
        self.assertEqual(self.faults(), 1)
        self.assertEqual(self.faults(*map(str, range(65))), 1)


if __name__ == "__main__":
    unittest.main()
