"""A grant that waits for a merchant's word, as text to be sealed."""

from pydantic import TypeAdapter

from slotsync.store.connections import NewGrant

_GRANT = TypeAdapter(NewGrant)


def held(grant: NewGrant) -> str:
    """The grant as text: it holds tokens."""
    return _GRANT.dump_json(grant).decode()


def taken_up(text: str) -> NewGrant:
    """The grant that was held."""
    return _GRANT.validate_json(text)
