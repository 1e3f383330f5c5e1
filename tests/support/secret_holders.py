"""A platform and its merchant, who talk to slotsync over HTTP and remember every secret that they meet."""

from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

import httpx

from slotsync.secrets import WrappedKey
from slotsync.signing import create_signer
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.database.base import table_of
from slotsync.store.tables.instance import DataKeyRow
from tests.support.consent_browser import decide
from tests.support.http import tls
from tests.support.machine import Machine
from tests.support.oauth_app import Form
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.secret_search import found_in
from tests.support.stored_secrets import decrypted_values
from tests.support.world import World

PRODUCT_PAGE = f"/settings/owners/{TOUR.kind}/{TOUR.id}"


@dataclass
class NotedSecrets:
    """Texts, and keys as bytes, that may be nowhere, by what they are: those that were replaced, too."""

    kinds: defaultdict[str, list[str | bytes]] = field(default_factory=lambda: defaultdict(list))

    def note(self, what: str, secret: str | bytes) -> None:
        assert len(secret) >= 8, f"{what} is too short to be searched for"
        if secret not in self.kinds[what]:
            self.kinds[what].append(secret)

    def kinds_in(self, text: str) -> set[str]:
        """Return the kinds of the secrets that are in the text."""
        return {name.rpartition(" ")[0] for name, _ in found_in({"text": text.encode()}, self.texts())}

    def texts(self, *kinds: str) -> dict[str, str | bytes]:
        """Return the secrets of these kinds by name, or of all kinds."""
        return {
            f"{what} {number}": secret
            for what in kinds or self.kinds
            for number, secret in enumerate(self.kinds[what], 1)
        }


@dataclass(frozen=True)
class PlatformApi:
    """The booking platform, with its API key."""

    http: httpx.AsyncClient
    secrets: NotedSecrets

    async def put(self, path: str, body: dict[str, object], answered: int) -> None:
        answer = await self.http.put(f"/v1/merchants/{MERCHANT}{path}", json=body)
        assert answer.status_code == answered, answer.text

    async def post(self, path: str, **body: object) -> Any:
        """Return the answer to a request."""
        return (await self.http.post(f"/v1/merchants/{MERCHANT}{path}", json=body)).raise_for_status().json()

    async def link(self, leads: str) -> str:
        answer = await self.post(f"/{leads}")
        url = str(answer.get("url") or answer["authorization_url"])
        signed = httpx.URL(url).params["link"]
        self.secrets.note("link", signed)
        self.secrets.note("signature of a link", signed.rsplit(".", 1)[1])
        return url

    async def tries_a_wrong_key(self) -> None:
        """Use a key that is not one of slotsync's: that of another system, perhaps."""
        wrong = token_urlsafe(32)
        self.secrets.note("wrong API key", wrong)
        for presented in (f"Bearer {wrong}", f"Basic {wrong}"):
            answer = await self.http.get(f"/v1/merchants/{MERCHANT}", headers={"Authorization": presented})
            assert answer.status_code == 401


