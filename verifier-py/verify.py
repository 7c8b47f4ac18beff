#!/usr/bin/env python3
"""Verifies a dossier, printing V1 to V14: a second verifier, written from spec/ alone.

exit codes: 0 every check passed, 1 a check failed or a receipt does not hold, 2 usage, 3 a file is not what it should be,
4 a file cannot be read
"""
import argparse
import base64
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mifeng import checks, keeping, packs, receipt, tar, x509  # noqa: E402
from mifeng.errors import Bad  # noqa: E402

MARK = {"pass": "✔", "part": "◐", "fail": "✘", "not-run": "·"}


def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("dossier")
    p.add_argument("--trust", action="append", metavar="CERT", help="roots that I trust; without: those the notice lists")
    p.add_argument("--trust-list-version", type=int, metavar="N", help="the tender pins this version of its trust list or a later one")
    p.add_argument("--earlier", metavar="TAR", help="earlier bundle: prove that nothing was rewritten since")
    p.add_argument("--receipt", help="hold this receipt against the dossier")
    p.add_argument("--record", help="the record that the receipt is for; without: the dossier's")
    p.add_argument("--json", action="store_true")
    p.add_argument("--packs", metavar="DIR", help="folder of the rule packs")
    p.add_argument("--flips", action="store_true", help="flip single bytes and count what goes undetected")
    p.add_argument("--step", type=int, default=1, metavar="N", help="with --flips: every Nth byte")
    p.add_argument("--jobs", type=int, default=1)
    a = p.parse_args(argv)
    if a.record and not a.receipt:
        p.error("--record is for a --receipt")
    return a


def load(path):
    try:
        return tar.open_file(path)
    except OSError as e:
        raise SystemExit(fail(f"{path}: {e.strerror}", 4)) from None


def roots_of(paths):
    out = []
    for path in paths or []:
        try:
            with open(path, "rb") as f:
                data = f.read()
        except OSError as e:
            raise SystemExit(fail(f"{path}: {e.strerror}", 4)) from None
        if data.startswith(b"-----BEGIN"):
            blocks = data.decode("ascii", "replace").split("-----BEGIN CERTIFICATE-----")[1:]
            out += [base64.b64decode(b.split("-----END")[0]) for b in blocks]
        else:
            out.append(data)
    try:
        for raw in out:
            x509.certificate(raw)
    except Bad as e:
        raise SystemExit(fail(f"--trust: {e}", 3)) from None
    return out if paths else None


def fail(text, code):
    print(text, file=sys.stderr)
    return code


def as_json(report, extra):
    rows = [{"id": k, "zh": checks.NAMES[k][0], "en": checks.NAMES[k][1], **v} for k, v in report.results.items()]
    print(json.dumps({"tender": report.tender, "suite": report.suite, "root": report.root, "checks": rows,
                      "not_checked": report.unchecked, **({"keeping": report.keeping} if report.keeping else {}), **extra}, ensure_ascii=False, indent=2))


def as_text(report, extra):
    print(f"verification  tender {report.tender}  suite {report.suite}")
    for k, v in report.results.items():
        code = f" [{v['code']}]" if v["code"] else ""
        print(f"  {MARK[v['verdict']]} {k:<3} {checks.NAMES[k][1]}:{code} {v['saw'] if v['verdict'] != 'not-run' else 'not run'}")
    if report.keeping:
        print(f"  {keeping.words(report.keeping)}")
    for text in report.unchecked:
        print(f"  not checked: {text}")
    for k, v in extra.items():
        print(f"{k}: {v}")
    part = [k for k, v in report.results.items() if v["verdict"] == "part"]
    word = "valid" if not part else f"valid as far as it is public ({', '.join(part)} in part: the rest is withheld, its hashes kept)"
    print(f"verdict: {word if report.valid else 'not valid'}. log root {report.root}")


def main(argv=None):
    a = arguments(argv)
    if a.packs:
        packs.use(a.packs)
    if a.flips:
        from mifeng import flips
        return flips.run(a.dossier, a.step, a.jobs)
    buffer = load(a.dossier)
    try:
        files = tar.parse(buffer)
    except Bad as e:
        text = f"V1: {a.dossier}: {e.text}"
        return fail(json.dumps({"code": e.code, "error": text, "exit": 3}, ensure_ascii=False) if a.json else text, 3)
    earlier = None
    if a.earlier:
        try:
            earlier = tar.parse(load(a.earlier))
        except Bad as e:
            return fail(f"{a.earlier}: {e}", 3)
    report = checks.verify(files, roots_of(a.trust), earlier, a.trust_list_version)
    extra, code = {}, 0 if report.valid else 1
    if a.receipt:
        try:
            texts = []
            for path in (a.receipt, a.record):
                if path is None:
                    texts.append(None)
                    continue
                with open(path, "rb") as f:
                    texts.append(f.read())
            checks.hold_receipt(report, *texts)
            extra["receipt"] = "holds"
        except OSError as e:
            return fail(f"{e.filename}: {e.strerror}", 4)
        except Bad as e:
            if e.code in ("file.malformed", "record.malformed"):
                return fail(str(e), 3)
            extra["receipt"], code = str(e), 1
    (as_json if a.json else as_text)(report, extra)
    return code


if __name__ == "__main__":
    sys.exit(main())
