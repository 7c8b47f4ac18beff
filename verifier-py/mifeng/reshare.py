"""The board's key handed on before the notice: new shares of the same key (spec/board.md, Handing a key on)."""
from . import dkg, jcs, note
from .errors import Bad, need
from .setup import static_key
from .state import on


class Round:
    """Who joins, what the dealers sent, who has signed."""

    def __init__(self, number):
        self.number, self.joined, self.messages, self.signed = number, {}, {}, {}

    @property
    def first(self):
        return next(iter(self.joined.values()))


def round_of(s, r):
    s.at_stage("setup")
    f = s.main
    need(f.board is not None, "record.wrong-stage", "before the key was made")
    need(r.origin == "board/" + f.session, "record.wrong-origin", r.origin)
    if f.round is None or f.round.number != f.rounds + 1:
        f.round = Round(f.rounds + 1)
    need(r.data["round"] == f.round.number, "board.formation", "number of the handing on")
    return f, f.round


@on("board.reshare")
def reshare(s, r):
    f, x = round_of(s, r)
    d = r.data
    need(isinstance(d["session"], str) and isinstance(d["dealers"], list), "record.data", "session, dealers")
    need(all(jcs.is_int(i) for i in d["dealers"]) and d["dealers"] == sorted(set(d["dealers"])), "board.formation", "dealers")
    need(1 <= d["t"] <= d["n"] <= dkg.MAX_MEMBERS and all(1 <= i <= dkg.MAX_MEMBERS for i in d["dealers"]), "board.formation", "t, n, dealers")
    need(1 <= d["index"] <= d["n"] and d["index"] not in x.joined, "board.formation", "index")
    need(d["session"] == f.session, "board.formation", "another session")
    m = type("Member", (), {})()
    m.actor, m.session, m.n, m.t, m.dealers = r.actor, d["session"], d["n"], d["t"], d["dealers"]
    m.static = jcs.unhex(d["static_key"])
    static_key(s.suite, m.static)
    try:
        m.witness = note.key(d["witness"], s.suite.id, "witness")
    except Bad as e:
        raise Bad("board.formation", f"witness key: {e}") from None
    s.new_witness(m.witness)
    for o in x.joined.values():
        need((o.session, o.t, o.n, o.dealers) == (m.session, m.t, m.n, m.dealers), "board.formation", "new members disagree")
        need(m.actor != o.actor and m.static != o.static, "board.formation", "two alike")
    for o in [*x.joined.values(), *s.second.members.values()]:
        need(m.witness.name != o.witness.name and m.witness.material != o.witness.material, "board.formation", "two witnesses alike")
    x.joined[d["index"]] = m


@on("board.reshare1")
def deal(s, r):
    f, x = round_of(s, r)
    d = r.data
    need(x.joined and len(x.joined) == x.first.n, "board.formation", "new members are missing")
    dealer = f.members.get(d["dealer"])
    need(dealer is not None and dealer.actor == r.actor, "record.not-authorised", "not the trustee of that index")
    need(d["dealer"] in x.first.dealers and d["dealer"] not in x.messages, "board.formation", "does not deal, or did")
    raw = jcs.unbase64(d["message"])
    m = dkg.admit(s.suite, context(s.suite, f, x), x.first.n, x.first.t, raw, x.messages.values())
    need(m.commitments[0] == f.board.shares[d["dealer"] - 1], "board.formation", f"dealer {d['dealer']} deals another secret")
    x.messages[d["dealer"]] = raw


@on("board.reshare2")
def sign(s, r):
    f, x = round_of(s, r)
    d = r.data
    need(x.joined and sorted(x.messages) == x.first.dealers, "board.formation", "messages are missing")
    member = x.joined.get(d["index"])
    need(member is not None and member.actor == r.actor and d["index"] not in x.signed, "board.formation", "another member")
    made = transcript(s.suite, f, x)
    need(d["transcript"] == made.hash, "board.formation", "transcript")
    x.signed[d["index"]] = jcs.unhex(d["signature"])
    if len(x.signed) == len(x.joined):
        for i, signature in x.signed.items():
            made.signed(x.joined[i].static, signature)
        s.held |= s.leave(f.members.values())
        f.members, f.board, f.rounds, f.round = dict(sorted(x.joined.items())), made.board, x.number, None


def transcript(suite, f, x):
    try:
        return _transcript(suite, f, x)
    except Bad as e:
        raise Bad("board.formation", str(e)) from None


def context(suite, f, x):
    """The context of a handing on, once all new members have joined."""
    try:
        return _context(suite, f, x)
    except Bad as e:
        raise Bad("board.formation", str(e)) from None


def _weights(n, dealers):
    out = []
    for i in dealers:
        top = bottom = 1
        for j in dealers:
            if j != i:
                top, bottom = top * j % n, bottom * (j - i) % n
        out.append(top * pow(bottom, -1, n) % n)
    return out


def _holding(suite, f):
    old = f.board
    return suite.tag("board", suite.id.encode(), bytes([old.t, old.n]), old.y, *old.shares)


def _context(suite, f, x):
    c, first, old = suite.curve, x.first, f.board
    dealers, n, t = first.dealers, first.n, first.t
    need(len(dealers) == old.t and all(i in f.members for i in dealers), "board.formation", "exactly the present quorum deals")
    need(1 <= t <= n <= dkg.MAX_MEMBERS and sorted(x.joined) == list(range(1, n + 1)), "board.formation", "t and n")
    publics = [x.joined[i].static for i in range(1, n + 1)]
    need(len(set(publics)) == n, "board.formation", "two members with one static key")
    for p in publics:
        c.unpack(p)
    session = suite.tag("dkg-reshare", _holding(suite, f), f"{first.session}/{x.number}".encode(), bytes(dealers),
                        *(f.members[i].static for i in dealers))
    return dkg.context(suite, session, publics)


def _transcript(suite, f, x):
    c, first, old = suite.curve, x.first, f.board
    dealers, n, t = first.dealers, first.n, first.t
    over, holding = _context(suite, f, x), _holding(suite, f)
    publics = [x.joined[i].static for i in range(1, n + 1)]
    raw = [x.messages[i] for i in dealers]
    read = [dkg.Message(suite, m, n, t) for m in raw]
    for i, m in zip(dealers, read):
        need(m.commitments[0] == old.shares[i - 1], "board.formation", f"dealer {i} deals another secret")
    need(len({m.ephemeral for m in read}) == len(read), "board.formation", "equal ephemeral keys")
    dkg.possessed(suite, over, read)
    text = dkg.text(suite, over, n, t, publics, read, suite.tag("dkg-handed-on", holding, *raw))
    weights = _weights(c.n, dealers)
    shares = [c.sum(*((w * pow(j, k, c.n) % c.n, m.points[k]) for w, m in zip(weights, read) for k in range(t)))
              for j in range(1, n + 1)]
    y = c.sum(*((w, m.points[0]) for w, m in zip(weights, read)))
    need(y is not None and c.pack(y) == old.y and all(v is not None for v in shares), "board.formation", "another key")
    board = dkg.Board(suite, t, n, old.y, [c.pack(v) for v in shares])
    board.digest = old.digest
    return dkg.Transcript(suite, board, text)
