"""Proofs that the heads of a tender's log are in its host's anchor log (spec/anchor.md)."""
from . import jcs, log, note
from .errors import Bad, need
from .receipt import inclusion

MAX_PROOF, MAX_PATH, MAX_ORIGIN, MAX_ENTRY = 262_144, 64, 128, 256
CODE = "anchor.invalid"


def _read(raw):
    need(len(raw) <= MAX_PROOF, CODE, "too long")
    value = jcs.members(jcs.read(raw, CODE, "proof"), ["checkpoint", "entry", "index", "proof", "v"], CODE)
    entry = jcs.members(value["entry"], ["origin", "root", "size", "v"], CODE)
    for one in (value, entry):
        need(jcs.is_int(one["v"]) and one["v"] == 1, CODE, "version")
    for number in (value["index"], entry["size"]):
        need(jcs.is_int(number) and number >= 0, CODE, "a number")
    need(isinstance(entry["origin"], str) and note.name_ok(entry["origin"]) and len(entry["origin"].encode()) <= MAX_ORIGIN, CODE, "origin")
    jcs.hex32(entry["root"], CODE)
    need(isinstance(value["proof"], list) and len(value["proof"]) <= MAX_PATH, CODE, "path")
    need(isinstance(value["checkpoint"], str), CODE, "checkpoint")
    return value, entry, [jcs.hex32(h, CODE) for h in value["proof"]]


def _check(d, s, name, key, known):
    """One proof: the size of the head that it is of."""
    value, entry, path = _read(d.files[name].bytes())
    point = note.checkpoint(value["checkpoint"].encode())
    point.signed_by(key)
    leaf = d.suite.leaf(jcs.write(entry))
    need(inclusion(d.suite, leaf, value["index"], point.size, path) == point.root, CODE, "not in the anchor log")
    size = entry["size"]
    need(entry["origin"] == d.log.origin and size <= d.log.size, CODE, "a head of another log")
    need(bytes.fromhex(entry["root"]) == log.root_at(d.raw, d.suite.hash, size), CODE, "no head of this log")
    lines = {(name, ident) for name, ident, _ in point.lines}
    need(lines <= {(key.name, key.id)} | {(w.name, w.id) for w in known}, CODE, "a line of nobody's known key")
    for witness in known:
        point.by(witness)
    need(name == f"anchor/{size:010d}.json", CODE, "of another head than its name says")
    return size


def check(d, s, witnesses):
    """Where log.config names an anchor log, a proof over the whole log must be there; the number of proofs."""
    if d.config.get("anchor") is None:
        return 0
    present = {(m.witness.name, m.witness.id) for m in s.members.values()}
    known = [w for w in witnesses if (w.name, w.id) in present | s.past_witnesses.keys()]
    try:
        key = note.key(d.config["anchor"], d.suite.id, "log")
        sizes = [_check(d, s, name, key, known) for name in sorted(d.files) if name.startswith("anchor/")]
    except Bad as e:
        raise Bad(CODE, str(e)) from None
    need(d.log.size in sizes, "anchor.missing", "no proof that the last head of this log is anchored")
    return len(sizes)
