"""Byte-by-byte search of what slotsync writes and sends."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

LOGS = ("worker.log", "api.log", "temporal.log")
DATABASES = ("slotsync.db", "temporal.db")
TRACES = ("worker.traces", "api.traces")

OURS = (*(f"{name}*" for name in DATABASES), *LOGS, *TRACES)
"""Databases with what SQLite keeps beside them, logs and traces."""

GOOGLES = ("google.db*",)

Texts = Mapping[str, str | bytes]


def found(folder: Path, texts: Texts, files: Sequence[str] = OURS) -> set[tuple[str, str]]:
    """Return which of the texts are in which files, in any encoding."""
    return found_in(read_files(folder, files), texts)


def read_files(folder: Path, files: Sequence[str] = OURS) -> dict[str, bytes]:
    """Return the contents of the files by name.

    The log of a database's newest writes (WAL) counts as the database: when they are copied into it is by chance.
    """
    contents: dict[str, bytes] = {}
    for file in (file for pattern in files for file in folder.glob(pattern)):
        name = file.name.removesuffix("-wal")
        contents[name] = contents.get(name, b"") + b"\n" + file.read_bytes()
    return contents


def found_in(contents: Mapping[str, bytes], texts: Texts) -> set[tuple[str, str]]:
    """Return which of the texts, or of the keys that are bytes, are in which contents, in any encoding."""
    ways = {name: {*(_written(text) if isinstance(text, str) else _written_key(text))} for name, text in texts.items()}
    return {
        (name, place)
        for place, content in contents.items()
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
    yield from _encoded(text.encode())


def _written_key(key: bytes) -> Iterator[bytes]:
    """Yield the bytes as they are, in reprs, as hexadecimal digits, and within anything that is in base64."""
    yield key
    yield repr(key)[2:-1].encode()
    yield key.hex().encode()
    yield key.hex().upper().encode()
    yield from _encoded(key)


def _encoded(raw: bytes) -> Iterator[bytes]:
    for shift in range(3):
        encoded = _in_base64(raw, shift)
        yield encoded
        yield encoded.translate(bytes.maketrans(b"+/", b"-_"))


def _in_base64(raw: bytes, shift: int) -> bytes:
    """Return the part of its Base64 form that is the same after any text, at this offset modulo 3."""
    whole = b64encode(bytes(shift) + raw)
    return whole[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
