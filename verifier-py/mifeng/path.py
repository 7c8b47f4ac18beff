"""Paths of certificates at an instant (spec/certificates.md, Paths, Purposes, Revocation).

Not implemented, and refused where they occur: name constraints, policy constraints and mappings, indirect and partial lists, and
deltas (a dossier carries complete lists only). OCSP responses come with renewals.
"""
from functools import lru_cache

from . import x509
from .errors import Bad, need

MAX_PATH, NESTING = 8, 2
REFUSED = {"2.5.29.30": "name constraints", "2.5.29.36": "policy constraints", "2.5.29.54": "inhibitAnyPolicy",
           "2.5.29.33": "policy mappings"}
TIME_STAMPING, OCSP = "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"
ANY_USAGE = "2.5.29.37.0"
SECOND = 10**9


def _alone(cert, suite, at, leaf):
    """What is asked of each certificate by itself."""
    need(cert.key.of_suite(suite, leaf) and (cert.method == "sm2") == (suite == "gm-1"), "pki.wrong-suite", "key or signature")
    for oid, (critical, _) in cert.extensions.items():
        need(not critical or oid in x509.KNOWN_CRITICAL, "pki.critical-extension", oid)
        need(oid not in REFUSED, "pki.critical-extension", f"{REFUSED.get(oid)}: not checked by this verifier")
    need(cert.names_read, "pki.ca-rule", "a subjectAltName that cannot be read")
    need(cert.not_before <= at, "pki.not-yet-valid", cert.name())
    need(at < cert.not_after + SECOND, "pki.expired", cert.name())
    for oid in ("2.5.29.14", "2.5.29.35"):
        need(not cert.extensions.get(oid, (False,))[0], "pki.ca-rule", "a critical key identifier")
    usage = cert.usage or set()
    need(cert.ca or (5 not in usage and cert.path_len is None), "pki.ca-rule", "keyCertSign or a path length outside a CA")
    need(cert.path_len is None or cert.usage is None or 5 in usage, "pki.ca-rule", "path length without keyCertSign")
    named = cert.subject or not cert.ca and cert.extensions.get(x509.ALTERNATIVE, (False,))[0]
    need(cert.issuer and named, "pki.ca-rule", "a name is missing")


def _issued(issuer, cert):
    need(issuer.subject == cert.issuer, "pki.unlisted-ca", "names")
    need(issuer.ca and (issuer.usage is None or 5 in issuer.usage), "pki.ca-rule", "the issuer may not issue")
    need(issuer.ski is None or cert.aki is None or issuer.ski == cert.aki, "pki.ca-rule", "key identifiers")
    need(x509.verify(issuer.key, cert.method, cert.tbs.raw, cert.signature), "pki.bad-signature", "certificate")


def _chain(chain, suite, at, purpose):
    """chain: leaf … anchor."""
    for i, cert in enumerate(chain):
        _alone(cert, suite, at, i == 0)
        if i:
            _issued(cert, chain[i - 1])
    below = 0  # certificates under this one that are not self-issued, the leaf not among them
    for cert in chain[1:]:
        need(cert.path_len is None or below <= cert.path_len, "pki.ca-rule", "path length")
        below += not cert.self_issued
    if purpose == "time-stamping":
        for cert in chain[:-1]:
            need(cert.eku is None or {TIME_STAMPING, ANY_USAGE} & set(cert.eku), "pki.key-usage", "extended usage above")


def purpose_fits(leaf, purpose):
    """spec/certificates.md, Purposes."""
    need(leaf.usage is not None, "pki.key-usage", "a leaf without keyUsage")
    signs, encrypts = leaf.usages()
    if purpose == "time-stamping":
        need(signs and leaf.eku == [TIME_STAMPING] and leaf.eku_critical, "pki.key-usage", "not a time-stamp certificate")
        return
    need(not leaf.ca, "pki.key-usage", "a CA certificate")
    need(leaf.eku is None or set(leaf.eku) - {TIME_STAMPING, OCSP}, "pki.key-usage", "extended usage")
    if purpose == "encryption":
        need(encrypts, "pki.key-usage", "not for encryption")
    elif purpose in ("host", "trustee"):
        need(0 in leaf.usage, "pki.key-usage", "no digitalSignature")
    else:
        need(signs, "pki.key-usage", "not for signing")


