"""Text of a file that a form names: plain or gzip, UTF-8 or what Excel writes, or why it is no text."""

from __future__ import annotations

import zlib
from pathlib import Path

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


def read_text_file(path: Path, most_bytes: int) -> str:
    """Read a file as text.

    Arguments: path; largest size, before and after it is unpacked. A file that starts as gzip is unpacked; UTF-16 is
    known by its mark; what is not UTF-8 is taken as Windows-1252, where only headings can suffer. Errors: ValueError
    with what is wrong in words.
    """
    try:
        if path.stat().st_size > most_bytes:
            raise ValueError(f"is larger than {most_bytes:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if data.startswith(_GZIP):
        data = _unpack(data, most_bytes)
    if data.startswith(_ZIP):
        raise ValueError("is an Excel or zip file: save the sheet as CSV")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decode(data, "utf-16")
    if b"\0" in data[:4096]:
        raise ValueError("is not text: export it as CSV")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _unpack(data: bytes, most_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        found = unpacker.decompress(data, most_bytes + 1)
    except zlib.error:
        raise ValueError("is damaged gzip: pack or download it again") from None
    if len(found) > most_bytes:
        raise ValueError(f"unpacks to more than {most_bytes:,} bytes")
    if not unpacker.eof:
        raise ValueError("is gzip that ends early: pack or download it again")
    if unpacker.unused_data:
        raise ValueError("is gzip with more than one part: pack it again as one file")
    return found


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError("is damaged UTF-16 text: save it as UTF-8") from None
