"""Controls for faults and quotas: set, list and clear them."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localgoogle.controls.request_input import read_model
from localgoogle.faults.faults import Fault, NewFault
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.json_values import JsonObject


def fault_routes(google: LocalGoogle) -> list[Route]:
    """``/sandbox/faults``."""

    async def add(request: Request) -> Response:
        wanted = await read_model(request, NewFault)
        google.set_fault(wanted)
        return JSONResponse(wanted.model_dump(exclude_defaults=True), status_code=201)

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
    told = {name: getattr(fault, name) for name in ("method", "kind", "account", "calendar", "reason", "status")}
    return told | {"left": fault.count, "probability": fault.probability, "seconds": fault.delay.total_seconds()}
