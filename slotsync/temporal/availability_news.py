"""Telling the workflow of a product's availability that something has changed for it."""

from temporalio.client import Client

from slotsync.rules.availability_news import AvailabilityState, Subscription
from slotsync.rules.owner import Owner
from slotsync.rules.workflow_ids import availability_id
from slotsync.temporal import queues
from slotsync.temporal.attributes import whose


async def tell_availability(
    client: Client, merchant: str, product: str, subscription: Subscription | None = None
) -> None:
    """Starts the workflow, or has the one that runs look again or note a subscription. Durable when it returns."""
    await client.start_workflow(
        "ProductAvailabilityWorkflow",
        AvailabilityState(merchant=merchant, product=product),
        id=availability_id(merchant, product),
        task_queue=queues.WORKFLOWS,
        start_signal="subscribe" if subscription else "look_again",
        start_signal_args=[subscription] if subscription else [],
        search_attributes=whose(merchant, [Owner.product(product)]),
        static_summary=f"Availability of {product} of {merchant}",
    )
