"""Events with marks of the first format, as slotsync wrote them before its marks had names of their own."""

from collections.abc import Mapping

_FIELDS = ("merchant", "reservation", "item", "owner", "version", "fingerprint")


def first_format(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the mark of the first format in place of one of today."""
    return {"slotsync": "1", **{name: properties[f"slotsync{name.capitalize()}"] for name in _FIELDS}}


def in_first_format(properties: Mapping[str, str], **theirs: str) -> dict[str, str | None]:
    """Return the change of private properties after which the mark is of the first format.

    ``theirs`` are properties of another program.
    """
    return {**dict.fromkeys(properties), **first_format(properties), **theirs}
