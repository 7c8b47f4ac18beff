"""The plaintext of a bid: a tar whose every byte follows from its last two files (spec/manifest.md)."""
import re

from . import cms, jcs
from .envelope import padme
from .errors import Bad, need
from .tar import header as plain_header

CODE = "envelope.opening"
DECIMAL = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?\Z")
CURRENCY = re.compile(r"[A-Z]{3}\Z")
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\Z", re.I)
FORBIDDEN = re.compile(
    "[\u0000-\u001f\u007f-\u009f\\\\:*?\"<>|\u0300-\u036f\u1100-\u11ff\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u20d0-\u20ff\u3099\u309a\uf900-\ufaff\ufe20-\ufe2f\ufeff\U0002f800-\U0002fa1f]")
MAX_MANIFEST, MAX_SIGNATURE, MAX_FILES, MAX_LINES = 2_097_152, 16_384, 4096, 8192


def text(value):
    need(isinstance(value, str) and 1 <= len(value.encode()) <= 2000
         and not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in value), CODE, "a text of the manifest")


def decimal(value):
    need(isinstance(value, str) and len(value) <= 30 and DECIMAL.match(value), CODE, "a decimal of the manifest")


def path_ok(path):
    if not isinstance(path, str) or not 1 <= len(path.encode()) <= 200 or FORBIDDEN.search(path):
        return False
    for part in path.split("/"):
        if not part or part[-1] in ". " or RESERVED.match(part.split(".")[0].rstrip(" ")):
            return False
    return path not in ("manifest.json", "manifest.json.p7s")


def _lower(path):
    return "".join(c.lower() if c.isascii() else c for c in path)


def check(raw, context):
    need(1 <= len(raw) <= MAX_MANIFEST, CODE, "size of the manifest")
    m = jcs.members(jcs.read(raw, CODE, "manifest"), ["context", "declarations", "detail", "files", "opening", "v"], CODE)
    need(m["v"] == 1 and jcs.is_int(m["v"]) and m["context"] == context.hex(), CODE, "another context or version")
    said(m)
    _files(m["files"])
    return m


def shape(m, code=CODE):
    """Members and types of the parts that bid.open carries, too."""
    d = jcs.members(m["declarations"], ["brand", "domestic", "sme"], code)
    need(isinstance(d["domestic"], bool) and isinstance(d["sme"], bool) and (d["brand"] is None or isinstance(d["brand"], str)),
         code, "declarations")
    o = jcs.members(m["opening"], ["currency", "fields", "price", "price_cn"], code)
    need(all(isinstance(o[k], str) for k in ("currency", "price", "price_cn")), code, "opening")
    for rows, names in ((m["detail"], ["item", "quantity", "unit_price"]), (o["fields"], ["name", "value"])):
        need(isinstance(rows, list) and len(rows) <= MAX_LINES, code, "detail or fields")
        for row in rows:
            jcs.members(row, names, code)
            need(all(isinstance(row[n], str) for n in names), code, "detail or fields")


def said(m):
    shape(m)
    if m["declarations"]["brand"] is not None:
        text(m["declarations"]["brand"])
    for line in m["detail"]:
        text(line["item"])
        decimal(line["quantity"])
        decimal(line["unit_price"])
    o = m["opening"]
    for field in o["fields"]:
        text(field["name"])
        text(field["value"])
    if not (o["currency"] == o["price"] == o["price_cn"] == ""):
        need(CURRENCY.match(o["currency"]), CODE, "currency")
        decimal(o["price"])
        text(o["price_cn"])


def _files(files):
    need(isinstance(files, list) and len(files) <= MAX_FILES, CODE, "files")
    before, names = b"", []
    for f in files:
        jcs.members(f, ["hash", "path", "size"], CODE)
        jcs.hex32(f["hash"], CODE)
        need(jcs.is_int(f["size"]) and 0 <= f["size"] <= 8_589_934_591 and path_ok(f["path"]), CODE, "a file of the manifest")
        key = f["path"].encode()
        need(key > before, CODE, "files out of order")
        before = key
        names.append(_lower(f["path"]))
    folders = {n[:i] for n in names for i, c in enumerate(n) if c == "/"}
    need(len(set(names)) == len(names) and not folders & set(names), CODE, "paths that clash")


def _headers(path, size, number):
    """The blocks before a file's content."""
    name = path.encode()
    if len(name) <= 100:
        return plain_header(name, size)
    body = b" path=" + name + b"\n"
    n = len(name) + 10
    record = str(n).encode() + body
    extended = bytearray(plain_header(f"pax/{number}".encode(), len(record)))
    extended[156] = ord("x")
    extended[148:156] = b" " * 8
    extended[148:156] = b"%06o\0 " % sum(extended)
    return bytes(extended) + record + bytes(-len(record) % 512) + plain_header(f"long/{number}".encode(), size)


def read(suite, plain, context, bidder_cert):
    """(manifest, its raw bytes). The tar is found from its last two files by walking it; then all of it is made again."""
    at, contents, number = 0, [], 0
    while True:
        block = plain[at:at + 512]
        name = block[:100].rstrip(b"\0")
        if block[156:157] == b"x":
            at += 1024  # the extended header and its record; compared below
            block = plain[at:at + 512]
        if not re.match(rb"[0-7]{11}\0\Z", block[124:136]):
            raise Bad(CODE, "a header of the tar")
        size = int(block[124:135], 8)
        at += 512
        need(at + size <= len(plain) and len(contents) <= MAX_FILES + 1, CODE, "an early end")
        contents.append((at, size))
        at += size + -size % 512
        if name == b"manifest.json.p7s":
            break
        number += 1
    need(len(contents) >= 2, CODE, "no manifest")
    (m_at, m_size), (s_at, s_size) = contents[-2:]
    need(1 <= s_size <= MAX_SIGNATURE and 1 <= m_size <= MAX_MANIFEST, CODE, "sizes")
    raw, signature = plain[m_at:m_at + m_size], plain[s_at:s_at + s_size]
    try:
        signer = cms.read(signature, raw, suite.id).signer
    except Bad as e:
        raise Bad(CODE, f"inner signature: {e}") from None
    need(signer.fingerprint(suite.hash).hex() == bidder_cert, CODE, "inner signature by another certificate")
    m = check(raw, context)
    need(len(m["files"]) == len(contents) - 2, CODE, "files of the tar and of the manifest")
    _same(suite, plain, m, contents, raw, signature)
    return m, raw


def _same(suite, plain, m, contents, raw, signature):
    pos = 0
    rows = [(f["path"], f["size"], f) for f in m["files"]]
    rows += [("manifest.json", len(raw), None), ("manifest.json.p7s", len(signature), None)]
    for i, ((path, size, f), (at, found)) in enumerate(zip(rows, contents)):
        head = _headers(path, size, i)
        need(size == found and plain[pos:pos + len(head)] == head and at == pos + len(head), CODE, f"header of {path}")
        pos = at + size
        need(not any(plain[pos:pos + -pos % 512]), CODE, "a gap that is not zero")
        pos += -pos % 512
        if f is not None:
            need(suite.tree_hash(memoryview(plain)[at:at + size]).hex() == f["hash"], CODE, f"hash of {path}")
    total = pos + 1024
    counted = total - (len(signature) + -len(signature) % 512) + MAX_SIGNATURE
    need(len(plain) == padme(counted), CODE, "padded length")
    need(plain.count(0, pos) == len(plain) - pos, CODE, "padding that is not zero")
