"""Questions to Google have a limit of their own for each connection, which says when to come back."""

import pytest

from slotsync.domain.connections.call_limit import MAX_CALLS_AT_ONCE
from tests.support.api import Api

pytestmark = pytest.mark.anyio


async def test_too_many_questions_about_one_account_are_answered_with_when_to_come_back(
    api: Api, merchant: str
) -> None:
    for name in (merchant, f"{merchant}-other"):
        await api.world.connect(name, f"{name}@gmail.example")
    path = f"/v1/merchants/{merchant}/google/calendars"
    answers = [await api.platform.get(path) for _ in range(MAX_CALLS_AT_ONCE + 20)]
    refused = [each for each in answers if each.status_code != 200]
    assert len(refused) < 20, "some seconds pass, and bring new calls"
    assert refused
    assert {each.status_code for each in refused} == {503}
    assert all(1 <= int(each.headers["Retry-After"]) <= 2 for each in refused)
    assert "too much was asked" in refused[0].json()["detail"].lower()
    other = await api.platform.get(f"/v1/merchants/{merchant}-other/google/calendars")
    assert other.status_code == 200
    shown = (await api.platform.get(f"/v1/merchants/{merchant}/google")).json()
    assert shown["last_error"] is None, "Google itself has refused nothing"
