"""Show a workflow to operators: search attributes and current details."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from slotsync.domain.health import Blocker, Health
    from slotsync.temporal import search_attributes as attributes


class WorkflowStatus:
    """A workflow's current details and search attributes; an attribute is only written when it changes."""

    def __init__(self) -> None:
        self.health = Health.NEW
        self.doing = "Starting"
        self._reason: str | None = None
        self._since = workflow.now()

    def set_details(self, doing: str) -> None:
        """Show what the workflow does now, with its health and the reason."""
        self.doing = doing
        lines = [doing, "", f"Health: **{self.health}**, since {self._since:%Y-%m-%d %H:%M:%S} UTC"]
        if self._reason:
            lines.append(f"Reason: **{self._reason}**")
        workflow.set_current_details("\n".join(lines))

    def set_health(self, blocker: Blocker | None, doing: str) -> None:
        """Show how the last round ended: in step, or with this blocker."""
        health = blocker.health if blocker else Health.IN_STEP
        reason = blocker.reason if blocker else None
        if (health, reason) != (self.health, self._reason):
            self.health, self._reason, self._since = health, reason, workflow.now()
            workflow.upsert_search_attributes(
                [attributes.HEALTH.value_set(str(health)), _reason_update(reason)],
            )
        self.set_details(doing)

    def set_search_attributes(self, names: Sequence[str], starts: datetime | None) -> None:
        """Show which products and resources the workflow is about, by their names, and when that starts."""
        shown = workflow.info().typed_search_attributes
        updates: list[SearchAttributeUpdate[Sequence[str]] | SearchAttributeUpdate[datetime]] = []
        if names and list(shown.get(attributes.OWNERS) or []) != list(names):
            updates.append(attributes.OWNERS.value_set(list(names)))
        if starts and shown.get(attributes.STARTS) != starts:
            updates.append(attributes.STARTS.value_set(starts))
        if updates:
            workflow.upsert_search_attributes(updates)


def _reason_update(reason: str | None) -> SearchAttributeUpdate[str]:
    return attributes.REASON.value_set(reason) if reason else attributes.REASON.value_unset()
