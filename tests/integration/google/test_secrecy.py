"""No data of a guest and no token is ever logged."""

import logging
from contextlib import suppress

import pytest

from slotsync.errors import GoogleError
from tests.support.adapter_harness import AdapterHarness


@pytest.mark.parametrize("reason", ["", "backendError", "authError", "insufficientPermissions", "drop"])
def test_the_most_talkative_log_shows_no_token_and_no_text_of_an_event(
    adapter: AdapterHarness, caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    adapter.grants.forget_access_tokens()
    if reason:
        adapter.fault("events.insert", reason, count=4)
    with caplog.at_level(logging.DEBUG), suppress(GoogleError):
        adapter.put(summary="Kari Nordmann", description="Allergic to nuts", url="https://example.com/r/1")
    grant = adapter.grants.grants["c-1"]
    assert grant.access_token
    assert "/events" in caplog.text
    for secret in (grant.access_token, grant.refresh_token, "Kari", "Allergic", "example.com/r/1"):
        assert secret not in caplog.text
