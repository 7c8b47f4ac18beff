"""Leaves of a seal made again from the secret (spec/envelope.md, Sealing)."""
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import tdh2
from .curve import P256, SM2, sm2_encrypt
from .hashes import digest, expand, extract

KEM, HPKE = b"KEM\0\x10", b"HPKE\0\x10\0\1\0\2"


def _labeled_extract(suite, salt, label, key):
    return extract("sha256", salt, b"HPKE-v1" + suite + label + key)


def _labeled_expand(suite, key, label, info, length):
    return expand("sha256", key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def hpke_seal(point, info, plain, ikm):
    """RFC 9180 base mode, DHKEM(P-256, HKDF-SHA256), AES-256-GCM, the ephemeral key pair from `ikm`."""
    prk = _labeled_extract(KEM, b"", b"dkp_prk", ikm)
    for counter in range(256):
        secret = int.from_bytes(_labeled_expand(KEM, prk, b"candidate", bytes([counter]), 32), "big")
        if 0 < secret < P256.n:
            break
    else:
        return None
    enc = P256.pack65(P256.base(secret))
    shared = P256.mul(secret, point)[0].to_bytes(32, "big")
    key, nonce = hpke_keys(shared, enc, P256.pack65(point), info)
    return enc + AESGCM(key).encrypt(nonce, plain, b"")


def hpke_keys(shared, enc, public, info):
    """Key and nonce from the Diffie-Hellman value, the same for both sides."""
    eae = _labeled_extract(KEM, b"", b"eae_prk", shared)
    shared = _labeled_expand(KEM, eae, b"shared_secret", enc + public, 32)
    context = (b"\0" + _labeled_extract(HPKE, b"", b"psk_id_hash", b"") + _labeled_extract(HPKE, b"", b"info_hash", info))
    secret = _labeled_extract(HPKE, shared, b"secret", b"")
    return _labeled_expand(HPKE, secret, b"key", context, 32), _labeled_expand(HPKE, secret, b"base_nonce", context, 12)


def _der(tag, body):
    size = len(body)
    head = bytes([size]) if size < 128 else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + head + body


def _integer(value):
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def sm2_leaf(suite, point, label, share, rho):
    kappa, t = rho[64:96], rho[48:64]
    made = sm2_encrypt(point, t, int.from_bytes(rho[:48], "big") % SM2.n)
    if made is None:
        return None
    x, y, c3, c2 = made
    cipher = _der(0x30, _integer(x) + _integer(y) + _der(4, c3) + _der(4, c2))
    block = kappa + suite.kdf(kappa, "check", label, 16)
    enc = Cipher(algorithms.SM4(t), modes.CBC(bytes(16))).encryptor()
    return cipher + enc.update(block) + enc.finalize() + tdh2.xor(share, suite.kdf(kappa, "wrap", label, 32))


def _mgf1(seed, length):
    out, i = b"", 0
    while len(out) < length:
        out += digest("sha256", seed + i.to_bytes(4, "big"))
        i += 1
    return out[:length]


def rsa_leaf(suite, key, label, share, rho):
    numbers = key.public.public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    kappa, seed = rho[64:96], rho[:32]
    block = digest("sha256", b"") + bytes(size - 32 - 64 - 2) + b"\1" + kappa
    masked = tdh2.xor(block, _mgf1(seed, len(block)))
    padded = b"\0" + tdh2.xor(seed, _mgf1(masked, 32)) + masked
    return (pow(int.from_bytes(padded, "big"), numbers.e, numbers.n).to_bytes(size, "big")
            + tdh2.xor(share, suite.kdf(kappa, "wrap", label, 32)))


def certificate_leaf(suite, key, label, share, rho):
    if key.kind == "SM2":
        return sm2_leaf(suite, key.point, label, share, rho)
    if key.kind == "P-256":
        return hpke_seal(key.point, label, share, rho[:32])
    return rsa_leaf(suite, key, label, share, rho) if key.kind == "RSA" else None


def certificate_leaf_sizes(key):
    """The lengths that a leaf to this key can have."""
    if key.kind == "SM2":
        return range(80 + 100, 80 + 130)
    return [113] if key.kind == "P-256" else [(key.bits + 7) // 8 + 32]


