"""Controls for the switches of behaviour, and for starting anew."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slotsync.sandbox.behaviour import Behaviour
from slotsync.sandbox.controls.reading import checked, read_object
from slotsync.sandbox.local_google import LocalGoogle


def behaviour_routes(google: LocalGoogle) -> list[Route]:
    """``/sandbox/behaviour`` and ``/sandbox/reset``."""

    async def show(_: Request) -> Response:
        return JSONResponse(google.behaviour.model_dump())

    async def change(request: Request) -> Response:
        wanted = google.behaviour.model_dump() | await read_object(request)
        google.set_behaviour(checked(wanted, Behaviour))
        return JSONResponse(google.behaviour.model_dump())

    async def reset(_: Request) -> Response:
        google.reset()
        return Response(status_code=204)

    return [
        Route("/sandbox/behaviour", show, methods=["GET"]),
        Route("/sandbox/behaviour", change, methods=["PATCH"]),
        Route("/sandbox/reset", reset, methods=["POST"]),
    ]
