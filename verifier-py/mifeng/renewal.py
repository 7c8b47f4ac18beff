"""Renewals: new time stamps over the whole dossier (spec/renewal.md)."""
import re

from . import jcs, ocsp, path, stamp, x509
from .errors import Bad, need
from .hashes import digest, hasher, suite as suite_of

NAME = re.compile(r"renewal/([0-9]{4})\.(json|tsr|cer|[0-9]{2}\.(?:crl|ocsp))\Z")
CARRIED = {"crl": x509.crl, "ocsp": ocsp.response}
MOST = 16
SUITES = {"sm3": "gm-1", "sha256": "intl-1"}
SECOND = 10**9


def _list(files, n, name):
    """Hash over the list of every file but statement and stamp of renewal n and later ones."""
    lines = []
    for k in sorted(files, key=str.encode):
        m = NAME.match(k)
        if m and int(m[1]) >= n and not (int(m[1]) == n and m[2].endswith(("cer", "crl", "ocsp"))):
            continue
        x = hasher(name)
        x.update(files[k].view())
        lines.append(f"{x.hexdigest()} {files[k].size} {k}\n")
    return digest(name, "".join(lines).encode()).hex()


def check(d, s, trusted):
    """The chain of renewals; trusted: roots (DER) of the auditor, or None."""
    total = 0
    while f"renewal/{total + 1:04d}.json" in d.files and total < 99:
        total += 1
    for name in d.files:
        if name.startswith("renewal/"):
            m = NAME.match(name)
            need(m and 1 <= int(m[1]) <= total, "file.unexpected", name, "V1")
    carried = {n: {end: _carried(d.files, n, end) for end in CARRIED} for n in range(1, total + 1)}
    known = {name for kinds in carried.values() for rows in kinds.values() for name, _ in rows}
    for name in d.files:
        loose = name.startswith("renewal/") and name.endswith(tuple("." + end for end in CARRIED))
        need(not loose or name in known, "file.unexpected", name, "V1")
    need(not (total and d.withheld), "file.unexpected", "renewals in a public export", "V1")
    ends = [token.message.signer.not_after for _, token in d.stamps]
    until, after, chain = max(ends, default=None), d.records[-1].time, []
    before = _head_stamps(d, s, carried[1]["crl"]) if total else []
    for n in range(1, total + 1):
        material = {end: [one for k in (n, n + 1) if k in carried for _, one in carried[k][end]] for end in CARRIED}
        own, end = _one(d, s, trusted, n, material)
        at = own[1]
        for name, crl in carried[n]["crl"]:
            need(any(c.subject == crl.issuer for way, _, _ in before + [own] for c in way), "file.unexpected", name, "V1")
            need(crl.this_update <= at, "renewal.invalid", f"{name} is newer than the stamp over it")
        for name, response in carried[n]["ocsp"]:
            _speaks(name, response, before + [own])
            made = [response.produced_at] + [answer.this_update for answer in response.answers]
            need(max(made) <= at, "renewal.invalid", f"{name} is newer than the stamp over it")
        before = [own]
        need(until is None or at < until + SECOND, "renewal.invalid", f"renewal {n} came too late")
        need(at >= after, "renewal.invalid", f"renewal {n} is older than what it renews")
        until, after = end, at
        chain.append(at)
    return chain


def _carried(files, n, end):
    """The lists or responses that came with renewal n, numbered without a gap."""
    out = []
    for k in range(1, MOST + 1):
        name = f"renewal/{n:04d}.{k:02d}.{end}"
        if name not in files:
            break
        try:
            out.append((name, CARRIED[end](files[name].bytes())))
        except Bad as e:
            raise Bad("renewal.invalid", f"{name}: {e}") from None
    return out


def _speaks(name, response, stamps):
    """A response must be about one of these stamps' authorities or CAs, and clear each that it is about by itself."""
    asked = [(cert, issuer, at, suite) for way, at, suite in stamps for cert, issuer in zip(way, way[1:])
             if response.about(cert, issuer)]
    for cert, issuer, at, suite in asked:
        try:
            said = path.says(response, cert, issuer, suite, at)
        except Bad as e:
            raise Bad("renewal.invalid", f"{name}: {e}") from None
        need(said, "renewal.invalid", f"{name} says nothing of {cert.name()}")
    need(asked, "file.unexpected", name, "V1")


def _head_stamps(d, s, lists):
    """Stamps over heads: the authority's path, the instant, the suite. V3 judges them by the lists of their day; a list of the
    first renewal may say that one had been revoked before."""
    out, anchors = [], tuple(_recognised(s).values())
    for name, token in d.stamps:
        try:
            way, _ = path.judge(token.message.signer, tuple(token.message.certificates), anchors, (), d.suite.id, token.time,
                                "time-stamping")
        except Bad as e:
            raise Bad("stamp.invalid", f"{name}: {e}", "V2") from None
        for of, crl in lists:
            for cert in way:
                when = crl.entries.get(cert.serial) if cert.issuer == crl.issuer else None
                need(when is None or when > token.time, "renewal.invalid", f"{of}: {cert.name()} had been revoked")
        out.append((way, token.time, d.suite.id))
    return out


def _recognised(s):
    found = {c.raw: c for version in s.judge.versions for ca in version.cas for c in ca.roots}
    found.update({c.raw: c for c in s.judge.anchors})
    return found


def _one(d, s, trusted, n, material):
    raw = d.files[f"renewal/{n:04d}.json"].bytes()
    v = jcs.members(jcs.read(raw, "renewal.invalid", "renewal"), ["alg", "files", "n", "v"], "renewal.invalid")
    need(v["v"] == 1 and v["n"] == n and v["alg"] in SUITES, "renewal.invalid", f"renewal {n}")
    need(v["files"] == _list(d.files, n, v["alg"]), "renewal.invalid", f"renewal {n} is not over the files before it")
    suite = suite_of(SUITES[v["alg"]])
    name = f"renewal/{n:04d}.tsr"
    need(name in d.files, "renewal.invalid", f"{name} is missing")
    recognised = _recognised(s)
    carried = d.files.get(f"renewal/{n:04d}.cer")
    anchors = list(recognised.values())
    lists = tuple(s.judge.crls) if suite.id == d.suite.id else ()  # the tender's lists are of its own suite
    lists += tuple(material["crl"])
    try:
        if carried is not None:
            root = x509.certificate(carried.bytes())
            anchors.append(root)
        token = stamp.read(d.files[name].bytes(), raw, suite.id)
        way, _ = path.judge(token.message.signer, tuple(token.message.certificates), tuple(anchors), lists, suite.id,
                            token.time, "time-stamping", tuple(material["ocsp"]))
    except Bad as e:
        raise Bad("renewal.invalid", f"renewal {n}: {e}") from None
    if carried is not None:
        need(root.raw not in recognised and way[-1].raw == root.raw, "file.unexpected", f"renewal/{n:04d}.cer", "V1")
        need(trusted is None or root.raw in trusted, "cert.untrusted-root", root.name(), "V3")
    return (way, token.time, suite.id), token.message.signer.not_after
