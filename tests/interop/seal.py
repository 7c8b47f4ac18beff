"""Opens a sealed bid from its specification alone: Python's standard library, the `openssl` program
for the leaf's key, and PyPI `cryptography` >= 50 for the body. None of our code.

    seal.py FOLDER KEY.pem        FOLDER/bid.bid under the policy `bidder`, compared with FOLDER/files
    seal.py body seal|open KEYHEX CONTEXTHEX       Cobblestone-256, stdin to stdout
"""

import hashlib
import hmac
import io
import json
import pathlib
import struct
import subprocess
import sys
import tarfile


def take(data, at, width):
    size = int.from_bytes(data[at:at + width], "big")
    at += width
    return data[at:at + size], at + size


def expand(alg, key, info, size):
    out, block = b"", b""
    for n in range(1, 255):
        block = hmac.new(key, block + info + bytes([n]), alg).digest()
        out += block
        if len(out) >= size:
            return out[:size]
    raise ValueError(size)


class Suite:
    def __init__(self, name):
        self.name = name
        self.alg = {"gm-1": "sm3", "intl-1": "sha256"}[name]
        self.key_len = {"gm-1": 16, "intl-1": 32}[name]

    def h(self, data):
        return hashlib.new(self.alg, data).digest()

    def h_tag(self, tag, *parts):
        framed = b"".join(struct.pack(">Q", len(p)) + p for p in parts)
        return self.h(b"mifeng/v1/" + tag + b"\0" + framed)

    def kdf(self, key, label, context, size):
        return expand(self.alg, key, b"mifeng/v1/" + label + b"\0" + context, size)

    def tree(self, data):
        """RFC 6962 over blocks of 1 MiB."""
        blocks = [data[i:i + (1 << 20)] for i in range(0, len(data), 1 << 20)]
        if not blocks:
            return self.h(b"")
        return self.node([self.h(b"\0" + block) for block in blocks])

    def node(self, leaves):
        if len(leaves) == 1:
            return leaves[0]
        half = 1 << (len(leaves) - 1).bit_length() - 1
        return self.h(b"\1" + self.node(leaves[:half]) + self.node(leaves[half:]))


