"""The pool of experts, the draw and the seats (V13); the session and its seats (V14)."""
from . import draw, jcs, tdh2
from .errors import need
from .state import on


def open_draw(s, rows, specialty, number, key):
    d = draw.Draw(s.suite, bytes.fromhex(s.publish.commitment), rows, specialty, number)
    d.answers, d.done, d.key = {}, False, key
    s.draws[d.id.hex()] = d
    return d


@on("expert.pool")
def pool(s, r):
    d = r.data
    s.at_stage("evaluation")
    need(s.procedure.seats, "record.wrong-stage", "no committee in this procedure")
    s.by(r, s.notice["agency"]["cert"])
    need(not _acted(s) and not s.replaced, "record.wrong-stage", "a member has acted, or was replaced")
    need(d["n"] == s.draw_number + 1, "record.data", "number of the draw")
    need(bool(d["reason"]) == (d["n"] > 1), "record.data", "reason of the draw")
    need(d["specialty"] == s.notice["committee"]["specialty"], "result.differs", "specialty", "V13")
    draw.check_rows(d["rows"])
    need(draw.text_ok(d["specialty"]), "record.data", "specialty")
    for row in d["rows"]:
        jcs.hex32(row["id"])
    need(len(d["rows"]) >= s.notice["committee"]["experts"], "result.differs", "a pool smaller than the committee", "V13")
    s.draw_number, s.seats, s.draw_result = d["n"], [], None
    s.pool = open_draw(s, d["rows"], d["specialty"], d["n"], "experts")


def _acted(s):
    return any(lot.checks["qualification"] and s.procedure.by_committee or lot.checks["conformity"]
               or lot.questions for lot in s.lots.values()) or s.session_sites is not None


@on("draw.share")
def share(s, r):
    s.at_stage("evaluation")
    d = s.draws.get(r.data["draw"])
    need(d is not None and not d.done, "draw.missing", "no such open draw", "V13")
    index, point, e, z = tdh2.read_share(r.data["share"])
    need(s.trustee(index, r.actor) is s.board, "record.not-authorised", "a draw is the first board's", "V13")
    need(index not in d.answers, "board.share-invalid", "a second answer", "V13")
    need(tdh2.share_holds(s.suite, d.label, index, s.board.shares[index - 1], d.point, point, e, z),
         "board.share-invalid", "the proof does not hold", "V13")
    d.answers[index] = point


def result(s, d, m):
    """(seed in hex, order) from t answers."""
    need(len(d.answers) >= s.board.t, "board.quorum-short", "too few answers", "V13")
    value = tdh2.combine(s.suite, s.board.t, tuple(sorted(d.answers.items())))
    need(value is not None, "result.differs", "the identity", "V13")
    seed = d.seed(value)
    return seed.hex(), draw.order(s.suite, seed, d.rows, m)


def seat_opens(s, seat, code="result.differs"):
    jcs.members(seat, ["cert", "id", "salt"], "record.data", "seat")
    cert, salt = jcs.hex32(seat["cert"]), jcs.hex32(seat["salt"])
    need(s.suite.tag("expert", salt, cert).hex() == seat["id"], code, "a seat does not open its blind id", "V13")


@on("draw.result")
def drawn(s, r):
    d = r.data
    s.at_stage("evaluation")
    s.by(r, s.notice["agency"]["cert"])
    need(s.pool is not None and d["draw"] == s.pool.id.hex() and not s.pool.done, "draw.missing", "no such open draw", "V13")
    c = s.notice["committee"]
    seed, order = result(s, s.pool, c["experts"] + c["alternates"])
    need(d["seed"] == seed and d["order"] == order, "result.differs", "seed or order", "V13")
    need(isinstance(d["declined"], list) and isinstance(d["seats"], list), "record.data", "declined, seats")
    need(all(x in order for x in d["declined"]) and len(set(d["declined"])) == len(d["declined"]), "result.differs", "declined", "V13")
    wanted = [x for x in order if x not in d["declined"]][:c["experts"]]
    for seat in d["seats"]:
        seat_opens(s, seat)
    need([x["id"] for x in d["seats"]] == wanted and len(wanted) == c["experts"], "result.differs", "seats", "V13")
    certs = [x["cert"] for x in d["seats"]]
    parties = {s.host, s.notice["agency"]["cert"], s.notice["buyer"]["cert"]} | s.trustees()
    need(len(set(certs)) == len(certs) and not parties & set(certs), "result.differs", "one person in two parts", "V13")
    s.pool.done, s.seats, s.draw_result = True, list(d["seats"]), r
    s.order, s.declined = order, list(d["declined"])


# --- the session ----------------------------------------------------------------------------------------------------

def member(s, r):
    """The signer sits on the committee, and its seat is open."""
    need(r.actor in s.experts(), "expert.not-drawn", r.type, "V14")
    if s.session_sites is not None:
        state = s.seat_state.get(r.actor, {})
        need(state.get("cosigned"), "seat.not-open", r.type)
        need(not state.get("frozen"), "seat.frozen", r.type)


