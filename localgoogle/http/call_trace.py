"""One call while it is answered: apply the faults that are set for it, and record it in the call log."""

import time
from dataclasses import dataclass, field
from datetime import datetime

from localgoogle.faults.faults import apply_fault
from localgoogle.local_google import LocalGoogle
from localgoogle.state.call_log import LoggedCall


@dataclass
class CallTrace:
    """One call and the facts about it that the log records. A ``lost`` call takes effect, but gets no answer."""

    google: LocalGoogle
    path: str
    method: str = ""
    account: str = ""
    reason: str = ""
    lost: bool = False
    started_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.google.clock()
        self._started = time.perf_counter()

    async def apply_faults(self, calendar_id: str = "") -> None:
        """Apply all faults that are set for this call: wait, mark its answer as lost, or raise.

        Raises:
            CalendarApiError: a fault is an error of Google.
            ConnectionDropped: the fault ``drop``.
        """
        for fault in self.google.faults.take_for_call(self.method, self.account, calendar_id):
            self.reason = fault.kind
            self.lost = fault.kind == "lost_response"
            await apply_fault(fault, self.method)

    def record(self, status: int) -> None:
        """Record the call in the call log; ``status`` is 0 if no answer was sent."""
        duration = round((time.perf_counter() - self._started) * 1000, 3)
        self.google.calls.add(
            LoggedCall(self.started_at, self.account, self.method, self.path, status, duration, self.reason)
        )
