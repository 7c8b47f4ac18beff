"""The board's key recomputed from its transcript (spec/board.md; C2SP COCKTAIL-DKG v0.2)."""
from functools import lru_cache

from .curve import schnorr_verify
from .errors import Bad, need
from .hashes import suite as suite_of

NAMES = {"gm-1": (b"COCKTAIL(SM2, SM3)", b"COCKTAIL-DKG-SM2-SM3-"),
         "intl-1": (b"COCKTAIL(P-256, SHA-256)", b"COCKTAIL-DKG-P256-SHA256-")}
MAX_MEMBERS = 15


def context(suite, session, publics):
    ident = NAMES[suite.id][0]
    return suite.h(b"COCKTAIL-DKG-CONTEXT" + len(session).to_bytes(8, "big") + session
                   + len(ident).to_bytes(8, "big") + ident + len(publics).to_bytes(4, "little") + b"".join(publics))


class Message:
    """C_0 … C_{t-1} ‖ PoP ‖ E ‖ n framed ciphertexts."""

    def __init__(self, suite, raw, n, t):
        need(len(raw) >= 33 * t + 98, "board.formation", "first message: length")
        self.commitments = [raw[33 * k:33 * k + 33] for k in range(t)]
        at = 33 * t
        self.pop, self.ephemeral = raw[at:at + 65], raw[at + 65:at + 98]
        self.points = [suite.curve.unpack(c) for c in self.commitments]
        suite.curve.unpack(self.ephemeral)
        at += 98
        self.shares = []
        for _ in range(n):
            size = int.from_bytes(raw[at:at + 8], "big")
            need(len(raw) >= at + 8 and 48 <= size <= 1024, "board.formation", "an encrypted share's length")
            self.shares.append(raw[at + 8:at + 8 + size])
            at += 8 + size
        need(at == len(raw), "board.formation", "first message: length")


class Board:
    """t, n, Y and Y_1 … Y_n compressed, and the digest that names it."""

    def __init__(self, suite, t, n, y, shares):
        self.suite, self.t, self.n, self.y, self.shares = suite, t, n, y, shares
        self.digest = suite.tag("board", suite.id.encode(), bytes([t, n]), y, *shares).hex()


class Transcript:
    """What the first messages fix: the board, the bytes that everybody signs, and their hash."""

    def __init__(self, suite, board, text):
        self.suite, self.board, self.text, self.hash = suite, board, text, suite.h(text).hex()

    def signed(self, public, signature):
        prefix = NAMES[self.suite.id][1] + b"H7"
        need(schnorr_verify(self.suite, prefix, self.suite.curve.unpack(public), self.text, signature),
             "board.formation", "a transcript signature")


@lru_cache(maxsize=256)
def transcript(suite_id, session, t, publics, messages):
    """Publics and messages in order of index, as tuples of bytes."""
    suite = suite_of(suite_id)
    try:
        return _transcript(suite, session, t, publics, messages)
    except Bad as e:
        raise Bad("board.formation", str(e)) from None


def form(suite_id, session, t, publics, messages, signatures):
    """The board and its transcript's hash, once all have signed."""
    x = transcript(suite_id, session, t, publics, messages)
    for public, signature in zip(publics, signatures):
        x.signed(public, signature)
    return x.board, x.hash


def _transcript(suite, session, t, publics, messages):
    n, c = len(publics), suite.curve
    need(1 <= t <= n <= MAX_MEMBERS, "board.formation", "t and n")
    need(1 <= len(session) <= 256, "board.formation", "session name")
    need(len(set(publics)) == n, "board.formation", "two members with one static key")
    for p in publics:
        c.unpack(p)
    over = context(suite, session, publics)
    read = [Message(suite, m, n, t) for m in messages]
    need(len({m.commitments[0] for m in read}) == n and len({m.ephemeral for m in read}) == n,
         "board.formation", "equal first commitments or ephemeral keys")
    possessed(suite, over, read)
    signed = text(suite, over, n, t, publics, read, suite.tag("dkg-messages", *messages))
    sums = [c.sum(*((1, m.points[k]) for m in read)) for k in range(t)]
    y = sums[0]
    shares = [c.sum(*((pow(i, k, c.n), s) for k, s in enumerate(sums) if s is not None)) for i in range(1, n + 1)]
    need(y is not None and all(s is not None for s in shares), "board.formation", "the identity")
    return Transcript(suite, Board(suite, t, n, c.pack(y), [c.pack(s) for s in shares]), signed)


def admit(suite, over, n, t, raw, earlier):
    """A message by itself, and beside those that came before it."""
    try:
        m = Message(suite, raw, n, t)
        possessed(suite, over, [m])
    except Bad as e:
        raise Bad("board.formation", str(e)) from None
    for other in earlier:
        o = Message(suite, other, n, t)
        need(o.commitments[0] != m.commitments[0] and o.ephemeral != m.ephemeral, "board.formation", "a copy of another's message")
    return m


def possessed(suite, over, read):
    """The proofs of possession of the first commitments."""
    prefix = NAMES[suite.id][1] + b"H7"
    for m in read:
        signed = over + b"".join(m.commitments) + m.ephemeral
        need(schnorr_verify(suite, prefix, m.points[0], signed, m.pop), "board.formation", "a proof of possession")


def text(suite, over, n, t, publics, read, extension):
    """The bytes of a transcript."""
    ident = NAMES[suite.id][0]
    return (len(ident).to_bytes(8, "little") + ident + len(over).to_bytes(8, "little") + over
            + n.to_bytes(4, "little") + t.to_bytes(4, "little") + b"".join(publics)
            + b"".join(x for m in read for x in m.commitments) + b"".join(m.pop for m in read)
            + b"".join(m.ephemeral for m in read) + len(extension).to_bytes(8, "little") + extension)
