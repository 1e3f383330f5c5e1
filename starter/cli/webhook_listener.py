"""A receiver of messages for developers: it prints what arrives, and whether the signature is right."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import uvicorn
from rich.console import Console
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from slotsync.domain.web_address import is_loopback
from slotsync.errors import SettingsError
from slotsync.settings import Settings
from starter.cli.terminal import console, plain, visible


def listen() -> None:
    """Receive and print messages until SIGTERM or Ctrl-C.

    Raises:
        SettingsError: SLOTSYNC_WEBHOOK_URL is not an address of this machine.
    """
    settings = Settings.load()
    parts = urlsplit(settings.webhook_url)
    if not parts.hostname or not is_loopback(parts.hostname) or not parts.port:
        raise SettingsError(
            "SLOTSYNC_WEBHOOK_URL: is no address of this machine with a port (for example http://127.0.0.1:8099/)"
        )
    console.print(f"Listening at {plain(settings.webhook_url)}")
    secrets = [each.get_secret_value() for each in settings.webhook_secret]
    uvicorn.run(create_listener(secrets), host=parts.hostname, port=parts.port, log_level="warning")


def create_listener(secrets: Sequence[str], output: Console = console) -> Starlette:
    """Return the receiver: 204 for what is signed with one of the secrets, 401 for what is not."""

    async def receive(request: Request) -> Response:
        body, headers = (await request.body()).decode(errors="replace"), dict(request.headers)
        genuine = any(_is_signed_with(secret, body, headers) for secret in secrets)
        mark = "[green]signature is right[/green]" if genuine else "[red]signature is wrong[/red]"
        output.print(f"{plain(headers.get('webhook-id', 'no webhook-id'))}: {mark}")
        output.print(visible(_pretty(body), keep="\n"), markup=False, highlight=False)
        return Response(status_code=204 if genuine else 401)

    return Starlette(routes=[Route("/{path:path}", receive, methods=["POST"])])


def _is_signed_with(secret: str, body: str, headers: Mapping[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers))
    except WebhookVerificationError:
        return False
    return True


def _pretty(body: str) -> str:
    """Return JSON in lines; another text as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
