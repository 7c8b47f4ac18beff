"""The contract of a lot: supplier first, then buyer, each with a seal that binds; filing and publication (spec/contract.md; V14)."""
from . import der, jcs, moment, x509
from .errors import Bad, need
from .hashes import digest
from .state import on

ORDER, SEAL, TEXT = "contract.order", "contract.seal", "contract.text"
SM2_SM3 = "1.2.156.10197.1.501"
BINDING = {1, 4}  # unit seal, contract seal
AHEAD = 300 * moment.SECOND
MAX_STAMPS, MAX_CERTS, MAX_TEXT = 4, 8, 20000


class Contract:
    def __init__(self, text, record):
        self.text, self.supplier = text, record
        self.buyer = self.filed = self.published = None


@on("contract.stamp")
def stamp(s, r):
    d = r.data
    s.at_stage("evaluation")
    lot = s.lot(d["lot"])
    need(lot.award is not None and not s.procedure.award_list, "record.wrong-stage", "the lot is not awarded")
    award = lot.award.data
    need(d["price"] == award["price"], TEXT, "another price than the award's")
    buyer = r.actor == s.notice["buyer"]["cert"]
    need(buyer or r.organisation == award["bidder"], "record.not-authorised", "neither winner nor buyer")
    _seals(s, r)
    known = lot.contract
    need(known is None or known.buyer is None, ORDER, "signed by both")
    if not buyer:
        lot.contract = Contract(d["contract"], r)
        return
    need(known is not None, ORDER, "the supplier stamps first")
    need(known.text == d["contract"], TEXT, "another text than the supplier's")
    known.buyer = r


def _seals(s, r):
    d = r.data
    stamps, certs = d["stamps"], d["certs"]
    need(isinstance(stamps, list) and isinstance(certs, list), "record.data", "stamps and certs")
    if s.suite.hash != "sm3":
        need(not stamps and not certs, SEAL, "intl-1 has no seals")
        return
    need(len(stamps) <= MAX_STAMPS and len(certs) <= MAX_CERTS, "record.data", "too many seals or certificates")
    pool = tuple(x509.certificate(jcs.unbase64(c, "record.data")) for c in certs) + tuple(r.certificates)
    kinds = {_seal(s, r, jcs.unbase64(raw, "record.data"), pool) for raw in stamps}
    need(kinds & BINDING, SEAL, "no unit seal or contract seal")


def _seal(s, r, raw, pool):
    try:
        tbs, signer, method, value = _signed(der.read(raw))
        version, seal, at, hashed, _property, *more = tbs.kids()
        info, maker, seal_method, seal_value = _signed(seal)
        header, _number, prop, _picture, *extra = info.kids()
        identity, number, _vendor = header.kids()
        kind, _name, list_type, listed, _made, start, end = prop.kids()
        need(identity.body == b"ES" and der.integer(number) in (4, 5) and der.integer(number) == der.integer(version), SEAL, "versions")
        need({method, seal_method} == {SM2_SM3}, SEAL, "algorithm")
        need(at.tag == start.tag == end.tag == 0x18, SEAL, "times")
        at, start, end = der.time(at), der.time(start), der.time(end)
        allowed = _allowed(der.integer(list_type), listed)
        _extensions(extra, 0x30)
        _extensions([k.kids()[0] for k in more], 0x30)
        hashed, kind = der.bits(hashed), der.integer(kind)
        signer, maker = x509.certificate(signer), x509.certificate(maker)
    except Bad as e:
        raise Bad(SEAL, e.text) from None
    except (ValueError, IndexError):
        raise Bad(SEAL, "not a seal signature") from None
    need(hashed.hex() == r.data["contract"], SEAL, "on another document")
    need(x509.verify(signer.key, "sm2", tbs.raw, value), SEAL, "signature of the seal signature")
    need(x509.verify(maker.key, "sm2", info.raw, seal_value), SEAL, "signature of the seal")
    need(allowed(signer.raw), SEAL, "the seal does not list its signer")
    need(at <= r.time + AHEAD, SEAL, "dated after its record")
    last = end + moment.SECOND
    need(start <= at < last and start <= r.time < last, SEAL, "the seal is not in force")
    _judged(s, r, maker, pool, "seal-making")
    code = _judged(s, r, signer, pool, "seal-use")
    own = code == r.organisation if code is not None and r.organisation is not None else signer.raw == r.signer.raw
    need(own, SEAL, "the seal of another party")
    return kind


def _judged(s, r, certificate, pool, use):
    """At the record's instant, and at the latest before it: recognised then, whenever the bid was accepted."""
    found = s.judge.judge(certificate, pool, r.at, [use])
    if s.latest is not None and s.latest > r.at:
        need(s.judge.judge(certificate, pool, s.latest, [use]) == found, "cert.invalid", "two organisations", "V3")
    return found


def _signed(node):
    """SEQUENCE { signed part, certificate, algorithm, value [, time stamp] } of versions 4 and 5."""
    kids = node.expect(0x30).kids()
    need(len(kids) in (4, 5), SEAL, "not of version 4 or 5")
    return kids[0].expect(0x30), kids[1].expect(4).body, der.oid(kids[2]), der.bits(kids[3])


def _allowed(kind, listed):
    kids = listed.expect(0x30).kids()
    if kind == 1:
        raws = {k.expect(4).body for k in kids}
        return lambda raw: raw in raws
    need(kind == 2, SEAL, "certListType")
    values = {k.expect(0x30).kids()[1].expect(4).body for k in kids}
    return lambda raw: digest("sm3", raw) in values


def _extensions(nodes, tag):
    """No entry may be critical: none is known."""
    for node in nodes:
        for entry in node.expect(tag).kids():
            kids = entry.expect(0x30).kids()
            need(len(kids) == 2 or not der.boolean(kids[1]), SEAL, "an unknown critical extension")


def _signed_contract(s, r):
    s.at_stage("evaluation")
    lot = s.lot(r.data["lot"])
    s.by(r, s.notice["buyer"]["cert"], s.notice["agency"]["cert"])
    need(lot.contract is not None and lot.contract.buyer is not None, ORDER, "not signed by both")
    return lot.contract


def _text(r, *names):
    for name in names:
        v = r.data[name]
        need(isinstance(v, str) and v.strip() and len(v.encode()) <= MAX_TEXT, "record.data", name)


@on("contract.file")
def file(s, r):
    _text(r, "receipt", "system")
    contract = _signed_contract(s, r)
    need(contract.filed is None, "bid.duplicate", "filed already")
    contract.filed = r


@on("contract.publish")
def publish(s, r):
    _text(r, "place")
    contract = _signed_contract(s, r)
    need(contract.published is None, "bid.duplicate", "published already")
    contract.published = r


def there(d, s):
    """V14: the text of every contract is in the dossier."""
    for lot in s.lots.values():
        if lot.contract is not None:
            blob = d.files.get(f"docs/{lot.contract.text}")
            need(blob is not None, "file.missing", f"the contract of lot {lot.id}", "V14")
