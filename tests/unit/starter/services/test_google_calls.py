"""A slow Google takes the threads of one merchant, and no others; nobody waits without an end."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from slotsync.errors import Transient
from starter.services.google_calls import GoogleCalls
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

SHORT = timedelta(milliseconds=100)
LONG = timedelta(seconds=30)


class SlowGoogle:
    """Answers once it is allowed to, and counts the calls that are being answered."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.calls = 0
        self._lock = threading.Lock()

    def call(self) -> str:
        with self._lock:
            self.calls += 1
        assert self.answers.wait(30)
        return "slow"


@pytest.fixture
def google() -> Iterator[SlowGoogle]:
    google = SlowGoogle()
    yield google
    google.answers.set()


async def test_a_merchant_with_a_slow_google_leaves_threads_to_the_others(google: SlowGoogle) -> None:
    with closing(GoogleCalls(max_calls=8, max_calls_per_merchant=3, deadline=LONG)) as calls:
        slow = [asyncio.create_task(calls.run("a", google.call)) for _ in range(24)]

        async def three_run() -> bool:
            return google.calls == 3

        await until(three_run)
        assert await calls.run("b", lambda: "quick") == "quick"
        assert google.calls == 3
        google.answers.set()
        assert await asyncio.gather(*slow) == ["slow"] * 24


async def test_a_call_without_an_answer_in_time_is_given_up_and_keeps_its_place(google: SlowGoogle) -> None:
    with closing(GoogleCalls(max_calls_per_merchant=1, deadline=SHORT)) as calls:
        for _ in range(2):
            with pytest.raises(Transient) as raised:
                await calls.run("a", google.call)
            assert raised.value.reason == "too_slow"
        assert google.calls == 1, "the second found no place"
        google.answers.set()

        async def has_place() -> bool:
            try:
                return await calls.run("a", lambda: True)
            except Transient:
                return False

        await until(has_place)


async def test_an_error_of_the_call_is_the_callers(google: SlowGoogle) -> None:
    def fail() -> None:
        raise Transient("Google has an internal error", reason="backendError")

    with closing(GoogleCalls()) as calls:
        with pytest.raises(Transient, match="internal error"):
            await calls.run("a", fail)
        assert await calls.run("a", lambda: 1) == 1
