#!/usr/bin/env python3
"""Changes every member of every record of a dossier, as if its author had signed it so, and lists what passes.

usage: mutate.py DOSSIER       what is free by the specification (texts, salts) is known below; exits 1 if anything else passes

The signatures are taken as made: this tests the rules behind them.
"""
import copy
import sys

import common  # noqa: F401

from mifeng import checks, jcs, moment, state, tar
from mifeng.errors import Bad

# What a record may say as it likes: texts of people, and names that nothing else fixes.
FREE = {
    "board.cert": {"session"}, "bid.refuse": {"received"}, "tender.publish": {"title", "documents", "name", "zh", "en", "ground", "rehearsal", "tender",
                                                  "window_ms", "alternates", "k", "id", "trust"},
    "clarify.ask": {"text", "until", "matter"}, "clarify.answer": {"text", "price"}, "check": {"reason", "article"},
    "report": {"media", "place", "remarks"}, "report.sign": {"dissent"}, "score.correct": {"reason"},
    "board.abandon": {"reason"},
    "tender.amend": {"text", "reason", "affects", "documents", "name"}, "opening.ask": {"text"}, "opening.answer": {"text"},
    "tender.suspend": {"reason"}, "tender.resume": {"reason"}, "tender.cancel": {"reason"}, "expert.pool": {"reason"},
    "price.decide": {"reason"}, "seat.freeze": {"reason"}, "seat.resume": {"reason"}, "seat.replace": {"reason"},
}


def leaves(value, path=()):
    if isinstance(value, dict):
        for k, v in value.items():
            yield from leaves(v, path + (k,))
        yield path + (None,), "drop"
    elif isinstance(value, list):
        for i, v in enumerate(value[:2]):
            yield from leaves(v, path + (i,))
        yield path, "pop"
        yield path, "twice"
    else:
        yield path, "change"


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if value is None:
        return "1.00"
    if jcs.HEX64.match(value):
        return ("1" if value[0] == "0" else "0") + value[1:]
    try:
        return moment.show(moment.parse(value) + moment.SECOND)
    except Bad:
        pass
    for i, c in enumerate(value):
        if c.isdigit():
            return value[:i] + str((int(c) + 1) % 10) + value[i + 1:]
    return value + "x"


def apply(data, path, how):
    out = copy.deepcopy(data)
    at = out
    steps = path[:-1] if how in ("change", "drop") else path
    for s in steps:
        at = at[s]
    if how == "change":
        at[path[-1]] = changed(at[path[-1]])
    elif how == "drop":
        at["unknown"] = 1
    elif how == "pop":
        if not at:
            return None
        at.pop()
    elif how == "twice":
        if not at:
            return None
        at.append(copy.deepcopy(at[-1]))
    return out


def run(files, index=None, data=None, patch=None):
    report, d = checks.Report(), checks.Dossier(files)
    try:
        checks._completeness_first(d)
        checks._log(d)
        checks._records(d)
        checks._completeness(d, report)
        if index is not None:
            r = d.records[index]
            if data is not None:
                r.data = data
            for k, v in (patch or {}).items():
                setattr(r, k, v)
        s = checks._replay_ready(d)
        checks._heads(d, s, report, None)
        checks._replay(d, s)
        checks._after(d, s, report, None)
    except Bad as e:
        if e.check is None:
            e.check = state.column(d.records[index].type)
        report.failed(e)
    return report


def main(path):
    files = tar.parse(tar.open_file(path))
    base = run(files)
    if not base.valid:
        print("the dossier does not verify as it is")
        return 1
    d = checks.Dossier(files)
    checks._completeness_first(d)
    checks._log(d)
    checks._records(d)
    passed, counts, seen = [], {}, {}
    for i, r in enumerate(d.records):
        seen[r.type] = seen.get(r.type, 0) + 1
        if seen[r.type] > 3 or r.type == "archive.close":
            continue
        jobs = [(p, apply(r.data, p, how), None) for p, how in leaves(r.data)]
        other = next(x.actor for x in d.records if x.actor != r.actor and x.signer.organisation() != r.signer.organisation())
        jobs += [(("actor",), None, {"actor": other}), (("origin",), None, {"origin": "another/t/1"}),
                 (("seq",), None, {"seq": -1}), (("type",), None, {"type": "bid.withdraw"})]
        for p, data, patch in jobs:
            if data is None and patch is None:
                continue
            report = run(files, i, data, patch)
            failed = next((k for k, v in report.results.items() if v["verdict"] == "fail"), None)
            counts[r.type, failed] = counts.get((r.type, failed), 0) + 1
            if failed is None and not (set(p) & FREE.get(r.type, set())):
                passed.append((i, r.type, p))
    for (kind, failed), n in sorted(counts.items(), key=str):
        print(f"{kind:20} {failed or 'passes'} {n}")
    for x in passed:
        print("passes:", *x)
    return 1 if passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
