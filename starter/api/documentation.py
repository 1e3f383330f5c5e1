"""The OpenAPI document and its page."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from pydantic.json_schema import models_json_schema
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from starter.api.problems import EVERYWHERE, MEDIA_TYPE, Problem, ProblemType

router = APIRouter(include_in_schema=False)

ASSETS = Mount("/docs/assets", StaticFiles(packages=[("fastapi_offline", "static")]))
"""Swagger UI, as a package brings it."""

_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)

DESCRIPTION = (
    "Tell slotsync what is booked, and ask how it stands in Google Calendar. "
    "Errors are problem documents (RFC 9457) with a `request_id`; times are ISO 8601, in UTC in answers."
)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The page."""
    page = get_swagger_ui_html(
        openapi_url=request.app.openapi_url,
        title=request.app.title,
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
    )
    page.headers["Content-Security-Policy"] = _POLICY
    return page


def documented_problems(*more: ProblemType) -> dict[int | str, dict[str, object]]:
    """The problems that any route may answer with, and these."""
    kinds = (*EVERYWHERE, *more)
    return {kind.status: _documented([each for each in kinds if each.status == kind.status]) for kind in kinds}


def problem_schemas() -> dict[str, object]:
    """The schemas that they refer to."""
    _, schemas = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
    return dict(schemas["$defs"])


def _documented(kinds: Sequence[ProblemType]) -> dict[str, object]:
    """Kinds of one status."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": ", or: ".join(kind.title for kind in kinds), "content": {MEDIA_TYPE: {"schema": schema}}}
