"""Choices of settings: what the platform sets, and what merchants have chosen themselves."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from slotsync.domain.calendars.owner import OwnerChanges, OwnerSettings
from slotsync.domain.messages import Message

MERCHANTS_SETTINGS: Final = frozenset(
    {"sync", "guest_data", "on_unknown", "pad_before_minutes", "pad_after_minutes", "free_calendars_needed"}
)
"""The settings that are a merchant's to choose. Until it has, the platform's are its defaults."""


class Chooser(StrEnum):
    """The parties that choose settings."""

    MERCHANT = "merchant"
    PLATFORM = "platform"


class Choices(Message):
    """Settings, with the names of those that the merchant has ``chosen``.

    ``overridden`` are those that the platform has changed against the merchant's choice, until the merchant chooses
    again.
    """

    settings: OwnerSettings
    chosen: frozenset[str] = frozenset()
    overridden: frozenset[str] = frozenset()


def first_choices(changes: OwnerChanges) -> Choices | None:
    """Return the choices for an owner that is new, or None if it has no name."""
    if "name" not in changes.model_fields_set:
        return None
    return Choices(settings=OwnerSettings.model_validate(changes.given))


def change_choices(before: Choices, changes: OwnerChanges, chooser: Chooser, *, override: bool = False) -> Choices:
    """Return the choices after a change. What is left out keeps its value.

    What the merchant has chosen stays, too, when the platform sets it, unless with ``override``.
    """
    given = changes.given
    if chooser is Chooser.MERCHANT:
        own = MERCHANTS_SETTINGS & given.keys()
        return Choices(
            settings=_merge(before.settings, given), chosen=before.chosen | own, overridden=before.overridden - own
        )
    against = {name for name in before.chosen & given.keys() if given[name] != getattr(before.settings, name)}
    if not override:
        given = {name: value for name, value in given.items() if name not in against}
        against = set()
    return Choices(
        settings=_merge(before.settings, given),
        chosen=before.chosen - against,
        overridden=before.overridden | against,
    )


def to_text(names: Collection[str]) -> str:
    """Return names of settings as they are stored."""
    return " ".join(sorted(names))


def _merge(settings: OwnerSettings, given: dict[str, object]) -> OwnerSettings:
    # What is stored is not checked anew: its limits may be those of a former version.
    return settings.model_copy(update=given)