class Material:
    """What is at hand: certificates, revocation lists, OCSP responses; answers whose signers were judged before."""

    def __init__(self, pool=(), lists=(), responses=(), answers=()):
        self.pool, self.lists, self.responses, self.answers = pool, lists, responses, answers


def _revocation(chain, at_hand, suite, at):
    """From the anchor down. Nothing good at hand: the path holds, unless a list or response is bad or ended before."""
    used = []
    for i in range(len(chain) - 2, -1, -1):
        _standing(chain[i:], at_hand, suite, at, (), used)  # without any the path holds and says "unknown" (spec/verify.md, V3)
    return used


def _standing(chain, at_hand, suite, at, busy, used):
    """Whether something good at hand speaks for chain[0], issued by chain[1]; raises if it was revoked."""
    cert, issuer = chain[0], chain[1]
    good = reason = stale = None

    def speaks(made, ends):
        nonlocal good, stale
        if at // SECOND <= (made if ends is None else ends) // SECOND:
            good = True
        else:
            stale = Bad("pki.stale-revocation", cert.name())

    def released(made, since):
        """Whether a hold was over: a good newer list of the issuer, made by then, names the certificate no more."""
        newer = (crl for crl in at_hand.lists if max(since, made) < crl.this_update <= at)
        return any(crl.issuer == cert.issuer and cert.serial not in crl.entries and _holds(crl, issuer) for crl in newer)

    for answer in at_hand.answers:
        if not answer.is_about(cert, issuer) or answer.on_hold and released(answer.this_update, answer.counts_from):
            continue
        need(answer.status != "revoked" or answer.counts_from > at, "pki.revoked", cert.name())
        if not _kept_too_short(answer, cert) and at // SECOND <= answer.ends // SECOND:
            good = True  # one that ended says nothing, and nothing is stale by it
    for response in at_hand.responses:
        answer = response.about(cert, issuer)
        if answer is None:
            continue
        try:
            if not _response_holds(response, chain, at_hand, suite, at, busy):
                continue
        except Bad as e:
            need(e.code != "pki.budget", e.code, e.text)
            reason = reason or e
            continue
        if answer.on_hold and released(answer.this_update, answer.counts_from):
            continue
        if answer.status == "revoked":
            need(answer.counts_from > at, "pki.revoked", cert.name())
        if answer.status != "unknown" and not _kept_too_short(answer, cert):
            speaks(answer.this_update, answer.next_update)
    for crl in at_hand.lists:
        if crl.issuer != cert.issuer:
            continue
        try:
            _list_holds(crl, issuer)
        except Bad as e:
            reason = reason or e
            continue
        used.append(crl)
        when = crl.entries.get(cert.serial)
        on_hold = cert.serial in crl.holds
        need(when is None or when > at or on_hold and released(crl.this_update, when), "pki.revoked", cert.name())
        if not _kept_too_short(crl, cert):
            speaks(crl.this_update, crl.next_update)
    if not good and (reason or stale):
        raise reason or stale
    return bool(good)


def _kept_too_short(said, cert):
    """Made after the certificate's end, and not said to keep what ended so long ago."""
    return said.this_update > cert.not_after and (said.kept_since is None or said.kept_since > cert.not_after)


def _response_holds(response, chain, at_hand, suite, at, busy):
    """Signed by the issuer or by a responder that it named; False if that cannot be told without the certificate in
    question, which is none where nobody has it."""
    cert, issuer = chain[0], chain[1]
    own = () if cert is None else (cert.raw,)
    need(response.method and (response.method == "sm2") == (suite == "gm-1"), "pki.wrong-suite", "OCSP response")
    need(not response.critical, "pki.critical-extension", "OCSP response")
    reason = Bad("pki.ocsp", "no certificate of the responder is at hand")
    if response.names(issuer):
        if response.signed_with(issuer.key):
            return True
        reason = Bad("pki.bad-signature", "OCSP response")
    for responder in (*response.certificates, *at_hand.pool):
        if not response.names(responder) or responder.issuer != issuer.subject:
            continue
        if responder.raw in busy or responder.raw in own:
            return False
        try:
            _responder(response, responder, chain[1:], at_hand, suite, max(at, response.produced_at), busy + own)
            return True
        except Bad as e:
            need(e.code != "pki.budget", e.code, e.text)
            reason = e
    raise reason


