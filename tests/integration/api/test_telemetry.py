"""FastAPI's own OpenTelemetry stays off, also in a process that has a provider: addresses hold codes and links."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import trace
from typing_extensions import override

from tests.support.api import Api

pytestmark = pytest.mark.anyio

PLACES = ("/google/callback?code=the-code&state=the-state", "/settings/open?link=the-link", "/google/connect?link=that")


class RecordingTracer(trace.NoOpTracer):
    def __init__(self, spans: list[str]) -> None:
        self._spans = spans

    @override
    def start_span(self, name: str, *more: Any, **attributes: Any) -> trace.Span:
        self._spans.append(f"{name} {attributes}")
        return super().start_span(name, *more, **attributes)


class RecordingProvider(trace.TracerProvider):
    def __init__(self) -> None:
        self.spans: list[str] = []

    @override
    def get_tracer(self, *_: Any, **__: Any) -> trace.Tracer:
        return RecordingTracer(self.spans)


@pytest.fixture(scope="module")
def provider() -> RecordingProvider:
    provider = RecordingProvider()
    trace.set_tracer_provider(provider)  # the one of this process, as an operator's own start script would set it
    return provider


async def test_no_span_of_a_request_is_recorded(api: Api, provider: RecordingProvider) -> None:
    for place in PLACES:
        await api.stranger.get(place)
    await api.platform.get("/v1/merchants/m/google")
    assert provider.spans == []


async def test_an_application_that_leaves_it_on_would_record_codes_and_links(provider: RecordingProvider) -> None:
    transport = httpx.ASGITransport(FastAPI())
    async with httpx.AsyncClient(transport=transport, base_url="http://plain") as http:
        await http.get(PLACES[0])
    assert "the-code" in provider.spans.pop()
