"""Faults: errors, delays and lost answers that a test or a person sets, for which calls and how often.

To add a fault that is an error of Google, add its reason to ``protocol/errors.py``, or to ``protocol/token_errors.py``
if the token endpoint answers it. To add one with another effect, add
its name to SPECIAL_KINDS. If it concerns a whole call, add the name to CALL_KINDS, too, and the effect to
``apply_fault``. If not, call ``Faults.take_special`` at the place that it concerns, as ``api/freebusy.py`` does for
``freebusy_error`` and ``http/push_sender.py`` for ``lost_push``. ``quota`` changes the limits of ``quotas.py``.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from localgoogle.protocol.discovery import calendar_v3
from localgoogle.protocol.errors import KNOWN_REASONS, first_with_further, known_error
from localgoogle.protocol.token_errors import TOKEN_REASONS, known_token_error
from localgoogle.state.records import same_address

SPECIAL_KINDS = frozenset({"lost_response", "slow", "drop", "freebusy_error", "lost_push", "quota"})
"""The kinds that are no reason of an error of Google."""
CALL_KINDS = KNOWN_REASONS | TOKEN_REASONS | {"lost_response", "slow", "drop"}
"""The kinds that concern a whole call."""
ALL_KINDS = SPECIAL_KINDS | CALL_KINDS
MAX_FURTHER_ENTRIES = 3
"""Of an error: four entries in ``errors`` at most."""
TOKEN_METHOD = "oauth2.token"  # noqa: S105 - a method, not a secret
OAUTH_METHODS_BY_PATH: Mapping[str, str] = {
    "/o/oauth2/v2/auth": "oauth2.auth",
    "/token": TOKEN_METHOD,
    "/revoke": "oauth2.revoke",
    "/oauth2/v3/userinfo": "oauth2.userinfo",
}
"""The local Google's own names of Google's OAuth endpoints, which the discovery document does not describe."""


class ConnectionDropped(Exception):
    """A fault closes the connection before the call takes effect."""


@dataclass
class Fault:
    """One fault. It strikes ``count`` times, or each time with a ``probability``; without both, until it is cleared.

    ``kind`` is the reason of an error, or one of SPECIAL_KINDS. ``further`` are the reasons of its other entries in
    ``errors``. ``method`` is a method's id, or ``*`` for all. An empty ``account`` or ``calendar`` fits all.
    """

    method: str
    kind: str
    account: str = ""
    calendar: str = ""
    reason: str = ""
    status: int | None = None
    further: tuple[str, ...] = ()
    count: int | None = None
    probability: float | None = None
    delay: timedelta = timedelta(0)
    chance: Random = field(default_factory=Random)

    def strike(self) -> bool:
        """Return whether the fault strikes this time, and count it if it does."""
        if self.count == 0 or (self.probability is not None and self.chance.random() >= self.probability):
            return False
        if self.count is not None:
            self.count -= 1
        return True

    def applies_to(self, method: str, account: str, calendar: str) -> bool:
        """Return whether the fault is set for calls of this method, account and calendar."""
        of_account = not self.account or same_address(self.account, account)
        names = {"", "primary"} if calendar == account else {""}
        of_calendar = self.calendar in names or same_address(self.calendar, calendar)
        return self.method in {"*", method} and of_account and of_calendar


class Faults:
    """All faults that are set, in the order in which they were set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set one more fault."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def all(self) -> list[Fault]:
        """Return the faults that can still strike."""
        return [fault for fault in self._faults if fault.count != 0]

    def take_for_call(self, method: str, account: str, calendar: str) -> list[Fault]:
        """Return the faults that strike this call: all delays first, then at most one of another kind."""
        taken: list[Fault] = []
        for fault in self._faults:
            complete = bool(taken) and taken[-1].kind != "slow"
            if fault.kind not in CALL_KINDS or (complete and fault.kind != "slow"):
                continue
            if fault.applies_to(method, account, calendar) and fault.strike():
                taken.append(fault)
        return sorted(taken, key=lambda fault: fault.kind != "slow")

    def take_special(self, kind: str, method: str, account: str, calendar: str) -> Fault | None:
        """Return the first fault of this special kind that strikes here, or None."""
        for fault in self._faults:
            if fault.kind == kind and fault.applies_to(method, account, calendar) and fault.strike():
                return fault
        return None


