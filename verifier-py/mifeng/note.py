"""Signed notes, checkpoints and cosignatures (spec/checkpoint.md)."""
import re
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import der, x509
from .errors import Bad, need
from .hashes import digest
from .jcs import unbase64

ED25519, ECDSA, COSIG = b"\1", b"\2", b"\4"
SM2, SM2_COSIG = b"\xffmifeng-sm2-sm3-v1", b"\xffmifeng-cosig-sm2-v1"
KINDS = {"intl-1": {"log": (ED25519, ECDSA), "witness": (COSIG,)}, "gm-1": {"log": (SM2,), "witness": (SM2_COSIG,)}}
MAX_NOTE, MAX_LINES = 131_072, 32
SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f+]")


def name_ok(name):
    return 0 < len(name.encode()) <= 255 and not SPACE.search(name)


class Verifier:
    """A key written `<name>+<id>+<base64>`."""

    def __init__(self, text, suite, role):
        parts = text.split("+", 2) if isinstance(text, str) else []
        need(len(parts) == 3 and name_ok(parts[0]), "log.malformed", "verifier key")
        self.name, data = parts[0], unbase64(parts[2], "log.malformed")
        kinds = [k for k in KINDS[suite][role] if data.startswith(k)]
        need(kinds, "log.key-type", "a key type that this suite does not take here")
        self.kind, self.material = kinds[0], data[len(kinds[0]):]
        if self.kind == ECDSA:
            self.id = digest("sha256", self.material)[:4]
        else:
            self.id = digest("sha256", self.name.encode() + b"\n" + data)[:4]
        need(parts[1] == self.id.hex(), "log.malformed", "key id")
        if self.kind in (ED25519, COSIG):
            need(len(self.material) == 32, "log.malformed", "key material")
        else:
            self.key = x509.Key(der.read(self.material))
            need(self.key.kind == ("P-256" if self.kind == ECDSA else "SM2"), "log.key-type", "curve of a key")

    def verify(self, text, signature):
        """The time in seconds for a cosignature, True for a log's signature; None if it does not hold."""
        if self.kind in (COSIG, SM2_COSIG):
            if len(signature) < 9:
                return None
            seconds = int.from_bytes(signature[:8], "big")
            message = f"cosignature/v1\ntime {seconds}\n".encode() + text
            return seconds if seconds < 2**63 and self._raw(message, signature[8:]) else None
        return True if self._raw(text, signature) else None

    def _raw(self, message, signature):
        if self.kind in (ED25519, COSIG):
            return _ed25519(self.material, message, signature)
        return x509.verify(self.key, "ecdsa-sha256" if self.kind == ECDSA else "sm2", message, signature)


@lru_cache(maxsize=65536)
def _ed25519(key, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


@lru_cache(maxsize=4096)
def key(text, suite, role):
    return Verifier(text, suite, role)


class Note:
    """`text` bytes, `lines` [(name, id, signature)]."""

    def __init__(self, data):
        need(len(data) <= MAX_NOTE, "log.too-large", "note")
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError:
            raise Bad("log.malformed", "not UTF-8") from None
        need(not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", whole), "log.malformed", "a control character")
        text, gap, rest = whole.rpartition("\n\n")
        need(gap and rest.endswith("\n"), "log.unsigned", "no signature lines")
        self.text = (text + "\n").encode()
        self.lines, seen = [], set()
        for line in rest[:-1].split("\n"):
            parts = line.split(" ")
            need(len(parts) == 3 and parts[0] == "\u2014" and name_ok(parts[1]), "log.malformed", "signature line")
            blob = unbase64(parts[2], "log.malformed")
            need(len(blob) > 4, "log.malformed", "a signature of no bytes")
            need((parts[1], blob[:4]) not in seen, "log.malformed", "two lines of one key")
            seen.add((parts[1], blob[:4]))
            self.lines.append((parts[1], blob[:4], blob[4:]))
        need(len(self.lines) <= MAX_LINES, "log.malformed", "too many signature lines")

    def by(self, verifier):
        """What the line of this key says; None without one; a line that does not verify is an error."""
        for name, ident, signature in self.lines:
            if name == verifier.name and ident == verifier.id:
                said = verifier.verify(self.text, signature)
                need(said is not None, "log.bad-signature", name)
                return said
        return None


class Checkpoint(Note):
    def __init__(self, data):
        super().__init__(data)
        lines = self.text.decode().split("\n")
        need(len(lines) == 4 and name_ok(lines[0]), "log.malformed", "a checkpoint has three lines")
        need(re.match(r"(0|[1-9][0-9]{0,19})\Z", lines[1]) and int(lines[1]) < 2**64, "log.malformed", "size")
        self.origin, self.size, self.root = lines[0], int(lines[1]), unbase64(lines[2], "log.malformed")
        need(len(self.root) == 32, "log.malformed", "root")

    def signed_by(self, verifier):
        need(self.origin == verifier.name, "log.origin", self.origin)
        need(self.by(verifier), "log.unsigned", "no signature of the log")


@lru_cache(maxsize=4096)
def checkpoint(data):
    return Checkpoint(data)
