"""What a record must look like before any rule reads it (spec/record.md), and in whose column it fails (spec/verify.md)."""
import unittest
from types import SimpleNamespace

import common  # noqa: F401  finds the verifier
from mifeng import bids, checks, jcs, opening, record, state  # noqa: F401  checks loads every handler
from mifeng.errors import Bad

BODY = {"actor": "0" * 64, "data": {}, "origin": "o", "salt": "0" * 64, "seq": 0, "time": "2026-01-01T00:00:00Z",
        "type": "opening.ask", "v": 1}
ROW = {"bidder": "b", "lot": "1", "name": "n", "price": "1.00", "seal": "0" * 64, "status": "opened"}


def code(work, *args):
    try:
        work(*args)
    except Bad as bad:
        return bad.code
    return None


def read(**changes):
    return code(record._body, jcs.write(BODY | changes))


class Records(unittest.TestCase):
    def test_form_and_version(self):
        self.assertIsNone(read())
        for changes in ({"v": "1"}, {"v": True}, {"v": None}, {"v": -1}, {"type": 7}, {"type": None}, {"type": []}, {"data": []},
                        {"seq": -1}, {"seq": "0"}):
            self.assertEqual(read(**changes), "record.malformed", changes)
        for v in (0, 2):
            self.assertEqual(read(v=v), "record.version", v)
        self.assertEqual(read(v=2, data=[]), "record.malformed")

    def test_a_type_that_nobody_knows(self):
        for kind in ("", "opening.asks", "tender.x", "bid.x", "board.x", "score"):
            self.assertIsNone(read(type=kind), kind)
            self.assertEqual(state.column(kind), "V14" if kind == "score" else "V4", kind)
        s = state.State.__new__(state.State)
        s.records = {}
        with self.assertRaises(Bad) as refused:
            s.apply(SimpleNamespace(type="opening.asks", index=7))
        self.assertEqual((refused.exception.code, refused.exception.check), ("record.data", "V4"))

    def test_numbers_of_one_actor(self):
        def counted(seq):
            s = SimpleNamespace(origin=None, counts={}, board_counts={})
            return code(state.State._origin_and_count, s, SimpleNamespace(type="opening.ask", actor="a", origin="o", seq=seq))
        self.assertIsNone(counted(9_999))
        self.assertEqual(counted(10_000), "record.replay")

    def test_rows_of_the_opening_record(self):
        for changes in ({}, {"price": None}, {"status": "refused_late"}):
            self.assertIsNone(code(opening._row, ROW | changes), changes)
        self.assertIsNone(code(opening._row, {k: v for k, v in ROW.items() if k != "price"}))
        for changes in ({"price": 1}, {"price": False}, {"name": None}, {"lot": 1}, {"seal": "F" * 64}, {"seal": None},
                        {"status": "open"}, {"status": []}, {"more": 1}):
            self.assertEqual(code(opening._row, ROW | changes), "record.data", changes)
        for row in ({}, [], None, "x"):
            self.assertEqual(code(opening._row, row), "record.data", row)

    def test_bids_without_a_body_are_named_by_digests(self):
        s = SimpleNamespace(bids={})
        for seals in (None, {}, "x", [None], ["x"], [["0" * 64]]):
            self.assertEqual(code(bids._no_body, s, seals, 1), "record.data", seals)
        self.assertIsNone(code(bids._no_body, s, [], None))
        for seals, end in ((["1" * 64], None), (["1" * 64], 1), (["1" * 64, "0" * 64], 1)):
            self.assertEqual(code(bids._no_body, s, seals, end), "result.differs", seals)


if __name__ == "__main__":
    unittest.main()
