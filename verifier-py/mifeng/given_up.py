"""A making or a handing on of a key that was given up (spec/board.md, Complaint; spec/events.md)."""
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import dkg, jcs, reshare, setup, tdh2
from .envelope import open_chunk
from .errors import need
from .state import Forming, on

LENGTH = 196


@on("board.complain")
def complain(s, r):
    d, f = r.data, setup.forming(s, r)
    s.at_stage("setup")
    if d["round"] == 0:
        setup.member(s, f, d["index"], r)
        need(f.board is None and len(f.messages) == len(f.members), "board.formation", "the key is made, or messages are missing")
        publics = tuple(f.members[i].static for i in range(1, len(f.members) + 1))
        x = dkg.transcript(s.suite.id, f.session.encode(), f.members[1].t, publics, tuple(f.messages[i] for i in sorted(f.messages)))
        senders = {i: p for i, p in enumerate(publics, 1)}
        raw, context = f.messages, dkg.context(s.suite, f.session.encode(), publics)
    else:
        f, h = reshare.round_of(s, r)
        need(h.joined and sorted(h.messages) == h.first.dealers, "board.formation", "messages are missing")
        member = h.joined.get(d["index"])
        need(member is not None and member.actor == r.actor, "record.not-authorised", "not the new member of that index")
        x = reshare.transcript(s.suite, f, h)
        publics = tuple(h.joined[i].static for i in range(1, len(h.joined) + 1))
        senders = {i: f.members[i].static for i in h.first.dealers}
        raw, context = h.messages, reshare.context(s.suite, f, h)
    complaint = jcs.unhex(d["complaint"])
    need(len(complaint) == LENGTH and (complaint[0], complaint[1]) == (d["index"], d["accused"]) and d["accused"] in senders,
         "board.formation", "the complaint names others")
    message = dkg.Message(s.suite, raw[d["accused"]], len(publics), _t(f, d, s))
    _judge(s.suite, context, x.hash, complaint, senders[d["accused"]], publics[d["index"] - 1], message)
    _give_up(s, f, d["round"])


def _t(f, d, s):
    return f.members[1].t if d["round"] == 0 else f.round.first.t


@on("board.abandon")
def abandon(s, r):
    d, f = r.data, setup.forming(s, r)
    s.at_stage("setup")
    need(isinstance(d["reason"], str) and not jcs.blank(d["reason"]), "board.formation", "no reason")
    if d["round"] == 0:
        setup.member(s, f, d["index"], r)
        need(f.board is None, "board.formation", "the key is made")
    else:
        f, h = reshare.round_of(s, r)
        holder = f.members.get(d["index"])
        need(holder is not None and holder.actor == r.actor, "record.not-authorised", "not the trustee of that index")
        need(h.joined, "board.formation", "nobody has joined")
    _give_up(s, f, d["round"])


def _give_up(s, f, number):
    """Nothing came of it: who took part need not be recognised, and the session serves no other making."""
    if number:
        s.took_part |= s.leave(f.round.joined.values())
        f.rounds, f.round = number, None
        return
    s.took_part |= s.leave(f.members.values())
    s.sessions_over.add(f.session)
    if f is s.second:
        s.second = Forming()
    else:
        s.main = Forming()


def _judge(suite, context, transcript, complaint, sender, recipient, message):
    """The two shared points are right, and with them the share does not open, or is not the one that was committed to."""
    index, accused = complaint[0], complaint[1]
    points, proofs = (complaint[2:35], complaint[35:68]), (complaint[68:132], complaint[132:])
    label = b"dkg-complaint\0" + bytes.fromhex(transcript) + bytes([accused])
    for base, point, proof in zip((message.ephemeral, sender), points, proofs):
        need(tdh2.share_holds(suite, label, index, recipient, base, point, proof[:32], proof[32:]),
             "board.formation", "a proof of the complaint does not hold")
    try:
        share = _open(suite, context, points, message, sender, recipient, message.shares[index - 1])
    except InvalidTag:
        return
    c = suite.curve
    value = int.from_bytes(share[:32], "big")
    if len(share) < 32 or value >= c.n:
        return
    expected = c.sum(*((pow(index, k, c.n), p) for k, p in enumerate(message.points)))
    need((c.mul(value, c.g) if value else None) != expected, "board.formation", f"the share from trustee {accused} is right")


def _open(suite, context, points, message, sender, recipient, sealed):
    prefix = dkg.NAMES[suite.id][1]
    ikm = suite.h(prefix + b"H6" + points[0] + points[1] + message.ephemeral + sender + recipient
                  + len(context).to_bytes(8, "little") + context)
    nonce, key = suite.h(b"COCKTAIL-derive-nonce" + ikm)[:24], suite.h(b"COCKTAIL-derive-key" + ikm)
    if suite.id == "gm-1":
        return open_chunk(suite.id, key[:16], nonce[:12], sealed)
    return open_chunk(suite.id, _xaes(key, nonce[:12]), nonce[12:], sealed)


def _xaes(key, nonce):
    """The derived key of XAES-256-GCM (C2SP)."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # a block cipher inside CMAC, not a mode for messages
    first = int.from_bytes(block.update(bytes(16)), "big")
    subkey = (first << 1) % 2**128 ^ (0x87 if first >> 127 else 0)
    out = b""
    for counter in (1, 2):
        text = bytes([0, counter]) + b"X\0" + nonce
        out += block.update((int.from_bytes(text, "big") ^ subkey).to_bytes(16, "big"))
    return out
