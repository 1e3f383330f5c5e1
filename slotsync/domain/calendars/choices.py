"""Choices of settings: what the platform sets, and what merchants have chosen themselves."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from slotsync.domain.calendars.owner import OwnerChanges, OwnerDefaults, OwnerSettings, Switch
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


def first_choices(changes: OwnerChanges, defaults: OwnerDefaults) -> Choices | None:
    """Return the choices for an owner that is new, or None if it has no name."""
    if "name" not in changes.model_fields_set:
        return None
    return Choices(settings=_merge(_new_settings(changes.name, defaults), changes.given))


def renew_choices(
    former: Choices, changes: OwnerChanges, defaults: OwnerDefaults, chooser: Chooser, *, override: bool = False
) -> Choices | None:
    """Return the choices for an owner that was deleted and is put again, or None if it has no name.

    It is a new one, but what the merchant had chosen stays: a deletion by the platform is no way round it.
    """
    if "name" not in changes.model_fields_set:
        return None
    kept = {name: getattr(former.settings, name) for name in former.chosen}
    settings = _merge(_new_settings(changes.name, defaults), kept)
    return change_choices(former.model_copy(update={"settings": settings}), changes, chooser, override=override)


def switch_choices(
    before: Choices, wanted: Switch, chooser: Chooser, *, removing: bool, override: bool = False
) -> Choices | None:
    """Return the choices after a switch, or None if the merchant has chosen otherwise and there is no ``override``.

    ``removing`` is whether our events are removed while it is off.
    """
    after = change_choices(before, OwnerChanges(sync=wanted.sync), chooser, override=override)
    removal = is_removal(wanted, off=not before.settings.sync, removing=removing)
    against = removal and chooser is Chooser.PLATFORM and "sync" in before.chosen
    if after.settings.sync is not wanted.sync or (against and not override):
        return None
    if against:
        own = frozenset({"sync"})
        return after.model_copy(update={"chosen": after.chosen - own, "overridden": after.overridden | own})
    return after


def merchants_part(chosen: Collection[str], chooser: Chooser) -> set[str]:
    """Return the fields of a switch that stay as they are: with its choice, a merchant has chosen about events."""
    return {"remove_events"} if "sync" in chosen and chooser is Chooser.PLATFORM else set()


def is_removal(wanted: Switch, *, off: bool, removing: bool) -> bool:
    """Return whether a switch removes our events of something that is off, and that was left as it is."""
    return off and not wanted.sync and wanted.remove_events and not removing


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


def _new_settings(name: str, defaults: OwnerDefaults) -> OwnerSettings:
    return _merge(OwnerSettings.model_construct(name=name), defaults.values)


def _merge(settings: OwnerSettings, given: dict[str, object]) -> OwnerSettings:
    # What is stored is not checked anew: its limits may be those of a former version.
    return settings.model_copy(update=given)
