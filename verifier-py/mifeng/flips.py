"""Flips single bytes of a dossier in memory and verifies each; reading is kept for what did not change."""
import collections
import multiprocessing
import os

from . import checks, tar
from .errors import Bad


def _check_of(buffer, known):
    try:
        files = tar.parse(buffer, known)
    except Bad as e:
        return e.check or "V1"
    report = checks.verify(files)
    return next((k for k, r in report.results.items() if r["verdict"] == "fail"), None)


def _part(work):
    path, start, step, mask = work
    with open(path, "rb") as f:
        data = bytearray(f.read())
    base = tar.parse(data)
    spans = sorted((b.start, b.start + b.size, n) for n, b in base.items())
    if not checks.verify(base).valid:
        return None
    known = {(n, b.start, b.size): b for n, b in base.items()}
    counts, missed, at_span = collections.Counter(), [], 0
    for at in range(start, len(data), step):
        while at_span < len(spans) and spans[at_span][1] <= at:
            at_span += 1
        kept, key = known, None
        if at_span < len(spans) and spans[at_span][0] <= at:
            s, e, n = spans[at_span]
            key = (n, s, e - s)
            kept = dict(known)
            del kept[key]
        data[at] ^= mask
        found = _check_of(data, kept)
        data[at] ^= mask
        counts[found or "undetected"] += 1
        if found is None:
            missed.append(at)
        checks.forget(known.values())
    return counts, missed


def run(path, step=1, jobs=1, mask=0x01):
    jobs = max(1, min(jobs, os.cpu_count() or 1))
    work = [(path, i * step, step * jobs, mask) for i in range(jobs)]
    if jobs == 1:
        parts = [_part(work[0])]
    else:
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            parts = pool.map(_part, work)
    if any(p is None for p in parts):
        print("the dossier does not verify as it is")
        return 1
    total, missed = collections.Counter(), []
    for counts, m in parts:
        total.update(counts)
        missed += m
    for check in checks.ORDER:
        if total[check]:
            print(f"{check:>4} {total[check]}")
    print(f"{sum(total.values())} bytes flipped, {len(missed)} undetected")
    if missed:
        print("undetected at", ", ".join(map(str, sorted(missed)[:50])))
    return 1 if missed else 0
