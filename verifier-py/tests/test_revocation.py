"""Roots of one name and holds that were lifted (spec/certificates.md, Revocation): test-vectors/revocation, made by Bouncy Castle."""
import unittest

from common import h, vector

from mifeng import moment, ocsp, path, x509
from mifeng.errors import Bad


def judged(suite, of, case):
    certificates = {name: x509.certificate(h(of[name])) for name in (case["leaf"], *case["above"], *case["anchors"])}
    above, anchors = ([certificates[name] for name in case[part]] for part in ("above", "anchors"))
    lists = [x509.crl(h(of[name])) for name in case["crls"]]
    said = [ocsp.response(h(of[name])) for name in case["ocsp"]]
    try:
        path.judge(certificates[case["leaf"]], above, anchors, lists, suite, moment.parse(case["at"]), "signing", said)
    except Bad as bad:
        return bad.code
    return "valid"


class Revocation(unittest.TestCase):
    def test_cases(self):
        cases = vector("revocation", "cases.json")
        for suite in ("gm-1", "intl-1"):
            of = vector("revocation", suite + ".json")
            for case in cases:
                self.assertEqual(judged(suite, of, case), case["expect"], f"{suite}: {case['name']}")
        self.assertGreater(len(cases), 30)


if __name__ == "__main__":
    unittest.main()
