"""Calendars that people mark and share by hand in Google."""

from tests.support.world import World


async def share(world: World, calendar_id: str, of: str, *, to: str) -> None:
    """Share a calendar with another account, which may then do all but delete it."""
    rule = {"role": "owner", "scope": {"type": "user", "value": to}}
    address = f"/sandbox/accounts/{of}/calendars/{calendar_id}/acl"
    (await world.http.post(address, json=rule)).raise_for_status()


async def describe(world: World, calendar_id: str, of: str, description: str) -> None:
    """Give the calendar another description."""
    address = f"/sandbox/accounts/{of}/calendars/{calendar_id}"
    (await world.http.patch(address, json={"description": description})).raise_for_status()


async def titles_in_calendar(world: World, calendar_id: str, of: str) -> list[str]:
    """Return the titles of the events in a calendar of the account."""
    answer = (await world.http.get(f"/sandbox/accounts/{of}/calendars/{calendar_id}/events")).raise_for_status()
    return sorted(event["summary"] for event in answer.json()["items"])
