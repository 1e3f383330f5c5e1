"""Faults: what the local Google was told to do wrong."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

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

    def strikes(self) -> bool:
        """Whether it happens this time; uses up one of its times."""
        if self.count == 0 or (self.probability is not None and self.chance.random() >= self.probability):
            return False
        if self.count is not None:
            self.count -= 1
        return True

    def concerns(self, method: str, account: str, calendar: str) -> bool:
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

    def of_call(self, method: str, account: str, calendar: str) -> list[Fault]:
        """The delays of this call, and at most one other thing to do wrong with it."""
        struck: list[Fault] = []
        for fault in self._faults:
            done = bool(struck) and struck[-1].kind != "slow"
            if fault.kind in {"freebusy_error", "lost_push", "quota"} or (done and fault.kind != "slow"):
                continue
            if fault.concerns(method, account, calendar) and fault.strikes():
                struck.append(fault)
        return sorted(struck, key=lambda fault: fault.kind != "slow")

    def special(self, kind: str, method: str, account: str, calendar: str) -> Fault | None:
        """The first fault of this special kind that strikes here."""
        for fault in self._faults:
            if fault.kind == kind and fault.concerns(method, account, calendar) and fault.strikes():
                return fault
        return None
