"""Send a merchant the e-mails that are due."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from activities.mails import MailActivities
    from slotsync.domain.connections.messages import ConnectionRequest
    from slotsync.temporal import queues
    from workflows.steps.deliveries import Deliveries, cancellations_of_activities

_ATTEMPT_TIMEOUT = timedelta(minutes=30)
"""Longer than a mail server may take for all its answers."""

_HEARTBEAT_TIMEOUT = timedelta(seconds=30)
_RETRY_POLICY = RetryPolicy(maximum_interval=timedelta(minutes=30))
"""By RFC 5321, 4.5.4.1: a server that is down, or wants to see a second attempt, is asked again after half an hour."""


def mail_deliveries(merchant: str) -> Deliveries:
    """Return the deliveries of e-mails to the merchant: one at a time, the newest that is due."""

    async def send_next(_waiting: int) -> int:
        with cancellations_of_activities():
            return int(await _send(merchant))

    return Deliveries(send_next)


async def _send(merchant: str) -> bool:
    return await workflow.execute_activity_method(
        MailActivities.send_due_mail,
        ConnectionRequest(merchant=merchant),
        task_queue=queues.LONG,
        start_to_close_timeout=_ATTEMPT_TIMEOUT,
        heartbeat_timeout=_HEARTBEAT_TIMEOUT,
        retry_policy=_RETRY_POLICY,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary="Send the merchant an e-mail about the refused grant",
    )
