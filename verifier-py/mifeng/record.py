"""Signed records (spec/record.md) and the members of their data (spec/events.md, evaluation.md)."""
from functools import lru_cache

from . import cms, jcs, moment
from .errors import need
from .hashes import suite as suite_of
from .log import commitment

MAX_BODY = 4_194_304
MEMBERS = ["actor", "data", "origin", "salt", "seq", "time", "type", "v"]
BOARD_TYPES = ("board.cert", "board.dkg1", "board.dkg2", "board.reshare", "board.reshare1", "board.reshare2", "board.complain", "board.abandon")

SCHEMA = {
    "log.config": "anchor? key key_sm3? suite",
    "board.cert": "index n session static_key t witness",
    "board.dkg1": "index message",
    "board.dkg2": "index signature transcript",
    "board.complain": "accused complaint index round", "board.abandon": "index reason round",
    "board.reshare": "dealers index n round session static_key t witness",
    "board.reshare1": "dealer message round",
    "board.reshare2": "index round signature transcript",
    "beacon": "chain round signature",
    "key.reveal": "index share",
    "trust.list": "list sig", "crl.take": "list", "ocsp.take": "above response",
    "tender.publish": ("agency beats bidders_min board body_grace_ms? buyer committee deadline documents lots policy procedure below_threshold? chains? ground? particulars? region? "
                       "rehearsal? suite tender title trust trust_list? window_ms"),
    "tender.postpone": "deadline reason", "tender.amend": "affects deadline? documents reason text",
    "tender.suspend": "reason", "tender.resume": "reason", "tender.cancel": "reason",
    "bid.submit": "seal", "bid.replace": "old seal", "bid.withdraw": "seal",
    "submission.close": "beats deadline revealed",
    "bidder.share": "path seal share",
    "bidder-window.close": "missing no_body?",
    "board.share": "index shares",
    "bid.open": "declarations detail manifest opening seal",
    "bid.fail": "cause seal status",
    "bid.refuse": "body cause received sig status",
    "share.false": "body sig",
    "opening.minutes": "deadline rows",
    "opening.sign": "minutes",
    "opening.ask": "kind text", "opening.answer": "ask text",
    "expert.pool": "n reason rows specialty",
    "draw.share": "draw share",
    "draw.result": "declined draw order seats seed",
    "session.open": "seats sites",
    "seat.open": "notice", "seat.cosign": "cert seat",
    "seat.freeze": "cert reason", "seat.resume": "cert reason",
    "seat.leave": "cert reason",
    "seat.replace": "cert declined? reason seat?",
    "check": "kind lot rows",
    "clarify.ask": "lot matter seal text triggers until",
    "clarify.answer": "price? question text",
    "price.decide": "price reason seal",
    "price.confirm": "price seal",
    "score.commit": "commitment lot",
    "score": "lot salt scores",
    "score.correct": "lot reason scores",
    "rank": "lot outcome",
    "lot.pool": "lot name purpose rows",
    "lot.drawn": "draw lot name order purpose seed",
    "report": ("bidders candidates committee lot media method minutes place procedure questions rank remarks replaced"),
    "report.sign": "dissent report",
    "award": "bidder lot name price seal",
    "framework.list": "lot suppliers",
    "letter": "article bidder fate lot rank reason seal total",
    "lot.fail": "article lot reason",
    "contract.stamp": "certs contract lot price stamps",
    "contract.file": "lot receipt system",
    "contract.publish": "lot place",
    "round.open": "deadline invited lot",
    "offer.submit": "lot seal", "offer.exit": "lot",
    "round.close": "deadline lot",
    "round-window.close": "lot missing",
    "round.minutes": "lot rows",
    "archive.close": "files",
}
# Members that hold digests, times, counts; all others are strings unless their handler says otherwise.
DIGESTS = {"transcript", "board", "revealed", "manifest", "draw", "seed", "notice", "minutes", "question", "commitment",
           "salt", "report", "rank", "cert", "old", "files", "chain", "contract", "response", "ask"}