@on("session.open")
def session(s, r):
    d = r.data
    s.at_stage("evaluation")
    s.by(r, s.notice["agency"]["cert"])
    need(s.session_sites is None and s.draw_result is not None and not _acted(s), "record.wrong-stage", r.type)
    need(isinstance(d["seats"], list) and isinstance(d["sites"], list) and d["sites"], "record.data", "seats, sites")
    sites = {}
    parties = set(s.experts()) | {s.host, s.notice["agency"]["cert"], s.notice["buyer"]["cert"]}
    for site in d["sites"]:
        jcs.members(site, ["id", "name", "supervisor"], "record.data", "site")
        jcs.hex32(site["supervisor"])
        need(site["id"] not in sites, "record.data", "a site twice")
        need(site["supervisor"] not in parties, "record.not-authorised", "a supervisor has another part")
        sites[site["id"]] = site["supervisor"]
    certs = []
    for seat in d["seats"]:
        jcs.members(seat, ["cert", "site"], "record.data", "seat")
        need(seat["site"] in sites, "record.data", "a seat is nowhere")
        certs.append(seat["cert"])
    need(certs == sorted(s.experts()), "record.data", "seats")
    s.session_sites = sites
    s.seat_state = {x["cert"]: {"site": x["site"], "opened": None, "cosigned": False, "frozen": False} for x in d["seats"]}


def _seat(s, cert):
    need(s.session_sites is not None and cert in s.seat_state, "record.wrong-stage", "no such seat in a session")
    return s.seat_state[cert]


@on("seat.open")
def seat_open(s, r):
    need(r.actor in s.experts(), "expert.not-drawn", r.type)
    seat = _seat(s, r.actor)
    need(r.data["notice"] == s.publish.commitment, "record.data", "another notice")
    need(seat["opened"] is None, "record.wrong-stage", "opened already")
    seat["opened"] = r


@on("seat.cosign")
def seat_cosign(s, r):
    seat = _seat(s, r.data["cert"])
    s.by(r, s.session_sites[seat["site"]])
    need(seat["opened"] is not None and isinstance(r.data["seat"], str) and r.data["seat"] == seat["opened"].commitment,
         "seat.not-open", "the expert has not opened it")
    need(not seat["cosigned"], "record.wrong-stage", "cosigned already")
    seat["cosigned"] = True


@on("seat.freeze", "seat.resume")
def seat_freeze(s, r):
    seat = _seat(s, r.data["cert"])
    s.by(r, s.session_sites[seat["site"]])
    freeze = r.type == "seat.freeze"
    need(seat["frozen"] != freeze, "record.wrong-stage", r.type)
    seat["frozen"] = freeze


@on("seat.leave")
def seat_leave(s, r):
    s.at_stage("evaluation")
    need(r.actor in s.experts() and r.data["cert"] in s.experts(), "expert.not-drawn", r.type, "V14")
    said = s.leaving.setdefault(r.data["cert"], set())
    need(r.actor not in said, "record.wrong-stage", "said already")
    said.add(r.actor)


def _may_leave(s, cert):
    """Once a sheet is shown or a lot ranked: the member said so, or more than half of the others."""
    if not any(lot.sheets or lot.rank is not None for lot in s.lots.values()):
        return
    said = s.leaving.get(cert, set())
    others = [e for e in s.experts() if e != cert]
    need(cert in said or 2 * sum(e in said for e in others) > len(others), "record.not-authorised", "nobody said that it leaves")


@on("seat.replace")
def seat_replace(s, r):
    d = r.data
    s.at_stage("evaluation")
    s.by(r, s.notice["agency"]["cert"])
    need(d["cert"] in s.experts(), "expert.not-drawn", "who leaves does not sit")
    _may_leave(s, d["cert"])
    need(d.get("seat") is not None, "record.wrong-stage", "an empty seat and a new pool: not checked by this verifier")
    seat_opens(s, d["seat"], "expert.not-drawn")
    used = {x["id"] for x in s.seats} | set(s.declined) | {x["id"] for x in s.replaced}
    nxt, declined = [x for x in s.order if x not in used], d.get("declined") or []
    need(isinstance(declined, list) and nxt[:len(declined)] == declined, "expert.not-drawn", "declined")
    s.declined, nxt = s.declined + declined, nxt[len(declined):]
    need(nxt and d["seat"]["id"] == nxt[0], "expert.not-drawn", "not the next of the drawn order")
    parties = {s.host, s.notice["agency"]["cert"], s.notice["buyer"]["cert"]} | s.trustees()
    parties |= set((s.session_sites or {}).values()) | set(s.experts()) | {x["cert"] for x in s.replaced}
    need(d["seat"]["cert"] not in parties, "record.not-authorised", "has another part")
    at = s.experts().index(d["cert"])
    left = s.seats[at]
    s.replaced.append(left)
    s.seats[at] = d["seat"]
    if s.session_sites is not None:
        state = s.seat_state.pop(left["cert"])
        s.seat_state[d["seat"]["cert"]] = {"site": state["site"], "opened": None, "cosigned": False, "frozen": False}
    from . import judging
    judging.seat_left(s, left["cert"], d["seat"]["cert"])
