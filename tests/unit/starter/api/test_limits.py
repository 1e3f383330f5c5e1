"""Requests are bounded: in number, of each merchant, and in time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import cast

import httpx
import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotsync.google.channels import PUSH_PATH
from starter.api.bodies import BodyLimit
from starter.api.errors import register_error_handlers
from starter.api.keys import ApiKey
from starter.api.limits import MerchantLimit, RequestDeadline, RequestLimit
from starter.api.shares import SHARES
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

    def limited(self, limit: MerchantLimit) -> FastAPI:
        """Return the application with routes of merchants, each of which has this limit."""
        app = FastAPI(dependencies=[Depends(limit)])
        register_error_handlers(app)
        for route in ("", "/google", "/products/{product}", "/products/{product}/confirm"):
            app.add_api_route(f"/v1/merchants/{{merchant}}{route}", self._answer, methods=["GET", "POST"])
        return app

    async def until_running(self, count: int) -> None:
        async def so() -> bool:
            return len(self.running) == count

        await until(so, poll_interval=0.001)


@pytest.fixture
def work() -> Work:
    return Work()


def client(app: ASGIApp, address: str = "127.0.0.1") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 1)), base_url="http://here")


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
    async with client(work.limited(MerchantLimit(max_requests=2, max_waiting=9))) as http:
        storm = [asyncio.create_task(http.get(f"/v1/merchants/noisy/products/{number}")) for number in range(9)]
        await work.until_running(2)
        other = asyncio.create_task(http.get("/v1/merchants/quiet/google"))
        await work.until_running(3)
        asked = asyncio.create_task(http.post("/v1/merchants/noisy/products/tour/confirm"))
        await work.until_running(4)
        assert sum("noisy" in path for path in work.running) == 3, "two, and the question that has a limit of its own"
        work.may_end.set()
        answers = await asyncio.gather(*storm, other, asked)
    assert {each.status_code for each in answers} == {200}


@pytest.mark.parametrize("path", ["", "/google", "/products/confirm", "/products/tour/confirm"])
async def test_no_route_of_a_merchant_escapes_its_limit_by_what_its_address_looks_like(work: Work, path: str) -> None:
    async with client(work.limited(MerchantLimit(max_requests=1, max_wait=SOON))) as http:
        running = asyncio.create_task(http.get("/v1/merchants/noisy/google"))
        await work.until_running(1)
        refused = await http.get(f"/v1/merchants/noisy{path}")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        work.may_end.set()
        assert (await running).status_code == 200
        assert (await http.get("/v1/merchants/noisy/google")).status_code == 200, "its place is free again"


async def test_of_a_storm_of_one_merchant_only_a_few_wait(work: Work) -> None:
    """Those that wait have places of the API, too: all of them would be refused to others meanwhile."""
    async with client(work.limited(MerchantLimit(max_requests=1, max_waiting=1))) as http:
        storm = [asyncio.create_task(http.get("/v1/merchants/noisy/google")) for _ in range(9)]

        async def refused() -> bool:
            return sum(each.done() for each in storm) == 7

        await until(refused, poll_interval=0.001)
        work.may_end.set()
        answers = [each.status_code for each in await asyncio.gather(*storm)]
    assert sorted(answers) == [200] * 2 + [503] * 7


async def test_too_many_requests_are_refused_at_once_but_never_probes(work: Work) -> None:
    async with client(RequestLimit(work.app, max_requests=4)) as http:
        waiting = [asyncio.create_task(http.get(f"/settings/{number}")) for number in range(3)]
        await work.until_running(3)
        refused = await http.get("/settings/")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        probe = asyncio.create_task(http.get("/healthz"))
        await work.until_running(4)
        work.may_end.set()
        assert [each.status_code for each in await asyncio.gather(*waiting, probe)] == [200] * 4
        assert (await http.get("/settings/")).status_code == 200


def with_key(app: ASGIApp) -> ASGIApp:
    """Return the application behind a gate: a query is the name of a key, ``narrow`` of one for some merchants only."""

    async def gate(scope: Scope, receive: Receive, send: Send) -> None:
        name = str(scope["query_string"], "ascii")
        scope["state"] = {"api_key": ApiKey(name, merchants="a-" if name == "narrow" else "")} if name else {}
        await app(scope, receive, send)

    return gate


async def test_pages_and_keys_of_some_merchants_take_no_places_of_google_or_of_other_keys(work: Work) -> None:
    async with client(with_key(RequestLimit(work.app, max_requests=SHARES))) as http:
        pages = [asyncio.create_task(http.get("/settings/")) for _ in range(SHARES - 1)]
        narrow = asyncio.create_task(http.get("/v1/merchants/a-1?narrow"))
        await work.until_running(SHARES)
        assert (await http.get("/settings/")).status_code == 503
        assert (await http.get("/v1/merchants/a-2?narrow")).status_code == 503
        others = [asyncio.create_task(http.get(f"/v1/merchants/b-{number}?wide")) for number in range(SHARES - 1)]
        pushed = asyncio.create_task(http.post(PUSH_PATH))
        await work.until_running(SHARES + SHARES)
        work.may_end.set()
        answers = await asyncio.gather(*pages, narrow, *others, pushed)
    assert {each.status_code for each in answers} == {200}


@pytest.mark.parametrize("path", ["/v1/merchants/{}?key", "/v1/merchants/{}/products/{}?key", "/settings/{}"])
async def test_however_many_storm_together_another_one_finds_a_place(work: Work, path: str) -> None:
    """Who has a key is known by its merchant, all others by their address."""
    app = with_key(RequestLimit(work.app, max_requests=40))
    async with AsyncExitStack() as opened:
        callers = [await opened.enter_async_context(client(app, f"192.0.2.{number}")) for number in range(6)]
        *storm, late = [partial(http.get, path.format(number, number)) for number, http in enumerate(callers)]
        storming = [asyncio.create_task(ask()) for _ in range(40) for ask in storm]
        for each in storming:
            await asyncio.wait({each}, timeout=0)

        async def so() -> bool:
            return len(work.running) + sum(each.done() for each in storming) == len(storming)

        await until(so, poll_interval=0.001)
        answering = asyncio.create_task(late())
        await work.until_running(len(work.running) + 1)
        work.may_end.set()
        answers = [each.status_code for each in await asyncio.gather(*storming)]
        assert ((await answering).status_code, {*answers}) == (200, {200, 503})
    assert 30 <= answers.count(200) < 40, "and the storms have nearly all, as long as nobody else wants any"


async def test_bodies_that_are_read_slowly_leave_places_for_those_of_other_addresses(work: Work) -> None:
    limit = BodyLimit(work.app, max_without_key=4)
    announced = [(b"content-length", b"50")]
    slow = [asyncio.create_task(post(limit, endless(), announced)) for _ in range(5)]

    async def refused() -> bool:
        return sum(each.done() for each in slow) == 2

    await until(refused, poll_interval=0.001)
    assert {each.result() for each in slow if each.done()} == {(503, "close")}
    work.may_end.set()
    async with client(limit, "192.0.2.1") as other, client(limit) as same:
        assert (await other.post("/", content=b"{}")).status_code == 200
        assert (await same.get("/")).status_code == 200, "it has no body"
    for each in slow:
        each.cancel()
    await asyncio.wait(slow)


async def endless() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


async def test_a_body_that_does_not_arrive_is_refused_and_its_connection_closed(work: Work) -> None:
    answer = await post(BodyLimit(work.app, SOON), endless())
    assert answer == (408, "close")


async def test_a_body_that_has_arrived_leaves_all_time_to_the_answer(work: Work) -> None:
    async with client(BodyLimit(work.app, SOON)) as http:
        waiting = asyncio.create_task(http.post("/slow", content=b"{}"))
        await work.until_running(1)
        await asyncio.sleep(2 * SOON.total_seconds())
        work.may_end.set()
        assert (await waiting).status_code == 200


async def post(
    app: BodyLimit, body: AsyncIterator[bytes], headers: Sequence[tuple[bytes, bytes]] = ()
) -> tuple[int, str]:
    """Post a body piece by piece; httpx' own transport would read all of it first."""
    sent: list[Mapping[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": await anext(body), "more_body": True}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/slow", "query_string": b"", "root_path": ""}
    await app({**scope, "headers": [*headers], "client": ("127.0.0.1", 1)}, receive, send)
    answered = httpx.Headers(cast("Sequence[tuple[bytes, bytes]]", sent[0]["headers"]))
    return int(str(sent[0]["status"])), answered["connection"]
