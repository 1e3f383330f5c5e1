"""A platform and its merchant, who talk to slotsync over HTTP and remember every secret that they meet."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx

from slotsync.signing import create_signer
from slotsync.store.connections.connections import Connections
from tests.support.consent_browser import decide
from tests.support.machine import Machine
from tests.support.oauth_app import Form
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.stored_secrets import decrypted_values
from tests.support.world import World

PRODUCT_PAGE = f"/settings/owners/{TOUR.kind}/{TOUR.id}"


@dataclass
class NotedSecrets:
    """Texts that may be nowhere, by what they are: those that were replaced, too."""

    kinds: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, what: str, text: str) -> None:
        assert len(text) >= 8, f"{what} is too short to be searched for"
        if text not in self.kinds[what]:
            self.kinds[what].append(text)

    def kinds_in(self, text: str) -> set[str]:
        """Return the kinds of the secrets that are in the text."""
        return {kind for kind, texts in self.kinds.items() if any(each in text for each in texts)}

    def texts(self, *kinds: str) -> dict[str, str]:
        """Return the secrets of these kinds by name, or of all kinds."""
        return {
            f"{what} {number}": text for what in kinds or self.kinds for number, text in enumerate(self.kinds[what], 1)
        }


@dataclass(frozen=True)
class PlatformApi:
    """The booking platform, with its API key."""

    http: httpx.AsyncClient
    secrets: NotedSecrets

    async def put(self, path: str, body: dict[str, object], answered: int) -> None:
        answer = await self.http.put(f"/v1/merchants/{MERCHANT}/{path}", json=body)
        assert answer.status_code == answered, answer.text

    async def link(self, leads: str) -> str:
        answer = (await self.http.post(f"/v1/merchants/{MERCHANT}/{leads}")).raise_for_status().json()
        url = str(answer.get("url") or answer["authorization_url"])
        signed = httpx.URL(url).params["link"]
        self.secrets.note("link", signed)
        self.secrets.note("signature of a link", signed.rsplit(".", 1)[1])
        return url


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

    async def connects(self, consent: str, shows: str = "Connected as") -> None:
        """Grant everything in Google, and come back to a page that shows this text."""
        self._note_session()
        self._note_verifiers()
        back = decide(consent, EMAIL)
        assert back.code
        self.secrets.note("state", back.state)
        self.secrets.note("code", back.code)
        answer = {"state": back.state, "code": back.code}
        form = Form(await self.opens(f"/google/callback?{urlencode(answer)}"))
        self.secrets.note("code of a consent", form.hidden["code"])
        decided = {**form.hidden, "decision": "connect"}
        page = await self.http.post("/settings/account", data=decided, follow_redirects=True)
        assert shows in page.text
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
        verifiers = decrypted_values(self.world.store, self.world.vault, "pending_consent.secret")
        assert verifiers
        for each in verifiers.values():
            self.secrets.note("verifier", each)


@asynccontextmanager
async def platform_api(machine: Machine, secrets: NotedSecrets) -> AsyncIterator[PlatformApi]:
    """Yield the API client of the platform; the machine's own secrets are recorded."""
    (key,) = machine.settings.api_keys
    (sealing,) = machine.settings.encryption_keys
    secrets.note("API key", key.get_secret_value())
    secrets.note("encryption key", sealing.get_secret_value())
    secrets.note("client secret", machine.settings.google_client_secret.get_secret_value())
    allowed = {"Authorization": f"Bearer {key.get_secret_value()}"}
    async with httpx.AsyncClient(base_url=machine.settings.public_url, timeout=30, headers=allowed) as http:
        yield PlatformApi(http, secrets)


@asynccontextmanager
async def merchant_browser(machine: Machine, world: World, secrets: NotedSecrets) -> AsyncIterator[MerchantBrowser]:
    """Yield a browser without cookies."""
    async with httpx.AsyncClient(base_url=machine.settings.public_url, timeout=30) as http:
        yield MerchantBrowser(http, machine, world, secrets)


def _address(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]
