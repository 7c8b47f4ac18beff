#!/usr/bin/env python3
"""Compares both verifiers on receipts, the auditor's roots and earlier bundles.

usage: receipts.py [--mifeng BINARY] KEPT...     folders that `mifeng demo --keep` made, of different tenders
"""
import argparse
import os
import subprocess
import sys

import common


def code(arguments):
    return subprocess.run(arguments, capture_output=True, check=False).returncode


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--mifeng", default=os.path.join(common.ROOT, "target", "release", "mifeng"))
    p.add_argument("kept", nargs="+")
    a = p.parse_args()
    verify = [sys.executable, os.path.join(common.ROOT, "verifier-py", "verify.py")]
    other = {k: a.kept[(i + 1) % len(a.kept)] for i, k in enumerate(a.kept)}
    bad = count = 0
    for kept in a.kept:
        dossier, one, two = (os.path.join(kept, *x) for x in (("dossier.tar",), ("bidder1",), ("bidder2",)))
        receipt, record = os.path.join(one, "lot1.receipt"), os.path.join(one, "lot1.rec")
        cases = [
            (0, ["--receipt", receipt, "--record", record]),
            (1, ["--receipt", receipt, "--record", os.path.join(two, "lot1.rec")]),
            (1, ["--receipt", os.path.join(other[kept], "bidder1", "lot1.receipt"),
                 "--record", os.path.join(other[kept], "bidder1", "lot1.rec")]),
            (0, ["--trust", os.path.join(one, "root.cer")]),
            (1, ["--trust", os.path.join(other[kept], "bidder1", "root.cer")]),
            (0, ["--earlier", dossier]),
            (1, ["--earlier", os.path.join(other[kept], "dossier.tar")]),
            (0, ["--receipt", receipt]),
            (1, ["--receipt", os.path.join(other[kept], "bidder1", "lot1.receipt")]),
            (2, ["--record", record]),
            (4, ["--trust", os.path.join(one, "no-such-file")]),
            (3, ["--receipt", record, "--record", record]),
        ]
        for wanted, extra in cases:
            theirs, mine = code([a.mifeng, "verify", dossier, *extra]), code([*verify, dossier, *extra])
            count += 1
            if (theirs, mine) != (wanted, wanted):
                print(f"{dossier} {' '.join(extra)}: expected {wanted}, mifeng {theirs}, python {mine}")
                bad += 1
    print(f"{count} receipts, roots and earlier bundles, {bad} told differently")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
