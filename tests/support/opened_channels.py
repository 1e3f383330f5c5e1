"""Push channels that were opened for merchants, and how they were stopped."""

from contextlib import closing

from slotsync.domain.availability.push_channels import Channel
from slotsync.google.channels import GoogleChannels
from slotsync.google.service import GoogleServices
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.connections.connections import Connections
from tests.support.push_receiver import PushReceiver
from tests.support.samples import EMAIL
from tests.support.world import World


def watched(world: World, push_receiver: PushReceiver, *merchants: str) -> dict[str, Channel]:
    """Open a channel on the primary calendar for each of these merchants, as the poller does, and return them."""
    accounts, channels = WatchedAccounts(world.store, world.vault), PushChannels(world.store, world.vault)
    connections = Connections(world.store, world.vault)
    opened: dict[str, Channel] = {}
    with closing(GoogleServices(world.settings, connections)) as services:
        for merchant in merchants:
            connection_id = connections.get_active_id(merchant)
            assert connection_id
            accounts.add(connection_id)
            accounts.add_calendars(connection_id, [EMAIL])
            (calendar,) = accounts.get_calendars(connection_id)
            new = channels.prepare(calendar.id, "here")
            answer = GoogleChannels(services).open(connection_id, EMAIL, new, push_receiver.address)
            channels.record_opening(new.id, answer.resource_id, answer.expires_at)
            (opened[merchant],) = channels.get_connection_channels(connection_id)
    return opened


async def stopped(world: World) -> list[int]:
    """Return the statuses of the calls that stopped a channel."""
    calls = (await world.http.get("/sandbox/calls", params={"method": "channels.stop"})).raise_for_status().json()
    return [call["status"] for call in calls["items"]]
