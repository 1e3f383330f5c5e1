"""The audit log: what was changed of a merchant, by which actor, from where. It holds no secrets."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from slotsync.domain.calendars.choices import Choices
from slotsync.domain.calendars.owner import Owner, OwnerDefaults
from slotsync.domain.merchant import MerchantDetails
from slotsync.domain.messages import Message

AuditValue = bool | int | str | tuple[str, ...] | None
AuditValues = dict[str, AuditValue]


class ActorKind(StrEnum):
    """The kinds of actors."""

    KEY = "key"
    VISIT = "visit"
    PROGRAM = "program"
    OPERATOR = "operator"
    GOOGLE = "google"
    SLOTSYNC = "slotsync"


class Actor(Message):
    """An API key, a visit of the settings page, a program with the database's password, Google, or slotsync itself.

    ``name`` is the name of the key, of the visit, or of the program's user. ``address`` is where the request came from:
    an address in the network, or the name of the program's machine.
    """

    kind: ActorKind
    name: str = ""
    address: str = ""


OPERATOR = Actor(kind=ActorKind.OPERATOR, name="Temporal")
"""An operator who presses a button in Temporal, which does not say who it was."""

GOOGLE = Actor(kind=ActorKind.GOOGLE)
SLOTSYNC = Actor(kind=ActorKind.SLOTSYNC)


class AuditAction(StrEnum):
    """The actions that are recorded."""

    MERCHANT_CHANGED = "merchant.changed"
    SETTINGS_CHANGED = "settings.changed"
    SETTINGS_DELETED = "settings.deleted"
    CALENDARS_PICKED = "calendars.picked"
    GRANT_GIVEN = "grant.given"
    GRANT_REFUSED = "grant.refused"
    GRANT_RESTORED = "grant.restored"
    GRANT_FORGOTTEN = "grant.forgotten"
    DISCONNECTED = "connection.disconnected"
    VISITS_ENDED = "visits.ended"
    WORK_STOPPED = "work.stopped"
    WORK_RESUMED = "work.resumed"
    KEYS_ROTATED = "keys.rotated"
    MESSAGES_RESENT = "messages.resent"
    MESSAGE_SKIPPED = "message.skipped"
    DRIFT_ANSWERED = "drift.answered"
    ERASED = "data.erased"
    GUESTS_ERASED = "guests.erased"


WHOLE_MERCHANT = "merchant"
CONNECTION = "connection"
DISCONNECTION = "disconnection"
"""The subject of what deletes a merchant's calendars, or our events, in Google when it disconnects."""
SWITCH = "switch"
"""The subject of what turns all products and resources of a merchant on or off."""

DEFAULTS = "defaults."
"""Precedes the name of a setting where its default for new products and resources is meant."""

NOT_RECORDED = "not recorded"
"""Stands for a value that is nobody's business once it has changed."""


class AuditChange(Message):
    """A change of ``subject``: the merchant, its connection, or for example ``product:sunset-tour``.

    ``before`` and ``after`` hold only what differs. ``overridden`` are the settings that the platform has changed
    against the merchant's own choice.
    """

    action: AuditAction
    subject: str
    before: AuditValues = Field(default_factory=dict)
    after: AuditValues = Field(default_factory=dict)
    overridden: tuple[str, ...] = ()


class AuditDetail(Message):
    """The content of an entry: who has changed what, from where."""

    by: Actor
    subject: str
    before: AuditValues = Field(default_factory=dict)
    after: AuditValues = Field(default_factory=dict)
    overridden: tuple[str, ...] = ()


class AuditEntry(Message):
    """An entry of a merchant's audit log. ``number`` counts them without gaps, from 1.

    ``detail`` is None if the key with which it was encrypted is gone, as after an erasure.
    """

    number: int
    at: datetime
    action: str
    detail: AuditDetail | None


def describe_change(
    action: AuditAction,
    subject: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    overridden: tuple[str, ...] = (),
) -> AuditChange | None:
    """Return the change between these values, or None if they are the same."""
    names = [name for name in after if name not in before or before[name] != after[name]]
    if not names:
        return None
    return AuditChange(
        action=action,
        subject=subject,
        before={name: before[name] for name in names if name in before},
        after={name: after[name] for name in names},
        overridden=overridden,
    )


def describe_merchant(
    before: MerchantDetails, after: MerchantDetails, overridden: tuple[str, ...] = ()
) -> AuditChange | None:
    """Return the change of a merchant's details, or None if they are the same.

    Of an address of a person it says that it changed, and of a web address the host: entries stay for ever, and what is
    behind the host may be a secret.
    """
    values = _values_of(before), _values_of(after)
    change = describe_change(AuditAction.MERCHANT_CHANGED, WHOLE_MERCHANT, *values, overridden)
    if change is None:
        return None
    return change.model_copy(
        update={"before": _without_secrets(change.before), "after": _without_secrets(change.after)}
    )


def _values_of(details: MerchantDetails) -> dict[str, Any]:
    defaults = (details.defaults or OwnerDefaults()).model_dump(mode="json")
    named = {f"{DEFAULTS}{name}": value for name, value in defaults.items()}
    return details.model_dump(exclude={"defaults"}) | named


def _without_secrets(values: AuditValues) -> AuditValues:
    hidden = {"email": lambda _: NOT_RECORDED, "return_url": _origin, "logo_url": _origin}
    return {
        name: hidden[name](value) if isinstance(value, str) and name in hidden else value
        for name, value in values.items()
    }


def _origin(url: str) -> str:
    """Return the begin of a web address without user and password, with dots for what follows."""
    scheme, named, *rest = urlsplit(url)
    origin = f"{scheme}://{named.rpartition('@')[2]}"
    return f"{origin}/..." if "".join(rest).strip("/") else origin


def describe_settings(
    owner: Owner, before: Choices | None, after: Choices, known: frozenset[str] = frozenset()
) -> AuditChange | None:
    """Return the change of an owner's settings, or None if they are the same; before the first ones there are none.

    ``known`` are those that the platform had changed against the merchant's choice before.
    """
    former = before.settings.model_dump(mode="json") if before else {}
    return describe_change(
        AuditAction.SETTINGS_CHANGED,
        str(owner),
        former,
        after.settings.model_dump(mode="json"),
        tuple(sorted(after.overridden - known)),
    )
