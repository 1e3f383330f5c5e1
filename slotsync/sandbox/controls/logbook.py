"""Controls for the log of calls."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slotsync.sandbox.controls.reading import wrong
from slotsync.sandbox.instants import parse_instant
from slotsync.sandbox.local_google import LocalGoogle


def call_routes(google: LocalGoogle) -> list[Route]:
    """``/sandbox/calls``."""

    async def show(request: Request) -> Response:
        query = request.query_params
        method, account = query.get("method", ""), query.get("account", "")
        calls = google.calls.find(method, account, _since(query.get("since")))
        totals = google.calls.totals(account)
        return JSONResponse(
            {
                "totals": {name: number for name, number in totals.items() if method in {"", name}},
                "items": [call.shown() for call in calls],
            }
        )

    return [Route("/sandbox/calls", show, methods=["GET"])]


def _since(text: str | None) -> datetime | None:
    try:
        # In a query a plus sign is a blank, and clients forget to encode it.
        return parse_instant(text.replace(" ", "+")) if text else None
    except ValueError as error:
        raise wrong(f"since: {error}") from error
