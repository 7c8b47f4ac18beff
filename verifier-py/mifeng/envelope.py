"""Sealed bids (spec/envelope.md, suites.md): the seal record, its checks without a secret, and opening one."""
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import cms, jcs, leaf, policy, revealed, tdh2, timelock
from .errors import Bad, need
from .hashes import BLOCK, expand, suite as suite_of

START, END = bytes.fromhex("4d4946454e470001"), bytes.fromhex("4d4946454e470002")
MAX_HEADER, MAX_TRAILER, MAX_CMS = 32_768, 4_096, 16_384
CHUNK = 16_384


def padme(t):
    if t <= 1 << 20:
        return 1 << 20
    e = t.bit_length() - 1
    mask = (1 << (e - e.bit_length())) - 1
    return (t + mask) & ~mask


def plain_length(b):
    """Plaintext length of a body of b bytes, or None."""
    r = (b - 56) % 16_400
    return b - 56 - 16 * ((b - 56) // 16_400 + 1) if b >= 56 and r >= 16 else None


def _text64(value):
    need(isinstance(value, str) and 1 <= len(value.encode("utf-8", "surrogatepass")) <= 64
         and not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in value), "envelope.malformed", "text of the context")


class Seal:
    """A seal record that was cut into its parts and read; nothing is verified yet."""

    def __init__(self, record):
        parts, at = [], 0
        for limit in (MAX_HEADER, MAX_TRAILER, MAX_CMS):
            size = int.from_bytes(record[at:at + 4], "big")
            need(len(record) >= at + 4 and 1 <= size <= limit and at + 4 + size <= len(record), "envelope.malformed", "sizes")
            parts.append(record[at + 4:at + 4 + size])
            at += 4 + size
        need(at == len(record), "envelope.malformed", "something follows the seal record")
        self.record, (self.header_raw, self.trailer_raw, self.cms_raw) = record, parts
        self.header = jcs.members(jcs.read(self.header_raw, "json.not-canonical", "header"),
                                  ["com", "ctx", "leaves", "policy", "v"], "json.schema", "header")
        self.trailer = jcs.members(jcs.read(self.trailer_raw, "json.not-canonical", "trailer"),
                                   ["block", "body_len", "header", "root", "v"], "json.schema", "trailer")
        h, t = self.header, self.trailer
        need(jcs.is_int(h["v"]) and h["v"] == 1 == t["v"] and jcs.is_int(t["v"]) and t["block"] == BLOCK,
             "envelope.unsupported", "version or block")
        jcs.hex32(h["com"], "json.schema")
        self.ctx = jcs.members(h["ctx"], ["bidder", "bidder_cert", "envelope", "lot", "nonce", "suite", "tender_event"],
                               "json.schema", "ctx")
        for name in ("bidder", "envelope", "lot"):
            _text64(self.ctx[name])
        for name in ("bidder_cert", "nonce", "tender_event"):
            jcs.hex32(self.ctx[name], "json.schema")
        self.policy = h["policy"]
        policy.whole(self.policy, "envelope.malformed")
        need(isinstance(h["leaves"], list), "json.schema", "leaves")
        self.leaves = [(jcs.members(x, ["ct", "path"], "json.schema", "leaf")["path"], jcs.unhex(x["ct"], "json.schema"))
                       for x in h["leaves"]]
        need(jcs.is_int(t["body_len"]) and t["body_len"] >= 0, "json.schema", "body_len")
        self.root = jcs.hex32(t["root"], "json.schema")

    def context(self, suite):
        return suite.tag("context", jcs.write(self.ctx), jcs.write(self.policy))

    def label(self, context, path, node):
        return b"leaf\0" + context + path.encode() + b"\0" + jcs.write(node)


class Checked:
    """A seal whose checks without a secret hold: id, bidder, lot, signer, certificates of its leaves."""


