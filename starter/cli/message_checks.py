"""Check that the platform takes its messages."""

from datetime import datetime

from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.audit_log import AuditLog
from slotsync.store.database.engine import Store
from slotsync.store.message_history import MessageHistory
from starter.cli.findings import Finding


def check_messages(store: Store, settings: Settings, now: datetime) -> Finding:
    """Return whether messages wait that the platform refuses for days, or with 410."""
    vault = Vault(settings.encryption_keys)
    counts = MessageHistory(store, vault, AuditLog(store, vault)).count(now)
    if counts.refused:
        return Finding(
            subject="messages",
            message=f"{counts.refused} messages to the platform wait for three days, or were refused with 410",
            remedy="slotsync webhooks list MERCHANT --state waiting, and show; mend the receiver, or skip them",
        )
    if counts.late:
        return Finding(
            subject="messages",
            message=f"{counts.late} messages have waited for the platform for more than ten minutes",
            remedy="slotsync webhooks test says whether it takes any; slotsync webhooks show, what it has answered",
        )
    return Finding(subject="messages", message=f"{counts.waiting} wait for the platform, none of them for long")
