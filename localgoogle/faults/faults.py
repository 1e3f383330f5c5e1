"""Faults: what the local Google was told to do wrong, how often and for which calls, and what then happens."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from localgoogle.protocol.discovery import Method, calendar_v3
from localgoogle.protocol.errors import KNOWN_REASONS, known_error

SPECIAL_KINDS = frozenset({"lost_response", "slow", "drop", "freebusy_error", "lost_push", "quota"})
OAUTH_METHODS = frozenset({"oauth2.auth", "oauth2.token", "oauth2.revoke", "oauth2.userinfo"})
"""Names of ours for Google's OAuth endpoints, which the discovery document does not describe."""


@dataclass
class Fault:
    """One thing to do wrong, ``count`` times or with a ``probability`` at each chance.

    ``kind`` is the reason of an error, or one of the special kinds. ``method`` is a method's id, or ``*`` for all.
    """

    method: str
    kind: str
    account: str = ""
    calendar: str = ""
    reason: str = ""
    status: int | None = None
    count: int | None = None
    probability: float | None = None
    delay: timedelta = timedelta(0)
    chance: Random = field(default_factory=Random)

    def takes_effect(self) -> bool:
        """Whether it happens this time; uses up one of its times."""
        if self.count == 0 or (self.probability is not None and self.chance.random() >= self.probability):
            return False
        if self.count is not None:
            self.count -= 1
        return True

    def applies_to(self, method: str, account: str, calendar: str) -> bool:
        """Whether it was meant for this call."""
        here = {"", calendar, "primary"} if calendar == account else {"", calendar}
        return self.method in {"*", method} and self.account in {"", account} and self.calendar in here


class Faults:
    """All faults that are set, in the order of their setting."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Sets one more."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Behaves well again."""
        self._faults.clear()

    def all(self) -> list[Fault]:
        """The faults that can still happen."""
        return [fault for fault in self._faults if fault.count != 0]

    def take_for_call(self, method: str, account: str, calendar: str) -> list[Fault]:
        """The delays of this call, and at most one other thing to do wrong with it."""
        taken: list[Fault] = []
        for fault in self._faults:
            done = bool(taken) and taken[-1].kind != "slow"
            if fault.kind in {"freebusy_error", "lost_push", "quota"} or (done and fault.kind != "slow"):
                continue
            if fault.applies_to(method, account, calendar) and fault.takes_effect():
                taken.append(fault)
        return sorted(taken, key=lambda fault: fault.kind != "slow")

    def take_special(self, kind: str, method: str, account: str, calendar: str) -> Fault | None:
        """The first fault of this special kind that strikes here."""
        for fault in self._faults:
            if fault.kind == kind and fault.applies_to(method, account, calendar) and fault.takes_effect():
                return fault
        return None


async def apply_fault(fault: Fault, method: Method) -> None:
    """Wait or raise, as the fault says; the dispatcher itself loses responses."""
    if fault.kind == "slow":
        await asyncio.sleep(fault.delay.total_seconds())
    elif fault.kind != "lost_response":
        raise known_error(fault.kind, fault.status, method.id)


class NewFault(BaseModel):
    """A fault to set. Without ``count`` and ``probability`` it happens once."""

    model_config = ConfigDict(extra="forbid")

    method: str = "*"
    kind: str = ""
    account: str = ""
    calendar: str = ""
    reason: str = ""
    status: int | None = Field(default=None, ge=400, le=599)
    count: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    seconds: float = Field(default=0, ge=0)
    per_user_per_minute: int | None = Field(default=None, ge=0)
    per_project_per_minute: int | None = Field(default=None, ge=0)

    @field_validator("method")
    @classmethod
    def _known_method(cls, method: str) -> str:
        if method != "*" and method not in calendar_v3().methods and method not in OAUTH_METHODS:
            raise ValueError(f"no such method: {method}; as in the discovery document, such as events.insert, or *")
        return method

    @model_validator(mode="after")
    def _known_kind(self) -> Self:
        self.kind = self.kind or self.reason
        if self.kind not in SPECIAL_KINDS | KNOWN_REASONS:
            raise ValueError(f"kind: no such fault: {self.kind!r}; one of {sorted(SPECIAL_KINDS | KNOWN_REASONS)}")
        if self.kind == "slow" and not self.seconds:
            raise ValueError("seconds: a slow answer needs to know how slow")
        if self.kind == "quota" and self.per_user_per_minute is None and self.per_project_per_minute is None:
            raise ValueError("per_user_per_minute, per_project_per_minute: a quota needs one of them")
        if self.count and self.probability:
            raise ValueError("count, probability: only one of them")
        return self

    def fault(self) -> Fault:
        """What is set."""
        once = self.count is None and self.probability is None
        return Fault(
            method=self.method,
            kind=self.kind,
            account=self.account,
            calendar=self.calendar,
            reason=self.reason,
            status=self.status,
            count=1 if once else self.count,
            probability=self.probability,
            delay=timedelta(seconds=self.seconds),
            chance=Random(self.seed),  # noqa: S311 - chance, not secrecy
        )
