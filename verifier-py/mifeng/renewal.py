"""Renewals: new time stamps over the whole dossier (spec/renewal.md)."""
import re

from . import jcs, path, stamp, x509
from .errors import Bad, need
from .hashes import digest, hasher, suite as suite_of

NAME = re.compile(r"renewal/([0-9]{4})\.(json|tsr|cer|[0-9]{2}\.crl)\Z")
LISTS = 16
SUITES = {"sm3": "gm-1", "sha256": "intl-1"}
SECOND = 10**9


def _list(files, n, name):
    """Hash over the list of every file but statement and stamp of renewal n and later ones."""
    lines = []
    for k in sorted(files, key=str.encode):
        m = NAME.match(k)
        if m and int(m[1]) >= n and not (int(m[1]) == n and m[2].endswith(("cer", "crl"))):
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
    lists = {n: _lists(d.files, n) for n in range(1, total + 1)}
    known = {name for rows in lists.values() for name, _ in rows}
    for name in d.files:
        need(not (name.startswith("renewal/") and name.endswith(".crl")) or name in known, "file.unexpected", name, "V1")
    need(not (total and d.withheld), "file.unexpected", "renewals in a public export", "V1")
    ends = [token.message.signer.not_after for _, token in d.stamps]
    until, after, chain = max(ends, default=None), d.records[-1].time, []
    paths = _head_stamps(d, s, lists[1]) if total else []
    for n in range(1, total + 1):
        crls = [crl for k in (n, n + 1) for _, crl in lists.get(k, [])]
        at, end, way = _one(d, s, trusted, n, crls)
        for name, crl in lists[n]:
            need(any(c.subject == crl.issuer for c in paths + list(way)), "file.unexpected", name, "V1")
            need(crl.this_update <= at, "renewal.invalid", f"{name} is newer than the stamp over it")
        paths = list(way)
        need(until is None or at < until + SECOND, "renewal.invalid", f"renewal {n} came too late")
        need(at >= after, "renewal.invalid", f"renewal {n} is older than what it renews")
        until, after = end, at
        chain.append(at)
    return chain


def _lists(files, n):
    """The revocation lists that came with renewal n, numbered without a gap."""
    out = []
    for k in range(1, LISTS + 1):
        name = f"renewal/{n:04d}.{k:02d}.crl"
        if name not in files:
            break
        try:
            out.append((name, x509.crl(files[name].bytes())))
        except Bad as e:
            raise Bad("renewal.invalid", f"{name}: {e}") from None
    return out


def _head_stamps(d, s, lists):
    """Certificates above the authorities that stamped heads, which V3 judges by the lists of their day; a list of the first
    renewal may say that one had been revoked before."""
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
        out += way
    return out


def _recognised(s):
    found = {c.raw: c for version in s.judge.versions for ca in version.cas for c in ca.roots}
    found.update({c.raw: c for c in s.judge.anchors})
    return found


def _one(d, s, trusted, n, crls):
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
    lists += tuple(crls)
    try:
        if carried is not None:
            root = x509.certificate(carried.bytes())
            anchors.append(root)
        token = stamp.read(d.files[name].bytes(), raw, suite.id)
        way, _ = path.judge(token.message.signer, tuple(token.message.certificates), tuple(anchors), lists, suite.id,
                            token.time, "time-stamping")
    except Bad as e:
        raise Bad("renewal.invalid", f"renewal {n}: {e}") from None
    if carried is not None:
        need(root.raw not in recognised and way[-1].raw == root.raw, "file.unexpected", f"renewal/{n:04d}.cer", "V1")
        need(trusted is None or root.raw in trusted, "cert.untrusted-root", root.name(), "V3")
    return token.time, token.message.signer.not_after, way