@lru_cache(maxsize=16384)
def check(record, suite_id, tender_event, lots, notice_policy_json, boards, envelope, chains=()):
    """boards: tuple of (digest, Y, t); chains: of clock leaves. The five steps of spec/envelope.md."""
    suite = suite_of(suite_id)
    seal = Seal(record)
    out = Checked()
    out.seal, ctx = seal, seal.ctx
    need(ctx["suite"] == suite_id and ctx["tender_event"] == tender_event and ctx["lot"] in lots
         and ctx["envelope"] == envelope, "envelope.mismatch", "suite, tender, lot or envelope")
    wanted = jcs.read(notice_policy_json)
    bidder_leaves = [(p, seal_leaf) for (p, node), (_, seal_leaf) in zip(policy.leaves(wanted), policy.leaves(seal.policy))
                     if node.get("cert") == "bidder"]
    resolved = policy.resolve(wanted, bidder_leaves[0][1].get("cert")) if bidder_leaves else wanted
    need(seal.policy == resolved, "envelope.mismatch", "the policy is not the notice's")
    out.id = suite.tag("header", seal.header_raw).hex()
    need(seal.trailer["header"] == out.id, "envelope.mismatch", "trailer of another header")
    plain = plain_length(seal.trailer["body_len"])
    need(plain is not None and plain <= 1 << 40 and padme(plain) == plain, "envelope.body-length", "body_len")
    message = cms.read(seal.cms_raw, seal.trailer_raw, suite_id)
    out.signer, out.certificates = message.signer, message.certificates
    need(out.signer.fingerprint(suite.hash).hex() == ctx["bidder_cert"], "envelope.mismatch", "another signer")
    out.bidder_leaf_path = bidder_leaves[0][0] if bidder_leaves else None
    out.bidder_leaf_cert = bidder_leaves[0][1]["cert"] if bidder_leaves else None
    out.chains = chains
    _leaves(out, suite, boards)
    out.bidder, out.lot = ctx["bidder"], ctx["lot"]
    return out


def _leaves(out, suite, boards):
    seal = out.seal
    wanted = policy.leaves(seal.policy)
    need([p for p, _ in wanted] == [p for p, _ in seal.leaves], "envelope.malformed", "leaves")
    need(len({ct for _, ct in seal.leaves}) == len(seal.leaves), "envelope.malformed", "a ciphertext twice")
    context = seal.context(suite)
    out.context, out.board_leaves, out.boards, out.labels = context, {}, {}, {}
    out.clock_leaves, out.reveal_leaves = {}, {}
    for (path, node), (_, ct) in zip(wanted, seal.leaves):
        label = seal.label(context, path, node)
        out.labels[path] = label
        if node["leaf"] == "group":
            board = next((b for b in boards if b[0] == node["key"]), None)
            need(board is not None, "envelope.unknown-key", "board")
            out.boards[path] = board[0]
            out.board_leaves[path] = tdh2.ciphertext(suite, board[1], label, ct)
        elif node["leaf"] == "cert":
            cert = next((c for c in out.certificates if c.fingerprint(suite.hash).hex() == node["cert"]), None)
            need(cert is not None, "envelope.unknown-key", "the leaf's certificate is not in the signature")
            fits = cert.key.kind == "SM2" if suite.id == "gm-1" else cert.key.kind in ("P-256", "RSA")
            need(fits and cert.key.of_suite(suite.id, True), "envelope.unsupported", "key of a leaf")
            need(len(ct) in leaf.certificate_leaf_sizes(cert.key), "envelope.malformed", "length of a leaf")
        elif node["leaf"] == "reveal":
            need(any(b[0] == node["key"] for b in boards), "envelope.unknown-key", "board")
            need(len(ct) in revealed.sizes(suite), "envelope.malformed", "length of a leaf")
            out.reveal_leaves[path] = (node["key"], ct)
        else:
            chain = next((c for c in out.chains if c.hash == node["chain"]), None)
            need(chain is not None, "envelope.unknown-key", "beacon chain")
            need(len(ct) == timelock.size(chain) + 32, "envelope.malformed", "length of a clock leaf")
            out.clock_leaves[path] = (chain, node["round"], ct)


