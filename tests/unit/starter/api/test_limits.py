"""Requests are bounded: in number, of each merchant, and in time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from starter.api.limits import RequestDeadline, RequestLimit
from starter.api.middleware import BodyLimit
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

SOON = timedelta(milliseconds=50)


class Work:
    """An application that answers once it may, and counts the requests that it works on."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.running: list[str] = []
        self.ended = 0
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        self.running.append(request.url.path)
        await request.body()
        try:
            await self.may_end.wait()
        finally:
            self.running.remove(request.url.path)
            self.ended += 1
        return PlainTextResponse("done")

    async def until_running(self, count: int) -> None:
        async def so() -> bool:
            return len(self.running) == count

        await until(so, poll_interval=0.001)


@pytest.fixture
def work() -> Work:
    return Work()


def client(app: RequestDeadline | RequestLimit | BodyLimit) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")


async def test_a_request_that_takes_too_long_is_answered_and_ended(work: Work) -> None:
    async with client(RequestDeadline(work.app, SOON)) as http:
        answer = await http.get("/slow")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:slotsync:problem:unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert (work.running, work.ended) == ([], 1)


async def test_what_is_no_request_lasts_as_long_as_the_process() -> None:
    """The server's own conversation with the application, its lifespan, is one as well."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(3):
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def receive() -> Message:
        await asyncio.sleep(SOON.total_seconds())
        return {"type": "lifespan.shutdown"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await RequestDeadline(RequestLimit(BodyLimit(app, SOON)), SOON)({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.shutdown.complete"}]


async def test_requests_of_one_merchant_wait_for_each_other_and_for_nobody_else(work: Work) -> None:
    async with client(RequestLimit(work.app, max_requests=99, max_requests_per_merchant=2)) as http:
        storm = [asyncio.create_task(http.get(f"/v1/merchants/noisy/products/{number}")) for number in range(9)]
        await work.until_running(2)
        others = [
            asyncio.create_task(http.get(path))
            for path in ("/v1/merchants/quiet/google", "/settings/", "/v1/merchants")
        ]
        await work.until_running(5)
        asked = asyncio.create_task(http.get("/v1/merchants/noisy/products/tour/confirm"))
        await work.until_running(6)
        assert sum("noisy" in path for path in work.running) == 3, "two, and the question that has a limit of its own"
        work.may_end.set()
        answers = await asyncio.gather(*storm, *others, asked)
    assert {each.status_code for each in answers} == {200}


async def test_a_request_that_finds_no_place_in_time_is_asked_to_come_back(work: Work) -> None:
    limited = RequestLimit(work.app, max_requests=9, max_requests_per_merchant=1, max_wait=SOON)
    async with client(limited) as http:
        running = asyncio.create_task(http.get("/v1/merchants/noisy/google"))
        await work.until_running(1)
        refused = await http.get("/v1/merchants/noisy/google")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        work.may_end.set()
        assert (await running).status_code == 200
        assert (await http.get("/v1/merchants/noisy/google")).status_code == 200, "its place is free again"


async def test_too_many_requests_are_refused_at_once_but_never_probes(work: Work) -> None:
    async with client(RequestLimit(work.app, max_requests=2, max_requests_per_merchant=9)) as http:
        waiting = [asyncio.create_task(http.get(f"/v1/{number}")) for number in range(2)]
        await work.until_running(2)
        refused = await http.get("/v1/merchants")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        probe = asyncio.create_task(http.get("/healthz"))
        await work.until_running(3)
        work.may_end.set()
        assert [each.status_code for each in await asyncio.gather(*waiting, probe)] == [200] * 3
        assert (await http.get("/v1/merchants")).status_code == 200


async def test_a_body_that_does_not_arrive_is_refused_and_its_connection_closed(work: Work) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = await post(BodyLimit(work.app, SOON), endless())
    assert answer == (408, "close")


async def test_a_body_that_has_arrived_leaves_all_time_to_the_answer(work: Work) -> None:
    async with client(BodyLimit(work.app, SOON)) as http:
        waiting = asyncio.create_task(http.post("/slow", content=b"{}"))
        await work.until_running(1)
        await asyncio.sleep(2 * SOON.total_seconds())
        work.may_end.set()
        assert (await waiting).status_code == 200


async def post(app: BodyLimit, body: AsyncIterator[bytes]) -> tuple[int, str]:
    """Post a body piece by piece; httpx' own transport would read all of it first."""
    sent: list[Mapping[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": await anext(body), "more_body": True}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/slow", "headers": [], "query_string": b"", "root_path": ""}
    await app(scope, receive, send)
    headers = httpx.Headers(cast("Sequence[tuple[bytes, bytes]]", sent[0]["headers"]))
    return int(str(sent[0]["status"])), headers["connection"]
