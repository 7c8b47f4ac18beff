"""A receipt and its record held against a dossier (spec/receipt.md)."""
from . import cms, jcs, log, moment, note, stamp
from .errors import Bad, need

MAX_FILE, MAX_PROOF = 1_048_576, 262_144


def read(data):
    need(len(data) <= MAX_FILE, "file.malformed", "receipt of more than 1 MiB")
    outer = jcs.members(jcs.read(data, "file.malformed", "receipt"), ["evidence?", "receipt", "sig", "v"], "file.malformed")
    need(outer["v"] == 1, "file.malformed", "version")
    body, sig = jcs.unbase64(outer["receipt"], "file.malformed"), jcs.unbase64(outer["sig"], "file.malformed")
    inner = jcs.members(jcs.read(body, "file.malformed", "receipt"), ["body", "origin", "proof", "received", "sig", "v",
                                                                        "whole?"], "file.malformed")
    need(isinstance(inner.get("whole", False), bool), "file.malformed", "whole")
    proof = jcs.unbase64(inner["proof"], "file.malformed")
    need(len(proof) <= MAX_PROOF, "file.malformed", "proof")
    value = jcs.members(jcs.read(proof, "file.malformed", "proof"), ["batch?", "checkpoint", "entry", "index", "proof", "v"],
                        "file.malformed")
    moment.parse(inner["received"], "file.malformed")
    return body, sig, inner, value, outer.get("evidence")


def read_record(data):
    outer = jcs.members(jcs.read(data, "record.malformed", "record"), ["body", "sig", "v"], "record.malformed")
    need(outer["v"] == 1, "record.version")
    return jcs.unbase64(outer["body"], "record.base64"), jcs.unbase64(outer["sig"], "record.base64")


def inclusion(suite, leaf, index, size, path):
    """RFC 9162 section 2.1.3.2: the root that leaf and path lead to."""
    need(0 <= index < size, "log.proof-length", "index")
    fn, sn, out = index, size - 1, leaf
    for p in path:
        need(sn != 0, "log.proof-length", "too long")
        if fn & 1 or fn == sn:
            out = suite.node(p, out)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            out = suite.node(out, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "log.proof-length", "too short")
    return out


def check(d, host_actor, receipt_bytes, record_bytes, witnesses=(), quorum=0):
    """d: a verified dossier (checks.Dossier). Raises Bad; `receipt.breach` convicts the host."""
    body, sig, inner, proof, evidence = read(receipt_bytes)
    suite, rbody = d.suite, None
    message = cms.read(sig, body, suite.id)
    need(message.signer.fingerprint(suite.hash).hex() == host_actor, "receipt.not-host")
    need(inner["origin"] == d.log.origin, "receipt.other-log", inner["origin"])
    if record_bytes is not None:
        rbody, rsig = read_record(record_bytes)
        need(suite.h(rbody).hex() == inner["body"] and suite.h(rsig).hex() == inner["sig"], "receipt.other-record")
    else:  # its bytes are the dossier's own: V1 held them against their names
        here = all(name in d.files for name in (f"body/{inner['body']}.json", f"sig/{inner['sig']}.p7s"))
        need(here, "receipt.record-missing", "the record is not in the dossier: give its file as well")
    commitment = log.commitment(suite, inner["body"], inner["sig"])
    point = _proof(suite, d.log.authority, proof, commitment)
    if evidence is not None:
        _evidence(d, (witnesses, quorum), evidence, point)
    same = point.size <= d.log.size and point.root == log.root_at(d.raw, suite.hash, point.size)
    need(same, "receipt.breach", "the head of the receipt is not a head of this log")
    need(any(r.commitment == commitment.hex() for r in d.records), "receipt.breach", "the record is not in the log")
    lost = inner.get("whole", False) and any(b.record.commitment == commitment.hex() and b.ended == "refused_unsealed"
                                             for b in d.state.bids.values())
    need(not lost, "receipt.breach", "the host had the whole bid, and says that its body never came")


def consistency(suite, old, new, path):
    """RFC 9162 section 2.1.4.2: old and new are (size, root)."""
    (m, first), (n, second) = old, new
    need(1 <= m <= n, "log.proof-length", "sizes")
    if m == n:
        need(not path and first == second, "log.not-proven", "consistency")
        return
    path = list(path)
    if m & (m - 1) == 0:
        path.insert(0, first)
    need(path, "log.proof-length", "empty")
    fn, sn = m - 1, n - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    a = b = path[0]
    for c in path[1:]:
        need(sn != 0, "log.proof-length", "too long")
        if fn & 1 or fn == sn:
            a, b = suite.node(c, a), suite.node(c, b)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            b = suite.node(b, c)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "log.proof-length", "too short")
    need(a == first and b == second, "log.not-proven", "consistency")


def _evidence(d, board, evidence, point):
    """A later head that a quorum cosigned, and stamps of it; their authorities' paths are not judged here."""
    witnesses, quorum = board
    v = jcs.members(evidence, ["consistency", "head", "stamps"], "file.malformed", "evidence")
    need(isinstance(v["consistency"], list) and len(v["consistency"]) <= 128 and isinstance(v["stamps"], list)
         and len(v["stamps"]) <= 4 and isinstance(v["head"], str), "file.malformed", "evidence")
    head = note.checkpoint(v["head"].encode())
    head.signed_by(d.log.authority)
    consistency(d.suite, (point.size, point.root), (head.size, head.root),
                [jcs.hex32(h, "file.malformed") for h in v["consistency"]])
    seen = sum(head.by(w) is not None for w in witnesses)
    need(seen >= quorum, "log.quorum", f"{seen} of {quorum} witnesses")
    need(len(head.lines) == 1 + seen, "log.bad-signature", "a line of an unknown key")
    for token in v["stamps"]:
        stamp.read(jcs.unbase64(token, "file.malformed"), head.text, d.suite.id)
    need(head.size <= d.log.size and head.root == log.root_at(d.raw, d.suite.hash, head.size), "receipt.breach",
         "the cosigned head of the receipt is not a head of this log")


def _proof(suite, authority, proof, commitment):
    raw = jcs.write(proof["entry"])
    entry = log.entry(raw)
    batch = proof.get("batch")
    need(("batch" in entry) == (batch is not None), "log.entry-form")
    if batch is not None:
        jcs.members(batch, ["path", "position"], "file.malformed")
        path = [jcs.hex32(h, "file.malformed") for h in batch["path"]]
        need(len(path) == entry["depth"], "log.proof-length")
        root = inclusion(suite, suite.leaf(commitment), batch["position"], 1 << entry["depth"], path)
        need(root.hex() == entry["batch"], "log.not-proven", "batch")
    else:
        need(log.commitment(suite, entry["body"], entry["sig"]) == commitment, "log.wrong-record")
    point = note.checkpoint(proof["checkpoint"].encode())
    point.signed_by(authority)
    path = [jcs.hex32(h, "file.malformed") for h in proof["proof"]]
    if inclusion(suite, suite.leaf(raw), proof["index"], point.size, path) != point.root:
        raise Bad("log.not-proven", "inclusion")
    return point
