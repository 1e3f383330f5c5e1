"""Google's Python client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.support.google_clients.calendar_client import CalendarClient, Grant, Parameters, Refused

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3.resources import CalendarResource


class PythonClient(CalendarClient):
    """google-api-python-client, pointed at the local Google."""

    def __init__(self, service: CalendarResource) -> None:
        self._service = service

    @classmethod
    def connect(cls, grant: Grant) -> PythonClient:
        """Return a client that acts for the grant."""
        return cls(build_service(grant, build_credentials(grant)))

    def call(self, method: str, parameters: Parameters, *, body: object = None, if_match: str | None = None) -> object:
        collection, name = method.split(".")
        arguments = parameters if body is None else {**parameters, "body": body}
        # `import` is a word of Python, so the library calls that one `import_`.
        request = getattr(getattr(self._service, collection)(), name.replace("import", "import_"))(**arguments)
        if if_match:
            request.headers["If-Match"] = if_match
        with refusals():
            answer: object = request.execute()
        return answer

    def close(self) -> None:
        self._service.close()


def build_credentials(grant: Grant) -> Credentials:
    """Return credentials that are refreshed at the local Google."""
    return Credentials(  # type: ignore[no-untyped-call]  # google-auth leaves its constructor untyped
        token=grant.access_token,
        refresh_token=grant.refresh_token,
        token_uri=f"{grant.google}/token",
        client_id=grant.client_id,
        client_secret=grant.client_secret,
    )


def build_service(grant: Grant, credentials: Credentials) -> CalendarResource:
    """Return the Calendar service of the local Google, with connections of its own."""
    endpoint = {"api_endpoint": f"{grant.google}/calendar/v3/"}
    return build("calendar", "v3", credentials=credentials, client_options=endpoint)


@contextmanager
def refusals() -> Iterator[None]:
    """Raise the library's errors as ``Refused``."""
    try:
        yield
    except HttpError as error:
        raise Refused(error.status_code, json.loads(error.content)["error"]["errors"][0]["reason"]) from error
    except RefreshError as error:
        raise Refused(400, error.args[1]["error"]) from error