def _responder(response, responder, above, at_hand, suite, at, busy):
    """A delegated responder: issued by the issuer itself, for OCSP signing, not revoked by what is at hand."""
    _alone(responder, suite, at, False)
    need(responder.usage is not None and responder.usages()[0] and OCSP in (responder.eku or ()), "pki.key-usage", "no responder")
    _issued(above[0], responder)
    need(response.signed_with(responder.key), "pki.bad-signature", "OCSP response")
    if x509.OCSP_NOCHECK not in responder.extensions:
        need(len(busy) <= NESTING, "pki.budget", "levels of OCSP responders")
        _standing((responder, *above), at_hand, suite, at, busy, [])


def said_by_who_may(response, above, roots, lists, suite, at):
    """A response with one answer: under one of the roots the path of the CA of which that is, and the response, hold at the instant.
    A renewed root has the name and the key of the old one: both may hold, and the responder's certificate under one only."""
    answer = response.answers[0]
    reason = Bad("pki.ocsp", "about no certificate of a CA under a root that counts")
    for root in roots:
        way = (*above, root)
        if not answer.is_of(way[0]) or above and above[-1].issuer != root.subject or root in above:
            continue
        try:
            _issues(way, suite, at)
            _signed_under(response, way, lists, suite, at)
            return
        except Bad as e:
            need(e.code != "pki.budget", e.code, e.text)
            reason = e
    raise reason


def _issues(way, suite, at):
    for i, cert in enumerate(way):
        _alone(cert, suite, at, False)
        if i:
            _issued(cert, way[i - 1])
    need(way[0].ca and (way[0].usage is None or 5 in way[0].usage), "pki.ca-rule", "may not issue")
    below = 0
    for cert in way[1:]:
        need(cert.path_len is None or below <= cert.path_len, "pki.ca-rule", "path length")
        below += not cert.self_issued


def _signed_under(response, way, lists, suite, at):
    """A response about a certificate of way[0]: signed by that CA, or by its responder, not revoked by the lists."""
    at_hand = Material(way[:-1], lists, (response,))
    need(_response_holds(response, (None, *way), at_hand, suite, at, ()), "pki.ocsp", "cannot be told without itself")


def says(response, cert, issuer, suite, at):
    """What a response alone says of a certificate at an instant: True that it was not revoked, False nothing."""
    return _standing((cert, issuer), Material(responses=(response,)), suite, at, (), [])


def _holds(crl, issuer):
    try:
        _list_holds(crl, issuer)
        return True
    except Bad:
        return False


def _list_holds(crl, issuer):
    for oid, (critical, _) in crl.extensions.items():
        need(not critical, "pki.critical-extension", f"revocation list: {oid}")
    need(crl.aki is None or issuer.ski is None or crl.aki == issuer.ski, "pki.bad-signature", "revocation list: another key identifier")
    need(issuer.usage is None or 6 in issuer.usage, "pki.ca-rule", "the issuer may not sign lists")
    need(x509.verify(issuer.key, crl.method, crl.tbs.raw, crl.signature), "pki.bad-signature", "revocation list")


@lru_cache(maxsize=65536)
def paths(leaf, pool, anchors):
    """All ways from the leaf to an anchor by names, shortest first; `pool` and `anchors` are tuples of certificates."""
    found, open_ = [], [(leaf,)]
    if leaf in anchors:
        found.append((leaf,))
    while open_ and len(found) < 16:
        way = open_.pop(0)
        for a in anchors:
            if a.subject == way[-1].issuer and a not in way:
                found.append(way + (a,))
        if len(way) < MAX_PATH - 1:
            for c in pool:
                if c.subject == way[-1].issuer and c not in way and c not in anchors:
                    open_.append(way + (c,))
    return found


def judge(leaf, pool, anchors, lists, suite, at, purpose, responses=(), answers=()):
    """The path that holds and the lists it used; raises what the last complete path failed on."""
    purpose_fits(leaf, purpose)
    reason = Bad("pki.unlisted-ca", leaf.name())
    for way in paths(leaf, tuple(pool), tuple(anchors)):
        try:
            _chain(way, suite, at, purpose)
            return way, _revocation(way, Material(pool, lists, responses, answers), suite, at)
        except Bad as e:
            reason = e
    raise reason
