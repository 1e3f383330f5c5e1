"""The log of calls: the latest calls, and exact totals of all."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import datetime

from localgoogle.protocol.json_values import JsonObject

MAX_REMEMBERED_CALLS = 20_000


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call. ``status`` is 0 where no answer was sent; ``reason`` is the error's."""

    time: datetime
    account: str
    method: str
    path: str
    status: int
    duration_ms: float
    reason: str = ""

    def to_json(self) -> JsonObject:
        """As JSON."""
        return asdict(self) | {"time": self.time.isoformat()}


class CallLog:
    """The last calls, and exact totals of all."""

    def __init__(self) -> None:
        self._calls: deque[LoggedCall] = deque(maxlen=MAX_REMEMBERED_CALLS)
        self._totals: Counter[tuple[str, str]] = Counter()

    def add(self, call: LoggedCall) -> None:
        """Remembers a call."""
        self._calls.append(call)
        self._totals[call.account, call.method] += 1

    def find(self, method: str = "", account: str = "", since: datetime | None = None) -> list[LoggedCall]:
        """The remembered calls, oldest first; an empty filter lets all through."""
        return [
            call
            for call in self._calls
            if method in {"", call.method} and account in {"", call.account} and (since is None or call.time >= since)
        ]

    def totals(self, account: str = "") -> dict[str, int]:
        """How many calls each method had since the start, forgotten ones too."""
        totals: Counter[str] = Counter()
        for (who, method), number in self._totals.items():
            if account in {"", who}:
                totals[method] += number
        return dict(sorted(totals.items()))
