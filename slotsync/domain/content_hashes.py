"""Hashes of contents, by which is seen whether they have changed: without its key nobody can guess contents by one."""

from collections.abc import Callable
from typing import Final

HASH_PREFIX: Final = "h1."
"""The begin of each hash that was made with a key; former ones were plain SHA-256 of the contents."""


class ContentHasher:
    """Makes hashes of contents with the key of one merchant, from plain hashes, which are only kept in memory.

    Without a key they stay plain: processes of a former version may run, which compare them.
    """

    def __init__(self, key_id: str = "", hash_text: Callable[[str], str] | None = None) -> None:
        self._prefix = f"{HASH_PREFIX}{key_id}."
        self._hash_text = hash_text

    @property
    def is_keyed(self) -> bool:
        """True if the hashes are made with a key, and not plain as formerly."""
        return self._hash_text is not None

    def hash(self, plain: str) -> str:
        """Return the hash with the key; an empty one, which stands for an unknown content, as it is."""
        if self._hash_text is None or not plain or is_keyed(plain):
            return plain
        return f"{self._prefix}{self._hash_text(plain)}"

    def matches(self, stored: str | None, plain: str) -> bool:
        """Return whether the stored hash is of the content with this plain one; it may be a plain one, too."""
        return stored in {plain, self.hash(plain)}


def is_keyed(content_hash: str) -> bool:
    """Return whether a hash was made with a key, and not formerly."""
    return content_hash.startswith(HASH_PREFIX)


def is_of_another_key(content_hash: str, other: str) -> bool:
    """Return whether a hash was made with another key than the other one, so that they cannot be compared."""
    return is_keyed(content_hash) and _key_id(content_hash) != _key_id(other)


def _key_id(content_hash: str) -> str:
    return content_hash.removeprefix(HASH_PREFIX).partition(".")[0] if is_keyed(content_hash) else ""
