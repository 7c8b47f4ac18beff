"""The archive (spec/dossier.md, Tar): a function of its files, everything else is refused."""
import mmap
import re

from .errors import Bad, need

NAME = re.compile(rb"[A-Za-z0-9._/-]{1,100}\Z")
MAX_FILES = 1_048_576
MAX_FILE = 16_777_216  # bytes of a file that is read whole; sealed bids and documents are not


class Blob:
    """The content of one file. Blobs are equal only if they are the same object, so results about one can be kept."""

    __slots__ = ("buffer", "start", "size", "_bytes")

    def __init__(self, buffer, start, size):
        self.buffer, self.start, self.size, self._bytes = buffer, start, size, None

    def bytes(self):
        if self._bytes is None:
            data = bytes(self.buffer[self.start:self.start + self.size])
            if self.size > MAX_FILE:
                return data
            self._bytes = data
        return self._bytes

    def view(self):
        return memoryview(self.buffer)[self.start:self.start + self.size]


def header(name, size):
    block = bytearray(512)

    def put(at, data):
        block[at:at + len(data)] = data

    put(0, name)
    put(100, b"0000644\0" + b"0000000\0" * 2)
    put(124, b"%011o\0" % size)
    put(136, b"0" * 11 + b"\0")
    put(148, b" " * 8)
    put(156, b"0")
    put(257, b"ustar\x0000")
    put(329, b"0000000\0" * 2)
    put(148, b"%06o\0 " % sum(block))
    return bytes(block)


def parse(buffer, known=None):
    """name → Blob. `known` maps (name, start, size) to blobs of the same buffer that have not changed."""
    end, at, files, before = len(buffer), 0, {}, b""

    def bad(text):
        return Bad("file.malformed", f"at byte {at}: {text}", "V1")

    while True:
        block = bytes(buffer[at:at + 512])
        if len(block) < 512:
            raise bad("the archive ends early")
        if not any(block):
            break
        name = block[:100].rstrip(b"\0")
        if not NAME.match(name) or any(not part or part[:1] == b"." for part in name.split(b"/")):
            raise bad("name of a file")
        if not re.match(rb"[0-7]{11}\0\Z", block[124:136]):
            raise bad("size of a file")
        size = int(block[124:135], 8)
        if header(name, size) != block:
            raise bad("a header that is not the one of its name and size")
        if name <= before:
            raise bad("names out of order")
        before, start, text = name, at + 512, name.decode()
        stop = start + size
        at = stop + -size % 512
        if at > end:
            raise bad("the archive ends inside a file")
        if any(buffer[stop:at]):
            raise bad("padding that is not zero")
        if not text.startswith(("seal/", "docs/")) and size > MAX_FILE:
            raise bad("a file of more than 16 MiB")
        files[text] = (known or {}).get((text, start, size)) or Blob(buffer, start, size)
        if len(files) > MAX_FILES:
            raise bad("too many files")
    if end - at != 1024 or any(buffer[at:end]):
        raise bad("the archive does not end with exactly 1,024 zero bytes")
    return files


def open_file(path):
    with open(path, "rb") as f:
        f.seek(0, 2)
        if not f.tell():
            raise Bad("file.malformed", "an empty file", "V1")
        return mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
