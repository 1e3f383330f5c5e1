"""The log of calls: the latest calls, and exact totals of all calls."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import datetime

from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.records import same_address

MAX_REMEMBERED_CALLS = 20_000


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call. ``status`` is 0 if no answer was sent; ``reason`` is that of the error, or the kind of the fault."""

    time: datetime
    account: str
    method: str
    path: str
    status: int
    duration_ms: float
    reason: str = ""

    def to_json(self) -> JsonObject:
        """Return the call as a JSON object, its time in ISO 8601."""
        return asdict(self) | {"time": self.time.isoformat()}


class CallLog:
    """The latest MAX_REMEMBERED_CALLS calls, and exact totals of all calls."""

    def __init__(self) -> None:
        self._calls: deque[LoggedCall] = deque(maxlen=MAX_REMEMBERED_CALLS)
        self._totals: Counter[tuple[str, str]] = Counter()

    def add(self, call: LoggedCall) -> None:
        """Add a call."""
        self._calls.append(call)
        self._totals[call.account, call.method] += 1

    def find(self, method: str = "", account: str = "", since: datetime | None = None) -> list[LoggedCall]:
        """Return the remembered calls, oldest first; an empty filter fits all."""
        return [
            call
            for call in self._calls
            if method in {"", call.method}
            and (not account or same_address(account, call.account))
            and (since is None or call.time >= since)
        ]

    def count_by_method(self, account: str = "") -> dict[str, int]:
        """Return the number of calls of each method since the start, also of calls that are no longer remembered."""
        totals: Counter[str] = Counter()
        for (caller, method), number in self._totals.items():
            if not account or same_address(account, caller):
                totals[method] += number
        return dict(sorted(totals.items()))
