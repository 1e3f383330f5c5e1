"""Byte-by-byte search of the files that slotsync writes."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

OURS = ("slotsync.db*", "temporal.db*", "worker.log", "api.log", "temporal.log")
"""Databases with what SQLite keeps beside them, and logs."""

GOOGLES = ("google.db*",)


def found(folder: Path, texts: Mapping[str, str], files: Sequence[str] = OURS) -> set[tuple[str, str]]:
    """Return which of the texts are in which files, in any encoding.

    The log of a database's newest writes (WAL) counts as the database: when they are copied into it is by chance.
    """
    ways = {name: [*_written(text)] for name, text in texts.items()}
    contents = [
        (file.name.removesuffix("-wal"), file.read_bytes()) for pattern in files for file in folder.glob(pattern)
    ]
    return {
        (name, file)
        for file, content in contents
        for name, written in ways.items()
        if any(each in content for each in written)
    }


def _written(text: str) -> Iterator[bytes]:
    """Yield the text as it is, in an address, in JSON, in reprs, and within anything that is in base64."""
    yield text.encode()
    yield text.encode("utf-16-le")
    yield quote(text, safe="").encode()
    yield json.dumps(text)[1:-1].encode()
    yield ascii(text)[1:-1].encode()
    yield repr(text.encode())[2:-1].encode()
    for shift in range(3):
        encoded = _in_base64(text.encode(), shift)
        yield encoded
        yield encoded.translate(bytes.maketrans(b"+/", b"-_"))


def _in_base64(raw: bytes, shift: int) -> bytes:
    """Return the part of its Base64 form that is the same after any text, at this offset modulo 3."""
    whole = b64encode(bytes(shift) + raw)
    return whole[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