@dataclass(frozen=True)
class MerchantBrowser:
    """The merchant's browser."""

    http: httpx.AsyncClient
    machine: Machine
    world: World
    secrets: NotedSecrets

    async def enters(self, link: str) -> httpx.Response:
        """Open a link of the platform, press the button there, and return the answer."""
        form = Form(await self.opens(link))
        return await self.http.post(httpx.URL(link).path, data=form.hidden)

    async def opens(self, address: str) -> httpx.Response:
        """Open an address, and return the page at the end of its redirects."""
        return (await self.http.get(address, follow_redirects=True)).raise_for_status()

    async def sends(self, form: str, **fields: str) -> httpx.Response:
        """Submit a form of the settings page, and return the answer."""
        token = Form(await self.opens("/settings/")).hidden["token"]
        self.secrets.note("form token", token)
        return await self.http.post(form, data={"token": token, **fields})

    async def follows(self, link: str) -> str:
        """Follow a link of the platform, and return the address in Google."""
        return _address(await self.enters(link))

    def leaves(self, consent: str) -> None:
        """Note what belongs to a consent that begins, as the browser goes to Google."""
        self.secrets.note("state", httpx.URL(consent).params["state"])
        self._note_session()
        self._note_verifiers()

    async def allows(self, consent: str) -> Form:
        """Grant everything in Google, and come back to the page that asks whether to connect the account."""
        self.leaves(consent)
        back = decide(consent, EMAIL)
        assert back.code
        self.secrets.note("code", back.code)
        form = Form(await self.opens(f"/google/callback?{urlencode({'state': back.state, 'code': back.code})}"))
        self.secrets.note("code of a consent", form.hidden["code"])
        self._note_waiting_grants()
        return form

    async def decides(self, form: Form, decision: str) -> str:
        """Press a button of that page, and return the page after it."""
        decided = {**form.hidden, "decision": decision}
        return (await self.http.post("/settings/account", data=decided, follow_redirects=True)).text

    async def connects(self, consent: str, shows: str = "Connected as") -> None:
        """Connect an account in Google, and come back to a page that shows this text."""
        assert shows in await self.decides(await self.allows(consent), "connect")
        self.note_grant()

    async def connects_from_the_page(self) -> None:
        """Connect Google with the button of the settings page."""
        await self.connects(_address(await self.sends("/settings/connect")))

    def note_grant(self) -> None:
        """Record the present tokens as secrets."""
        connections = Connections(self.world.store, self.world.vault)
        connection = connections.get_active_id(MERCHANT)
        assert connection
        grant = connections.grant(connection)
        self.secrets.note("refresh token", grant.refresh_token)
        if grant.access_token:
            self.secrets.note("access token", grant.access_token)

    def _note_session(self) -> None:
        cookie = self.http.cookies["slotsync"]
        self.secrets.note("cookie", cookie)
        self.secrets.note("signature of a cookie", cookie.rsplit(".", 1)[1])
        self.secrets.note("browser", create_signer(self.machine.settings, "session").loads(cookie)["browser"])

    def _note_verifiers(self) -> None:
        verifiers = [text for text in self._secrets_of_consents() if not text.startswith("{")]
        assert verifiers
        for each in verifiers:
            self.secrets.note("verifier", each)

    def _note_waiting_grants(self) -> None:
        grants = [NewGrant.read(text) for text in self._secrets_of_consents() if text.startswith("{")]
        assert grants
        for each in grants:
            self.secrets.note("refresh token", each.refresh_token)
            self.secrets.note("access token", each.access_token or "")

    def _secrets_of_consents(self) -> list[str]:
        return [*decrypted_values(self.world.store, self.world.vault, "pending_consent.secret").values()]


def note_data_keys(world: World, secrets: NotedSecrets) -> None:
    """Record the data keys of all merchants, and the instance's own, as secrets."""
    table = table_of(DataKeyRow)
    columns = (table.c.merchant, table.c.id, table.c.ring_key, table.c.wrapped)
    with world.store.read() as session:
        keys = [WrappedKey(*row) for row in session.connection().execute(table.select().with_only_columns(*columns))]
    assert {each.merchant for each in keys} >= {MERCHANT, ""}
    for each in keys:
        secrets.note("data key", world.vault.open(each)._secret)


@asynccontextmanager
async def platform_api(machine: Machine, secrets: NotedSecrets) -> AsyncIterator[PlatformApi]:
    """Yield the API client of the platform; the machine's own secrets are recorded."""
    (key,) = machine.settings.api_keys
    (encryption_key,) = machine.settings.encryption_keys
    secrets.note("API key", key.get_secret_value())
    secrets.note("encryption key", encryption_key.get_secret_value())
    secrets.note("encryption key", urlsafe_b64decode(encryption_key.get_secret_value()))
    secrets.note("client secret", machine.settings.google_client_secret.get_secret_value())
    (webhook_secret,) = machine.settings.webhook_secret
    secrets.note("webhook secret", webhook_secret.get_secret_value().removeprefix("whsec_"))
    secrets.note("key in the webhook address", httpx.URL(machine.settings.webhook_url).params["key"])
    allowed = {"Authorization": f"Bearer {key.get_secret_value()}"}
    async with httpx.AsyncClient(
        base_url=machine.settings.public_url, timeout=30, headers=allowed, verify=tls()
    ) as http:
        yield PlatformApi(http, secrets)


@asynccontextmanager
async def merchant_browser(machine: Machine, world: World, secrets: NotedSecrets) -> AsyncIterator[MerchantBrowser]:
    """Yield a browser without cookies."""
    async with httpx.AsyncClient(base_url=machine.settings.public_url, timeout=30, verify=tls()) as http:
        yield MerchantBrowser(http, machine, world, secrets)


def _address(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]
