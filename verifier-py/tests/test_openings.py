"""Bids that lack shares: when a host may say so, by whose cause, and that what comes later changes nothing (spec/events.md).

The tenders are made here, records that no host of ours would take among them. With MIFENG set to the engine's program it is asked
as well and must say the same.
"""
import os
import tempfile
import unittest

import compare
import world

from mifeng import checks, moment, tar

WINDOW = 60  # seconds
SHORT = {"cause": "board.quorum-short", "status": "withdrawn_other_cause"}
SILENT = {"cause": "bidder.no-release", "status": "revoked_bidder_cause"}


class Openings(unittest.TestCase):
    def told(self, w):
        """The first check that fails and its code, or None and what V9 says."""
        data = w.dossier()
        report = checks.verify(tar.parse(data))
        found = self.first({k: (r["verdict"], r["code"]) for k, r in report.results.items()})
        if os.environ.get("MIFENG"):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "made.tar")
                with open(path, "wb") as f:
                    f.write(data)
                theirs = compare.rust(os.environ["MIFENG"], path)[0]
                self.assertNotIn("error", theirs)
                self.assertEqual(self.first(theirs), found)
        return found if found[0] else (None, report.results["V9"]["saw"])

    def first(self, results):
        failing = compare.failing(results)
        return failing, results[failing][1] if failing else None

    def tender(self, joint=0, silent=()):
        """After the window; the seals in order."""
        w = world.World(joint)
        w.setup()
        w.publish()
        made = w.closed()
        for x in made if joint else ():
            if x.i not in silent:
                w.release(x)
        missing = [x.id for x in made if joint and x.i in silent]
        w.add(w.host, "bidder-window.close", {"missing": missing}, pause=WINDOW)
        return w, made

    def ends(self, w, x, why, after=WINDOW):
        """The bid ends so long after the window."""
        closed = next(s.at for s in w.steps if s.kind == "bidder-window.close")
        w.add(w.host, "bid.fail", dict(why, seal=x.id), at=closed + after * moment.SECOND)

    def end(self, w, statuses):
        w.now += 200 * moment.SECOND
        w.minutes(statuses)
        w.add(w.agency, "tender.cancel", {"reason": "over"})

    def short_of_one(self, after, late):
        """Two shares for all but the first bid, which ends `after` the window; then the third trustee's for `late`."""
        w, made = self.tender()
        w.shares(0, made)
        w.shares(1, made[1:])
        self.ends(w, made[0], SHORT, after)
        late = late(made)
        if late:
            w.shares(2, late)
        for x in made[1:]:
            w.open(x)
        self.end(w, {x: "opened" if x in made[1:] else SHORT["status"] for x in made})
        return self.told(w)

    def test_nobody_is_given_up_early(self):
        self.assertEqual(self.short_of_one(WINDOW, lambda made: [])[0], None)
        early = self.short_of_one(WINDOW - 1, lambda made: [])
        self.assertEqual(early, ("V11", "opening.given-up-early"))

    def test_a_late_share_counts_for_the_others_only(self):
        failing, said = self.short_of_one(WINDOW, lambda made: made)
        self.assertEqual(failing, None)
        self.assertIn("7 shares hold, 1 of them for bids that did not open", said)
        self.assertEqual(self.short_of_one(WINDOW, lambda made: made[:1]), ("V9", "opening.decided"))

    def test_nothing_is_released_when_all_is_decided(self):
        w, made = self.tender()
        for i in (0, 1):
            w.shares(i, made)
        for x in made:
            w.open(x)
        w.shares(2, made)
        self.end(w, {x: "opened" for x in made})
        self.assertEqual(self.told(w), ("V9", "opening.decided"))

    def either(self, why):
        """Bidder or board opens; two bidders are silent and the board is short."""
        w, made = self.tender(1, silent=(0, 1))
        w.shares(0, made)
        statuses = {}
        for x in made:
            if x.i == 2:
                w.open(x)
            else:
                self.ends(w, x, why)
            statuses[x] = "opened" if x.i == 2 else why["status"]
        self.end(w, statuses)
        return self.told(w)

    def test_the_boards_shortage_is_not_the_bidders(self):
        self.assertEqual(self.either(SHORT)[0], None)
        self.assertEqual(self.either(SILENT), ("V11", "result.differs"))

    def test_silence_is_no_fault_where_the_board_opens_alone(self):
        for status, failing in (("opened", None), ("remedied", "V12")):
            w, made = self.tender(1, silent=(0, 1))
            for i in (0, 1):
                w.shares(i, made)
            for x in made:
                w.open(x)
            self.end(w, {x: status if x.i in (0, 1) else "opened" for x in made})
            self.assertEqual(self.told(w)[0], failing)

    def test_a_bid_that_only_its_bidder_keeps_shut_ends_at_once(self):
        w, made = self.tender(2, silent=(0,))
        for i in (0, 1):
            w.shares(i, [x for x in made if x.i != 0])
        for x in made:
            if x.i == 0:
                self.ends(w, x, SILENT, 1)
            else:
                w.open(x)
        self.end(w, {x: "opened" if x.i else SILENT["status"] for x in made})
        self.assertEqual(self.told(w)[0], None)


if __name__ == "__main__":
    unittest.main()