TIMES = {"deadline", "until", "received"}
COUNTS = {"index", "n", "t", "bidders_min", "body_grace_ms", "window_ms", "round", "dealer", "accused"}
OTHER = {"agency", "buyer", "committee", "documents", "lots", "policy", "title", "trust", "shares", "declarations", "detail",
         "opening", "missing", "no_body", "rows", "share", "declined", "order", "seats", "sites", "triggers", "scores", "outcome",
         "bidders", "candidates", "media", "questions", "replaced", "invited", "suppliers", "rehearsal", "below_threshold", "beats",
         "chains", "particulars", "dealers", "certs", "stamps", "above", "affects"}


class Record:
    """body, value, data, type, actor (hex), time, signer, certificates, commitment (hex), place in the log."""


def _body(body):
    """A record of which only the body was looked at."""
    need(len(body) <= MAX_BODY, "record.malformed", "body of more than 4 MiB")
    value = jcs.read(body, "record.malformed", "record")
    jcs.members(value, MEMBERS, "record.malformed", "record")
    need(jcs.is_int(value["v"]) and value["v"] >= 0 and isinstance(value["type"], str), "record.malformed", "v, type")
    out = Record()
    out.body, out.value, out.data, out.type = body, value, value["data"], value["type"]
    jcs.hex32(value["actor"], "record.malformed")
    jcs.hex32(value["salt"], "record.malformed")
    need(isinstance(value["origin"], str), "record.malformed", "origin")
    need(jcs.is_int(value["seq"]) and value["seq"] >= 0, "record.malformed", "seq")
    out.actor, out.seq, out.origin = value["actor"], value["seq"], value["origin"]
    out.time = moment.parse(value["time"], "record.malformed")
    need(out.time % 10**6 == 0, "record.malformed", "time in whole milliseconds")
    need(isinstance(out.data, dict), "record.malformed", "data is not an object")
    need(value["v"] == 1, "record.version")
    out.signer, out.certificates = None, ()
    return out


@lru_cache(maxsize=65536)
def unsigned(suite_id, body, signature_hash):
    """A record whose signature a public export withholds: its form holds."""
    suite, out = suite_of(suite_id), _body(body)
    out.commitment = commitment(suite, suite.h(body).hex(), signature_hash).hex()
    return out


@lru_cache(maxsize=65536)
def read(suite_id, body, signature):
    """A record whose form and signature hold; everything about its place in the log is set by the caller."""
    suite, out = suite_of(suite_id), _body(body)
    message = cms.read(signature, body, suite_id)
    out.signer, out.certificates = message.signer, message.certificates
    need(out.signer.fingerprint(suite.hash).hex() == out.actor, "record.actor", "another certificate signed")
    need(message.time // 10**9 == out.time // 10**9, "record.signing-time", "signingTime is another second")
    out.commitment = commitment(suite, suite.h(body).hex(), suite.h(signature).hex()).hex()
    return out


def schema(record):
    """The members of the type's data; a refusal of the replay, like every rule about them."""
    d = jcs.members(record.data, SCHEMA[record.type].split(), "record.data", record.type)
    for name, v in d.items():
        if v is None:
            continue  # only members with ? may be null; the handlers of the others refuse it
        if name == "rank" and record.type == "letter" or name == "seal" and record.type in ("bid.submit", "bid.replace",
                                                                                        "offer.submit"):
            continue
        if name == "seat" and record.type == "seat.replace" or name == "share" and record.type == "bidder.share":
            continue
        if name in DIGESTS:
            jcs.hex32(v)
        elif name == "seal":
            jcs.hex32(v)
        elif name in TIMES:
            moment.parse(v)
        elif name in COUNTS:
            need(jcs.is_int(v) and v >= 0, "record.data", f"{record.type}: {name}")
        elif name not in OTHER:
            need(isinstance(v, str), "record.data", f"{record.type}: {name} is not a string")
    for name in SCHEMA[record.type].split():
        need(name.endswith("?") or d[name] is not None, "record.data", f"{record.type}: {name} is null")
