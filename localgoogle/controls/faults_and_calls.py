"""Controls for faults, quotas, the switches of behaviour, the reset and the call log."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localgoogle.controls.request_input import invalid_input, read_model, read_object, validate_model
from localgoogle.faults.faults import Fault, NewFault
from localgoogle.local_google import LocalGoogle
from localgoogle.options import Behaviour
from localgoogle.protocol.instants import parse_instant
from localgoogle.protocol.json_values import JsonObject


def fault_routes(google: LocalGoogle) -> list[Route]:
    """Return the routes of ``/sandbox/faults``."""

    async def add(request: Request) -> Response:
        new = await read_model(request, NewFault)
        google.set_fault(new)
        return JSONResponse(new.model_dump(exclude_defaults=True), status_code=201)

    async def show(_: Request) -> Response:
        return JSONResponse({"items": [_fault_view(fault) for fault in google.faults.all()]})

    async def clear(_: Request) -> Response:
        google.faults.clear()
        google.restore_quotas()
        return Response(status_code=204)

    return [
        Route("/sandbox/faults", add, methods=["POST"]),
        Route("/sandbox/faults", show, methods=["GET"]),
        Route("/sandbox/faults", clear, methods=["DELETE"]),
    ]


def _fault_view(fault: Fault) -> JsonObject:
    view: JsonObject = {
        name: getattr(fault, name) for name in ("method", "kind", "account", "calendar", "reason", "status", "further")
    }
    return view | {"left": fault.count, "probability": fault.probability, "seconds": fault.delay.total_seconds()}


def behaviour_routes(google: LocalGoogle) -> list[Route]:
    """Return the routes of ``/sandbox/behaviour`` and ``/sandbox/reset``."""

    async def show(_: Request) -> Response:
        return JSONResponse(google.behaviour.model_dump())

    async def change(request: Request) -> Response:
        changed = google.behaviour.model_dump() | await read_object(request)
        google.set_behaviour(validate_model(changed, Behaviour))
        return JSONResponse(google.behaviour.model_dump())

    async def reset(_: Request) -> Response:
        google.reset()
        return Response(status_code=204)

    return [
        Route("/sandbox/behaviour", show, methods=["GET"]),
        Route("/sandbox/behaviour", change, methods=["PATCH"]),
        Route("/sandbox/reset", reset, methods=["POST"]),
    ]


def call_log_routes(google: LocalGoogle) -> list[Route]:
    """Return the routes of ``/sandbox/calls``."""

    async def show(request: Request) -> Response:
        query = request.query_params
        method, account = query.get("method", ""), query.get("account", "")
        calls = google.calls.find(method, account, _read_since(query.get("since")))
        totals = google.calls.count_by_method(account)
        return JSONResponse(
            {
                "totals": {name: number for name, number in totals.items() if method in {"", name}},
                "items": [call.to_json() for call in calls],
            }
        )

    return [Route("/sandbox/calls", show, methods=["GET"])]


def _read_since(text: str | None) -> datetime | None:
    try:
        # In a query a plus sign is a blank, and clients forget to encode it.
        return parse_instant(text.replace(" ", "+")) if text else None
    except ValueError as error:
        raise invalid_input(f"since: {error}") from error
