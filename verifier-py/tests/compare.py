#!/usr/bin/env python3
"""Runs both verifiers and compares them check by check.

usage: compare.py [--mifeng BINARY] [--flips N] DOSSIER...      the dossiers, and N random flips of each
       compare.py [--mifeng BINARY] --vectors FOLDER            the broken dossiers of manifest.json

exit codes: 0 they agree, 1 they do not, 2 usage
"""
import argparse
import base64
import json
import os
import random
import subprocess
import sys
import tempfile

import common  # noqa: F401

from mifeng import checks, tar
from mifeng.errors import Bad


def rust(binary, path, extra=()):
    """check id → verdict; with `error` if there is no report."""
    p = subprocess.run([binary, "verify", path, "--json", *extra], capture_output=True, text=True, check=False)
    try:
        report = json.loads(p.stdout)
        return {c["id"]: (c["verdict"], c["code"]) for c in report["checks"]}, p.returncode
    except (ValueError, KeyError):
        text = (p.stdout + p.stderr)[:300]
        if p.returncode == 3 and '"error":"V1: ' in text:  # an archive that is none has no report
            return {k: ("fail", "file.malformed") if k == "V1" else ("not-run", None) for k in checks.ORDER}, 3
        return {"error": text}, p.returncode


def python(data):
    try:
        files = tar.parse(data)
    except Bad as e:
        report = checks.Report()
        report.failed(e)
    else:
        report = checks.verify(files)
    return {k: (r["verdict"], r["code"]) for k, r in report.results.items()}, 0 if report.valid else 1


def failing(result):
    return next((k for k, v in result.items() if v[0] == "fail"), None)


# Where a rule refuses a record the code is that of spec/refusals.md in both. Of archive, log and signatures
# each verifier reads what is there in an order of its own.
OWN_CODES = ("V1", "V2", "V4")


def told(result, check, code):
    """Whether this check failed first, with this code where the code is not each verifier's own."""
    return failing(result) == check and (check in OWN_CODES or result[check][1] == code)


def same(a, b, strict):
    """The same verdict; `strict`: the same for every check, not only the same failing one."""
    if "error" in a:
        return False
    return {k: v[0] for k, v in a.items()} == {k: v[0] for k, v in b.items()} if strict else failing(a) == failing(b)


def keeping(binary, path, data):
    """What must be kept, item by item: the same in both reports."""
    p = subprocess.run([binary, "verify", path, "--json"], capture_output=True, text=True, check=False)
    theirs, mine = json.loads(p.stdout).get("keeping"), checks.verify(tar.parse(data)).keeping
    if theirs != mine:
        print(f"{path}: what must be kept differs\n  mifeng {theirs}\n  python {mine}")
    return theirs != mine


def compare(binary, path, flips, seed):
    with open(path, "rb") as f:
        data = f.read()
    mine, theirs = python(data), rust(binary, path)
    bad = keeping(binary, path, data)
    if not same(theirs[0], mine[0], True) or mine[1] != theirs[1]:
        print(f"{path}: differs\n  mifeng {theirs}\n  python {mine}")
        bad += 1
    rng, agreed = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "flipped.tar")
        for _ in range(flips):
            at, mask = rng.randrange(len(data)), 1 << rng.randrange(8)
            changed = bytearray(data)
            changed[at] ^= mask
            with open(target, "wb") as f:
                f.write(changed)
            theirs, mine = rust(binary, target)[0], python(changed)[0]
            if failing(mine) is None or not same(theirs, mine, False):
                print(f"{path}: bit {mask} of byte {at}: mifeng {failing(theirs) or theirs.get('error')}, "
                      f"python {failing(mine)} {mine.get(failing(mine))}")
                bad += 1
            else:
                agreed += 1
    print(f"{path}: same verdict; {agreed} of {flips} flips refused by both in the same check")
    return bad


def vectors(binary, folder):
    """The valid dossiers, and the broken ones that splices make of them (spec/verify.md, Vectors)."""
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    whole, bad = {}, 0
    for name in manifest["valid"]:
        with open(os.path.join(folder, name), "rb") as f:
            whole[name] = f.read()
        mine, theirs = python(whole[name])[0], rust(binary, os.path.join(folder, name))[0]
        if failing(mine) or failing(theirs) or "error" in theirs:
            print(f"{name}: mifeng {failing(theirs)}, python {failing(mine)} {mine.get(failing(mine))}")
            bad += 1
    with tempfile.TemporaryDirectory() as temporary:
        target = os.path.join(temporary, "broken.tar")
        for case in manifest["cases"]:
            data, at = b"", 0
            for splice in case["splices"]:
                data += whole[case["of"]][at:splice["at"]] + base64.b64decode(splice["put"])
                at = splice["at"] + splice["cut"]
            data += whole[case["of"]][at:]
            with open(target, "wb") as f:
                f.write(data)
            mine, theirs = python(data)[0], rust(binary, target)[0]
            if not all(told(result, case["check"], case["code"]) for result in (mine, theirs)):
                print(f"{case['name']} of {case['of']}: expected {case['check']} {case['code']}, "
                      f"mifeng {failing(theirs)} {theirs.get(failing(theirs))}, python {failing(mine)} {mine.get(failing(mine))}")
                bad += 1
    print(f"{len(manifest['cases'])} broken dossiers, {bad} told differently")
    return bad


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--mifeng", default=os.path.join(common.ROOT, "target", "release", "mifeng"))
    p.add_argument("--flips", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--vectors")
    p.add_argument("dossier", nargs="*")
    a = p.parse_args()
    if not a.dossier and not a.vectors:
        p.error("nothing to compare")
    bad = vectors(a.mifeng, a.vectors) if a.vectors else 0
    for path in a.dossier:
        bad += compare(a.mifeng, path, a.flips, a.seed)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
