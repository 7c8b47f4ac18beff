"""No sheet of any lot is shown before those of all lots that are still scored are closed (spec/evaluation.md, Sheets)."""
import unittest
from types import SimpleNamespace
from unittest import mock

import common  # noqa: F401  finds the verifier
from mifeng import judging
from mifeng.errors import Bad

EXPERTS = ["a", "b", "c"]


def lot(name, committed, **more):
    rules = {"items": [{"id": "spec"}]} if more.pop("scored", True) else {"items": []}
    facts = {"rank": None, "failed": None, "sheets": {}, "rules": rules, **more}
    return SimpleNamespace(id=name, commits={e: "0" * 64 for e in EXPERTS[:committed]}, **facts)


def shown(other, live=3, opened=3):
    """The code with which a sheet of lot 1 is refused; the sheet itself is a wrong one."""
    lots = {"1": lot("1", 3), "2": other}
    made = SimpleNamespace(hex=lambda: "1" * 64)
    s = SimpleNamespace(lots=lots, lot=lots.get, experts=lambda: EXPERTS, at_stage=lambda _: None, notice={"bidders_min": 3},
                        live=lambda _: range(live), suite=SimpleNamespace(tag=lambda *_: made))
    r = SimpleNamespace(actor="aa", data={"lot": "1", "salt": "00", "scores": {}})
    lots["1"].commits["aa"] = "0" * 64
    with mock.patch.object(judging, "member"), mock.patch.object(judging, "opened", lambda *_: range(opened)):
        try:
            judging.sheet(s, r)
        except Bad as bad:
            return bad.code
    return None


class Sheets(unittest.TestCase):
    def test_every_lot_is_closed_first(self):
        for committed in range(3):
            self.assertEqual(shown(lot("2", committed)), "score.not-committed", committed)
        # Then the sheet itself is looked at.
        self.assertEqual(shown(lot("2", 3)), "score.commitment-differs")

    def test_a_lot_whose_sheets_nobody_awaits(self):
        for other in [lot("2", 0, scored=False), lot("2", 0, rank=object()), lot("2", 0, failed=object())]:
            self.assertEqual(shown(other), "score.commitment-differs")
        self.assertEqual(shown(lot("2", 0), live=2, opened=2), "score.commitment-differs")
        self.assertEqual(shown(lot("2", 0), opened=2), "score.commitment-differs")


if __name__ == "__main__":
    unittest.main()