def _build_header(suite, seal, context, certificates, boards, sigma, labels, chains):
    """The whole header as a function of σ; None where that is impossible."""
    shares = policy.deal(suite, seal.policy, sigma, context)
    leaves = []
    for path, node in policy.leaves(seal.policy):
        rho = suite.kdf(sigma, "leaf", context + path.encode(), 96)
        if node["leaf"] == "group":
            y = next(b[1] for b in boards if b[0] == node["key"])
            ct = tdh2.encrypt(suite, y, labels[path], shares[path], rho)
        elif node["leaf"] == "reveal":
            y = next(b[1] for b in boards if b[0] == node["key"])
            ct = revealed.leaf(suite, y, labels[path], shares[path], rho)
        elif node["leaf"] == "tlock":
            chain = next(c for c in chains if c.hash == node["chain"])
            ct = timelock.leaf(suite, chain, node["round"], labels[path], shares[path], rho)
        else:
            cert = next(c for c in certificates if c.fingerprint(suite.hash).hex() == node["cert"])
            ct = leaf.certificate_leaf(suite, cert.key, labels[path], shares[path], rho)
        if ct is None:
            return None
        leaves.append({"ct": ct.hex(), "path": path})
    return jcs.write({"com": suite.kdf(sigma, "commit", context, 32).hex(), "ctx": seal.ctx, "leaves": leaves,
                      "policy": seal.policy, "v": 1})


def recover(checked, suite, boards, shares):
    """σ from the leaf shares {path: 32 bytes}; the header made again must be the same byte for byte."""
    seal = checked.seal
    sigma = policy.combine(seal.policy, shares)
    need(sigma is not None, "envelope.not-satisfied", "too few shares")
    made = _build_header(suite, seal, checked.context, checked.certificates, boards, sigma, checked.labels, checked.chains)
    need(made == seal.header_raw, "envelope.opening", "the header does not follow from its secret")
    return sigma


def file_parts(blob, seal):
    """The body of a sealed bid's file; the rest must be the seal record byte for byte."""
    view, t, s = blob.view(), seal.trailer_raw, seal.cms_raw
    b = seal.trailer["body_len"]
    head = START + len(seal.header_raw).to_bytes(4, "big") + seal.header_raw + b.to_bytes(8, "big")
    total = 44 + len(seal.header_raw) + b + len(t) + len(s)
    tail = (len(t).to_bytes(4, "big") + t + len(s).to_bytes(4, "big") + s + total.to_bytes(8, "big") + END)
    need(len(view) == total, "envelope.malformed", "length of the file")
    need(bytes(view[:len(head)]) == head and bytes(view[total - len(tail):]) == tail, "envelope.mismatch",
         "the file is not of this seal record")
    return view[len(head):total - len(tail)]


@lru_cache(maxsize=4096)
def body_root(blob, start, size, suite_id):
    return suite_of(suite_id).tree_hash(blob.view()[start:start + size])


def decrypt(suite, context, sigma, body):
    """Salt and commitment first, then every chunk."""
    def bad(text):
        return Bad("envelope.opening", text)

    size = 16 if suite.id == "gm-1" else 32
    name = b"AEAD_SM4_GCM" if suite.id == "gm-1" else b"AEAD_AES_256_GCM"
    wide = "sm3" if suite.id == "gm-1" else "sha512"
    key, salt = suite.kdf(sigma, "body", context, size), suite.kdf(sigma, "salt", context, 24)
    if bytes(body[:24]) != salt:
        raise bad("another salt")
    okm = expand(wide, key, b"c2sp.org/chunked-encryption@v1+" + name + b"\0" + salt + context, size + 44)
    key, base, commitment = okm[:size], int.from_bytes(okm[size:size + 12], "big"), okm[size + 12:]
    if bytes(body[24:56]) != commitment:
        raise bad("another commitment")
    out, at, i = bytearray(), 56, 0
    while True:
        chunk = bytes(body[at:at + CHUNK + 16])
        last = at + len(chunk) == len(body)
        if len(chunk) < 16 or last != (len(chunk) < CHUNK + 16):
            raise bad("the final chunk is missing or full")
        nonce = (base ^ i).to_bytes(12, "big")
        try:
            out += open_chunk(suite.id, key, nonce, chunk)
        except InvalidTag:
            raise bad(f"chunk {i}") from None
        at, i = at + len(chunk), i + 1
        if last:
            return bytes(out)


def open_chunk(suite_id, key, nonce, chunk):
    if suite_id == "intl-1":
        return AESGCM(key).decrypt(nonce, chunk, b"")
    d = Cipher(algorithms.SM4(key), modes.GCM(nonce, chunk[-16:])).decryptor()
    return d.update(chunk[:-16]) + d.finalize()
