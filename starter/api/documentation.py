"""The OpenAPI document: its page, the path parameters of routes, and their problems."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from fastapi.openapi.docs import get_swagger_ui_html
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from slotsync.domain.messages import Identifier
from starter.api.middleware import PROTECTED
from starter.api.problems import COMMON_PROBLEMS, MEDIA_TYPE, Problem, ProblemType

MERCHANT: Final = f"{PROTECTED}/merchants/{{merchant}}"
"""The prefix of all routes of one merchant."""

MerchantId = Annotated[Identifier, Path(alias="merchant", description="The merchant's id, as the platform chose it.")]
ReservationId = Annotated[Identifier, Path(alias="reservation", description="The reservation's id.")]
ProductId = Annotated[Identifier, Path(alias="product", description="The product's id.")]
ResourceId = Annotated[Identifier, Path(alias="resource", description="The resource's id.")]

OPENAPI_PATH: Final = "/openapi.json"

router = APIRouter(include_in_schema=False)

SWAGGER_ASSETS = Mount("/docs/assets", StaticFiles(packages=[("fastapi_offline", "static")]))
"""The files of Swagger UI, from the package fastapi_offline."""

_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)

DESCRIPTION = (
    "Report reservations to slotsync, and read their status in Google Calendar. "
    "Errors are problem documents (RFC 9457) with a `request_id`; times are ISO 8601, in UTC in answers."
)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Return the documentation page."""
    page = get_swagger_ui_html(
        openapi_url=OPENAPI_PATH,
        title=request.app.title,
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
    )
    page.headers["Content-Security-Policy"] = _POLICY
    return page


def omit_defaults(changes: type[BaseModel]) -> Callable[[dict[str, Any]], None]:
    """Return what takes the defaults of these changes out of a body's JSON schema: left out, each keeps its value.

    Generated clients send the defaults that a schema names, and so would reset all that their caller did not mention.
    """

    def omit(schema: dict[str, Any]) -> None:
        for name in changes.model_fields:
            schema["properties"][name].pop("default", None)

    return omit


def describe_problems(*more: ProblemType) -> dict[int | str, dict[str, object]]:
    """Return the OpenAPI responses for the problems of every route and for these, by HTTP status."""
    problems = (*COMMON_PROBLEMS, *more)
    statuses = {each.status for each in problems}
    return {status: _describe([each for each in problems if each.status == status]) for status in sorted(statuses)}


def build_problem_schemas() -> dict[str, object]:
    """Return the JSON schemas of problem documents, by name."""
    _, schemas = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
    return dict(schemas["$defs"])


def _describe(problems: Sequence[ProblemType]) -> dict[str, object]:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": ", or: ".join(each.title for each in problems), "content": {MEDIA_TYPE: {"schema": schema}}}
