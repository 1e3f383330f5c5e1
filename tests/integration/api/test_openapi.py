"""Generated requests, valid and invalid: each answer is as the OpenAPI description says, and none is a server error."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from slotsync.settings import Settings
from tests.support.api import Api, api_with
from tests.support.samples import MERCHANT, TOUR
from tests.support.settings import KEY

pytestmark = pytest.mark.anyio

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 8
PUTS = 45
"""Of what a schema allows, one in twelve is a reservation that can be."""

BLOCKING = "blocking-calendars"
"""Takes only products that are known."""

UNLIMITED = 1_000_000
"""Calls of a user in a minute: what is generated is more than a page would ask."""

Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Any]


@pytest.fixture
async def api_alone(settings: Settings, tmp_path: Path) -> AsyncIterator[Api]:
    """An API with a world of its own: no worker of another test has to carry out these generated requests."""
    own = {"database_url": f"sqlite:///{tmp_path}/slotsync.db", "google_calls_per_user_minute": UNLIMITED}
    alone = settings.model_copy(update=own)
    async with api_with(alone, disconnect_timeout=timedelta(seconds=0.05)) as built:
        yield built


@pytest.mark.parametrize("mode", GenerationMode)
async def test_any_request_is_answered_as_documented(api_alone: Api, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict((await api_alone.stranger.get("/openapi.json")).json())
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == sum(map(len, schema.raw_schema["paths"].values())) > 0
    for operation in operations:
        statuses = await asyncio.to_thread(statuses_of, operation, mode, api_alone.url)
        if operation.method == "put" and mode is GenerationMode.POSITIVE and BLOCKING not in operation.path:
            assert min(statuses) < 300, f"{operation.label} takes nothing that its description allows: {statuses}"


async def test_any_request_for_a_connected_merchant_is_answered_as_documented(api_alone: Api) -> None:
    await api_alone.world.add_merchant(TOUR, merchant=MERCHANT)
    schema = schemathesis.openapi.from_dict((await api_alone.stranger.get("/openapi.json")).json())
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    about_google = [each for each in operations if each.tags == ["Google"]]
    about_google.sort(key=lambda each: each.method == "delete")  # after which the merchant is connected no more
    assert len(about_google) == 8
    about_google = [each for each in about_google if not each.path.endswith("/complete")]  # takes no invented code
    for operation in about_google:
        known = {"merchant": MERCHANT, "product": TOUR.id}
        statuses = await asyncio.to_thread(statuses_of, operation, GenerationMode.POSITIVE, api_alone.url, known)
        assert min(statuses) < 300, f"{operation.label}: {statuses}"


def statuses_of(
    operation: Operation, mode: GenerationMode, url: str, known: Mapping[str, str] = MappingProxyType({})
) -> set[int]:
    """Return the statuses of many generated requests for these merchants and products, each answer checked."""
    statuses = set()

    @hypothesis_settings(
        max_examples=PUTS if (operation.method, mode) == ("put", GenerationMode.POSITIVE) else EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answered_as_documented(case: Request) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        case.path_parameters |= {name: value for name, value in known.items() if f"{{{name}}}" in operation.path}
        statuses.add(case.call_and_validate(base_url=url, headers=headers, checks=CHECKS).status_code)

    answered_as_documented()
    assert statuses, f"no request was sent to {operation.label}"
    return statuses


async def test_the_description_says_that_a_key_is_needed_and_which_problems_there_are(api: Api) -> None:
    described = (await api.stranger.get("/openapi.json")).json()
    assert described["paths"]
    for path, operations in described["paths"].items():
        assert path == "/v1/merchants" or path.startswith("/v1/merchants/{merchant}")
        for operation in operations.values():
            assert operation["security"] == [{"HTTPBearer": []}]
            assert {"401", "404", "413", "422", "503"} <= operation["responses"].keys()
            assert "application/problem+json" in operation["responses"]["422"]["content"]
            assert ({"409", "501"} <= operation["responses"].keys()) is (operation["tags"] == ["Google"])
    assert "FieldProblem" in described["components"]["schemas"]


@pytest.mark.parametrize("body", ["OwnerBody", "MerchantBody", "DefaultsBody"])
async def test_what_keeps_its_value_when_it_is_left_out_has_no_default_that_clients_would_send(
    api: Api, body: str
) -> None:
    described = (await api.stranger.get("/openapi.json")).json()
    schema = described["components"]["schemas"][body]
    assert "left out keeps its value" in schema["description"]
    assert not schema.get("required")
    assert [name for name, each in schema["properties"].items() if "default" in each] == (
        ["override"] if body in {"OwnerBody", "MerchantBody"} else []
    )


async def test_the_page_loads_nothing_from_elsewhere(api: Api) -> None:
    page = await api.stranger.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text.replace("</script>", "").replace("<!--", "").split("const ui")[0]
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f'"/docs/assets/{asset}"' in page.text
        assert (await api.stranger.get(f"/docs/assets/{asset}")).status_code == 200


@pytest.mark.parametrize("way", ["../__init__.py", "..%2f__init__.py", "%2e%2e/core.py", "/etc/passwd"])
async def test_beside_the_page_no_file_is_served(api: Api, way: str) -> None:
    address = httpx.URL(api.url).copy_with(raw_path=f"/docs/assets/{way}".encode())
    assert (await api.stranger.get(address)).status_code == 404
