"""Controls for accounts and their grants."""

from dataclasses import asdict

from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localgoogle.controls.request_input import read_model, unknown_name
from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.instants import find_zone
from localgoogle.state.accounts import GoogleAccount


class NewAccount(BaseModel):
    """An account to make."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(pattern=r"^[^@\s/]+@[^@\s/]+$")
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        return find_zone(name).key


class NewAppGrant(BaseModel):
    """A grant to make without a browser."""

    model_config = ConfigDict(extra="forbid")

    client_id: str = Field(min_length=1)
    scopes: list[str]


def account_routes(google: LocalGoogle) -> list[Route]:
    """``/sandbox/accounts`` and the grants below it."""

    async def create(request: Request) -> Response:
        wanted = await read_model(request, NewAccount)
        return JSONResponse(asdict(google.create_account(wanted.email, wanted.time_zone)), status_code=201)

    async def list_all(_: Request) -> Response:
        return JSONResponse({"items": [asdict(account) for account in google.accounts.all()]})

    async def grant(request: Request) -> Response:
        account, wanted = find_account(google, request), await read_model(request, NewAppGrant)
        token = google.accounts.grant(account.email, wanted.client_id, wanted.scopes)
        return JSONResponse({"refresh_token": token, "client_id": wanted.client_id, "scopes": wanted.scopes})

    async def revoke(request: Request) -> Response:
        google.accounts.revoke(find_account(google, request).email)
        return Response(status_code=204)

    return [
        Route("/sandbox/accounts", create, methods=["POST"]),
        Route("/sandbox/accounts", list_all, methods=["GET"]),
        Route("/sandbox/accounts/{email}/grant", grant, methods=["POST"]),
        Route("/sandbox/accounts/{email}/revoke", revoke, methods=["POST"]),
    ]


def find_account(google: LocalGoogle, request: Request) -> GoogleAccount:
    """The account of the path; raises where there is none."""
    email = request.path_params["email"]
    try:
        return google.accounts.get(email)
    except KeyError as error:
        raise unknown_name(f"there is no account {email}") from error