async def apply_fault(fault: Fault, method: str) -> None:
    """Wait or raise before a call of the method takes effect.

    Do nothing for ``lost_response``: that call takes effect, and only its answer is lost.

    Raises:
        CalendarApiError: the fault is an error of Google.
        TokenError: the fault is an error of Google's token endpoint.
        ConnectionDropped: the fault is ``drop``.
    """
    if fault.kind == "slow":
        await asyncio.sleep(fault.delay.total_seconds())
    elif fault.kind == "drop":
        raise ConnectionDropped
    elif fault.kind in TOKEN_REASONS:
        raise known_token_error(fault.kind, fault.status)
    elif fault.kind != "lost_response":
        further = (known_error(reason, method=method) for reason in fault.further)
        raise first_with_further([known_error(fault.kind, fault.status, method), *further])


class NewFault(BaseModel):
    """A fault to set, the body of ``POST /sandbox/faults``. Without ``count`` and ``probability`` it strikes once."""

    model_config = ConfigDict(extra="forbid")

    method: str = "*"
    kind: str = ""
    account: str = ""
    calendar: str = ""
    reason: str = ""
    status: int | None = Field(default=None, ge=400, le=599)
    further: list[str] = Field(default_factory=list, max_length=MAX_FURTHER_ENTRIES)
    count: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    seconds: float = Field(default=0, ge=0)
    per_user_per_minute: int | None = Field(default=None, ge=0)
    per_project_per_minute: int | None = Field(default=None, ge=0)

    @field_validator("method")
    @classmethod
    def _known_method(cls, method: str) -> str:
        if method != "*" and method not in calendar_v3().methods and method not in OAUTH_METHODS_BY_PATH.values():
            raise ValueError(f"no such method: {method}; as in the discovery document, such as events.insert, or *")
        return method

    @model_validator(mode="after")
    def _known_kind(self) -> Self:
        self.kind = self.kind or self.reason
        if self.kind not in ALL_KINDS:
            raise ValueError(f"kind: no such fault: {self.kind!r}; one of {sorted(ALL_KINDS)}")
        self._check_reasons()
        if self.kind == "slow" and not self.seconds:
            raise ValueError("seconds: a slow answer needs to know how slow")
        if self.kind == "quota" and self.per_user_per_minute is None and self.per_project_per_minute is None:
            raise ValueError("per_user_per_minute, per_project_per_minute: a quota needs one of them")
        if self.count and self.probability:
            raise ValueError("count, probability: only one of them")
        return self

    def _check_reasons(self) -> None:
        if self.kind in TOKEN_REASONS:
            if self.method not in {"*", TOKEN_METHOD}:
                raise ValueError(f"method: {self.kind} is an error of {TOKEN_METHOD} only")
            self.method = TOKEN_METHOD
        if self.further and self.kind not in KNOWN_REASONS | {"freebusy_error"}:
            raise ValueError(f"further: {self.kind} has no entries in errors")
        if self.kind in KNOWN_REASONS and (unknown := set(self.further) - KNOWN_REASONS):
            raise ValueError(f"further: no such reasons: {sorted(unknown)}")

    def build_fault(self) -> Fault:
        """Return the fault to set, with a random generator of its own."""
        once = self.count is None and self.probability is None
        return Fault(
            method=self.method,
            kind=self.kind,
            account=self.account,
            calendar=self.calendar,
            reason=self.reason,
            status=self.status,
            further=tuple(self.further),
            count=1 if once else self.count,
            probability=self.probability,
            delay=timedelta(seconds=self.seconds),
            chance=Random(self.seed),  # noqa: S311 - chance, not secrecy
        )