def jcs(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def openssl(*arguments, data):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def der_len(data):
    """Bytes of the DER element that `data` starts with."""
    if data[1] < 0x80:
        return 2 + data[1]
    width = data[1] & 0x7F
    return 2 + width + int.from_bytes(data[2:2 + width], "big")


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def open_leaf(suite, ct, label, key):
    """The share in a certificate leaf, the private key used by `openssl` only."""
    pem = pathlib.Path(key).read_text()
    kind = openssl("pkey", "-in", key, "-noout", "-text", data=b"").decode()
    if suite.name == "gm-1":
        size = der_len(ct)
        block_key = openssl("pkeyutl", "-decrypt", "-inkey", key, data=ct[:size])
        block = openssl("enc", "-d", "-sm4-cbc", "-nopad", "-K", block_key.hex(), "-iv", "00" * 16,
                        data=ct[size:size + 48])
        kappa, check = block[:32], block[32:]
        assert check == suite.kdf(kappa, b"check", label, 16), "check value"
        assert len(ct) == size + 48 + 32
    elif "RSA" in pem or "modulus" in kind.lower():
        oaep = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"]
        options = [word for option in oaep for word in ("-pkeyopt", option)]
        kappa = openssl("pkeyutl", "-decrypt", "-inkey", key, *options, data=ct[:-32])
    else:
        return open_hpke(ct, label, key)
    return xor(ct[-32:], suite.kdf(kappa, b"wrap", label, 32))


def open_hpke(ct, info, key):
    """RFC 9180 base mode by hand: DHKEM(P-256), HKDF-SHA256, AES-256-GCM."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.serialization import (
        Encoding, PublicFormat, load_pem_private_key)

    secret = load_pem_private_key(pathlib.Path(key).read_bytes(), None)
    enc, sealed = ct[:65], ct[65:]
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), enc)
    own = secret.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    dh = secret.exchange(ec.ECDH(), theirs)

    def extract(suite_id, salt, label, ikm):
        return hmac.new(salt or bytes(32), b"HPKE-v1" + suite_id + label + ikm, "sha256").digest()

    def labelled(suite_id, prk, label, context, size):
        return expand("sha256", prk, struct.pack(">H", size) + b"HPKE-v1" + suite_id + label + context, size)

    kem = b"KEM" + struct.pack(">H", 0x10)
    shared = labelled(kem, extract(kem, b"", b"eae_prk", dh), b"shared_secret", enc + own, 32)
    hpke = b"HPKE" + struct.pack(">HHH", 0x10, 1, 2)
    context = (b"\0" + extract(hpke, b"", b"psk_id_hash", b"") + extract(hpke, b"", b"info_hash", info))
    prk = extract(hpke, shared, b"secret", b"")
    aead = AESGCM(labelled(hpke, prk, b"key", context, 32))
    return aead.decrypt(labelled(hpke, prk, b"base_nonce", context, 12), sealed, b"")


def open_body(suite, key, context, body):
    if suite.name == "intl-1":
        from cryptography.cobblestone import Cobblestone256Decryptor

        decryptor = Cobblestone256Decryptor(key, context)
        return decryptor.update(body) + decryptor.finalize()
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    salt, commitment, chunks = body[:24], body[24:56], body[56:]
    info = b"c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0" + salt + context
    okm = expand("sm3", key, info, 16 + 12 + 32)
    assert okm[28:] == commitment, "commitment"
    out = b""
    for index, at in enumerate(range(0, len(chunks), 16400)):
        chunk = chunks[at:at + 16400]
        nonce = xor(okm[16:28], struct.pack(">IQ", 0, index))
        cipher = Cipher(algorithms.SM4(okm[:16]), modes.GCM(nonce, chunk[-16:])).decryptor()
        out += cipher.update(chunk[:-16]) + cipher.finalize()
    assert len(chunks) % 16400 >= 16, "final chunk"
    return out


def open_bid(folder, key):
    folder = pathlib.Path(folder)
    bid = (folder / "bid.bid").read_bytes()
    assert bid[:8] == b"MIFENG\0\1" and bid[-8:] == b"MIFENG\0\2"
    assert int.from_bytes(bid[-16:-8], "big") == len(bid)
    header, at = take(bid, 8, 4)
    body, at = take(bid, at, 8)
    trailer, at = take(bid, at, 4)
    cms, at = take(bid, at, 4)
    assert at == len(bid) - 16
    head, tail = json.loads(header), json.loads(trailer)
    assert jcs(head) == header and jcs(tail) == trailer
    suite = Suite(head["ctx"]["suite"])
    c = suite.h_tag(b"context", jcs(head["ctx"]), jcs(head["policy"]))
    assert tail["header"] == suite.h_tag(b"header", header).hex()
    assert tail["root"] == suite.tree(body).hex(), "root"
    (leaf,) = head["leaves"]
    label = b"leaf\0" + c + leaf["path"].encode() + b"\0" + jcs(head["policy"])
    sigma = open_leaf(suite, bytes.fromhex(leaf["ct"]), label, key)
    assert suite.kdf(sigma, b"commit", c, 32).hex() == head["com"], "commitment to sigma"
    assert body[:24] == suite.kdf(sigma, b"salt", c, 24)
    plain = open_body(suite, suite.kdf(sigma, b"body", c, suite.key_len), c, body)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        for member in tar:
            found[member.name] = tar.extractfile(member).read()
    manifest = json.loads(found.pop("manifest.json"))
    found.pop("manifest.json.p7s")
    assert manifest["context"] == c.hex()
    files = {str(p.relative_to(folder / "files")): p.read_bytes()
             for p in (folder / "files").rglob("*") if p.is_file()}
    assert found == files, "files"
    for entry in manifest["files"]:
        assert entry["hash"] == suite.tree(found[entry["path"]]).hex(), entry["path"]
    print(f"{suite.name}: {len(files)} files, price {manifest['opening']['price']}")


def body_tool(way, key, context):
    from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor

    kind = Cobblestone256Encryptor if way == "seal" else Cobblestone256Decryptor
    tool = kind(bytes.fromhex(key), bytes.fromhex(context))
    out = tool.update(sys.stdin.buffer.read()) + tool.finalize()
    sys.stdout.buffer.write(out)


if __name__ == "__main__":
    if sys.argv[1] == "body":
        body_tool(*sys.argv[2:])
    else:
        open_bid(*sys.argv[1:])
