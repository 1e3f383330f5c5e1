"""The list of merchants: all of them, and those with a connection that needs somebody."""

import re

import pytest

from slotsync.store.connections.connections import Connections
from tests.support.api import Api

pytestmark = pytest.mark.anyio


async def refuse(api: Api, merchant: str) -> None:
    """Connect the merchant, and record that Google refuses the grant."""
    await api.world.connect(merchant, f"{merchant}@gmail.example")
    connections = Connections(api.world.store, api.world.vault)
    assert connections.mark_revoked(connections.get_id(merchant) or "", "admin_policy_enforced", 1)


async def count_revoked(api: Api) -> int:
    metrics = (await api.stranger.get("/metrics")).text
    (found,) = re.findall(r'slotsync_connections{state="revoked"} (\d+)', metrics)
    return int(found)


async def test_a_refused_grant_is_in_the_list_with_its_remedy_and_in_the_metrics(api: Api, merchant: str) -> None:
    before = await count_revoked(api)
    await api.platform.put(f"/v1/merchants/{merchant}", json={"name": "Arctic Kayaks"})
    await refuse(api, merchant)
    answer = await api.platform.get("/v1/merchants", params={"attention": True, "limit": 200})
    (line,) = (each for each in answer.raise_for_status().json()["items"] if each["merchant"] == merchant)
    assert (line["name"], line["state"], line["reason"]) == ("Arctic Kayaks", "revoked", "admin_policy_enforced")
    assert line["remedy"].startswith("The administrator of the Google Workspace")
    assert await count_revoked(api) == before + 1
    overview = await api.world.slotsync.overview(merchant)
    assert [each.merchant for each in overview.connections] == [merchant]


async def test_all_merchants_are_listed_page_by_page(api: Api, merchant: str) -> None:
    names = [f"{merchant}-{number}" for number in range(3)]
    for name in names:
        await api.platform.put(f"/v1/merchants/{name}", json={})
    listed, after = list[str](), merchant
    while after and len(listed) < len(names):
        page = (await api.platform.get("/v1/merchants", params={"limit": 2, "after": after})).json()
        listed += [each["merchant"] for each in page["items"]]
        after = page["next"]
    assert listed[:3] == names


@pytest.mark.parametrize("limit", [0, 201])
async def test_a_page_without_bounds_is_refused(api: Api, limit: int) -> None:
    assert (await api.platform.get("/v1/merchants", params={"limit": limit})).status_code == 422
