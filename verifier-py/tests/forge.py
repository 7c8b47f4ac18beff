#!/usr/bin/env python3
"""Forged dossiers: every kind of record with every member changed and signed again by its author, told by both verifiers.

usage: forge.py [--mifeng BINARY] [--each N] [--only TYPE]     at most N forgeries of one kind of record; exits 1 on a difference

The records after the forged one are left out, and archive.close fixes what is there.
"""
import argparse
import os
import random
import sys
import tempfile

import common
import mutate
import world
from compare import failing, python, rust


def forgeries(w, only):
    """(kind, what was changed, the steps)"""
    closed = next(i for i, x in enumerate(w.steps) if x.kind == "submission.close")
    for k, step in enumerate(w.steps):
        if only and step.kind != only:
            continue
        end = closed + 1 if step.received is not None else k + 1
        jobs = [(f"{'.'.join(map(str, p))} {how}", {"data": data}) for p, how in mutate.leaves(step.data)
                for data in [mutate.apply(step.data, p, how)] if data is not None]
        others = [w.host, w.agency, w.buyer, w.trustees[2], w.experts[0], w.bidders[0]]
        jobs += [(f"by {p.name}", {"person": p, "seq": 500}) for p in others if p is not step.person]
        jobs += [("origin", {"origin": "another/t/1"}), ("seq", {"seq": step.seq - 1 if step.seq else 0}),
                 ("twice", None), ("left out", {})]
        for name, changes in jobs:
            if name == "twice":
                if step.received is None:
                    yield step.kind, name, w.steps[:k + 1] + [step.again(seq=step.seq + 1, salt="11" * 32)]
            elif name == "left out":
                if step.received is None and k + 1 < len(w.steps):
                    yield step.kind, name, w.steps[:k] + w.steps[k + 1:k + 2]
            elif not (name == "seq" and not step.seq):
                yield step.kind, name, w.steps[:k] + [step.again(**changes)] + w.steps[k + 1:end]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--mifeng", default=os.path.join(common.ROOT, "target", "release", "mifeng"))
    p.add_argument("--each", type=int, default=12)
    p.add_argument("--only")
    p.add_argument("--joint", action="store_true")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    rng, w = random.Random(a.seed), world.World(a.joint).run()
    kinds = {}
    for row in forgeries(w, a.only):
        kinds.setdefault(row[0], []).append(row)
    count = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "forged.tar")
        for kind, rows in kinds.items():
            for _, name, steps in rng.sample(rows, min(a.each, len(rows))):
                try:
                    data = w.dossier(steps)
                except (KeyError, TypeError, ValueError, AttributeError):
                    continue  # what was changed leaves nothing to put together
                with open(target, "wb") as f:
                    f.write(data)
                mine, theirs = python(data)[0], rust(a.mifeng, target)[0]
                count += 1
                if failing(mine) != failing(theirs) or "error" in theirs:
                    bad += 1
                    print(f"{kind}: {name}: mifeng {failing(theirs)} {theirs.get(failing(theirs), theirs.get('error'))}, "
                          f"python {failing(mine)} {mine.get(failing(mine))}", flush=True)
    print(f"{count} forged dossiers, {bad} told differently")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
