"""Connect merchants to Google, and disconnect them."""

import asyncio
import logging
import secrets
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from pydantic import TypeAdapter
from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.connections.connection import ConnectionView, wanted_scopes
from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectionResult
from slotsync.domain.connections.messages import Disconnect, Granted
from slotsync.domain.messages import Message
from slotsync.errors import GoogleError, Transient
from slotsync.google.auth.consent import Consent, GoogleConsent, revoke
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connection_views import ConnectionViews, KnownAccount
from slotsync.store.connections.connections import Connections, NewGrant
from slotsync.store.connections.pending_consents import Awaited, PendingConsent, PendingConsents
from slotsync.store.database.engine import Store
from slotsync.temporal.signals import signal_connection


class Reason(StrEnum):
    """Why a consent came to nothing."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OTHER_BROWSER = "other_browser"
    DENIED = "denied"
    NOT_ACCEPTED = "not_accepted"
    NO_LASTING_ACCESS = "no_lasting_access"
    UNREACHABLE = "unreachable"


SAYS = {
    Reason.UNKNOWN: "This answer is not known here: it was used before, or never asked for. Please connect again.",
    Reason.EXPIRED: "This took longer than ten minutes, so it is no longer valid. Please connect again.",
    Reason.OTHER_BROWSER: "This was begun in another browser. Please connect again in this one.",
    Reason.DENIED: "Access was not allowed in Google, so nothing has changed.",
    Reason.NOT_ACCEPTED: "Google did not accept the answer, so nothing has changed. Please connect again.",
    Reason.NO_LASTING_ACCESS: "Google gave no lasting access. Please connect again.",
    Reason.UNREACHABLE: "Google could not be reached, so nothing has changed. Please connect again.",
}


class Connected(Message):
    """The merchant is connected; ``connection.missing`` says what was not allowed."""

    merchant: str
    connection: ConnectionView


class AnotherAccount(Message):
    """The merchant allowed another account than the one connected: nothing has changed until this is confirmed."""

    merchant: str
    change: str
    connected: str
    chosen: str

    @property
    def means(self) -> str:
        """What the change brings, in plain words."""
        return (
            f"{self.connected} is connected, and you have chosen {self.chosen}. If you change, slotsync makes new "
            f"calendars in {self.chosen} and writes all open reservations there. The calendars in {self.connected} "
            "stay as they are and are no longer updated; delete them in Google Calendar if you do not need them."
        )


class ConsentRefused(Message):
    """Nothing has changed, and why. ``merchant`` is known unless the answer was not ours."""

    reason: Reason
    merchant: str | None = None
    detail: str = ""

    @property
    def says(self) -> str:
        """The same in plain words."""
        return SAYS[self.reason]


_GRANT = TypeAdapter(NewGrant)


def held(grant: NewGrant) -> str:
    """The grant as text: it holds tokens."""
    return _GRANT.dump_json(grant).decode()


def taken_up(text: str) -> NewGrant:
    """The grant that was held."""
    return _GRANT.validate_json(text)


logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=20)
"""How long a merchant waits to hear what a disconnection has left behind; it goes on by itself after that."""


class ConnectionService:
    """Takes merchants through Google's consent and back. ``browser`` is a secret that only their browser has."""

    def __init__(
        self, settings: Settings, store: Store, vault: Vault, client: Client, patience: timedelta = PATIENCE
    ) -> None:
        self._settings = settings
        self._client = client
        self._patience = patience
        self._pending = PendingConsents(store, vault)
        self._connections = Connections(store, vault)
        self._views = ConnectionViews(store, vault, wanted_scopes(push=settings.google_push))

    async def begin(self, merchant: str, browser: str) -> str:
        """Where to send the merchant's browser. Valid for ten minutes, once, in this browser.

        Raises ``SettingsError`` when slotsync was not told where it is reached, or has no client of Google's.
        """
        return await asyncio.to_thread(self._begin, merchant, browser)

    async def complete(
        self, state: str, code: str | None, browser: str, *, error: str = ""
    ) -> Connected | AnotherAccount | ConsentRefused:
        """Takes what Google sent back with the browser: ``state``, and a ``code`` or an ``error``."""
        pending = await asyncio.to_thread(self._take, Awaited.ANSWER, state, browser)
        if isinstance(pending, ConsentRefused):
            return pending
        if not code:
            reason = Reason.DENIED if error == "access_denied" else Reason.NOT_ACCEPTED
            return ConsentRefused(reason=reason, merchant=pending.merchant, detail=error)
        try:
            consent = await asyncio.to_thread(self._google.answer, code, pending.secret)
        except GoogleError as failure:
            return _refused(failure, pending.merchant)
        return await self._take_up(pending.merchant, consent, browser)

    async def confirm_account_change(self, change: str, browser: str) -> Connected | ConsentRefused:
        """Replaces the connected account by the one that was chosen."""
        pending = await asyncio.to_thread(self._take, Awaited.CONFIRMATION, change, browser)
        if isinstance(pending, ConsentRefused):
            return pending
        left, left_key = await asyncio.to_thread(self._grant_of, pending.merchant)
        connected = await self._connect(pending.merchant, taken_up(pending.secret), all_anew=True)
        await asyncio.to_thread(self._give_back, left, left_key)
        return connected

    async def decline_account_change(self, change: str, browser: str) -> ConsentRefused | None:
        """Stays with the connected account and gives the other one's grant back; a refusal if there was no question."""
        pending = await asyncio.to_thread(self._take, Awaited.CONFIRMATION, change, browser)
        if isinstance(pending, ConsentRefused):
            return pending
        declined = taken_up(pending.secret)
        await asyncio.to_thread(self._give_back, declined.refresh_token, declined.account_key)
        return None

    async def view(self, merchant: str) -> ConnectionView:
        """How the merchant's connection is doing."""
        return await asyncio.to_thread(self._views.of, merchant)

    async def disconnect(self, merchant: str, calendars: CalendarChoice) -> DisconnectionResult | None:
        """Disconnects, also when the grant is dead; what was left behind, or nothing while it is still being done."""
        handle = await signal_connection(self._client, merchant, Disconnect(calendars=calendars))
        try:
            return await asyncio.wait_for(handle.result(), self._patience.total_seconds())
        except TimeoutError:
            return None

    @cached_property
    def _google(self) -> GoogleConsent:
        """Made when somebody is sent there: looking and leaving need neither a public address nor Google's client."""
        return GoogleConsent(self._settings)

    def _begin(self, merchant: str, browser: str) -> str:
        state = secrets.token_urlsafe(32)
        known = self._views.account(merchant)
        question = self._google.question(state, known.email if known else None)
        self._pending.put(Awaited.ANSWER, state, merchant=merchant, browser=browser, secret=question.verifier)
        return question.url

    def _take(self, awaited: Awaited, key: str, browser: str) -> PendingConsent | ConsentRefused:
        """What was put aside under the key; whatever is wrong with the attempt, there is no second one."""
        pending = self._pending.take(awaited, key)
        if pending is None:
            return ConsentRefused(reason=Reason.UNKNOWN)
        if not pending.is_from(browser):
            return ConsentRefused(reason=Reason.OTHER_BROWSER)
        if pending.expired:
            return ConsentRefused(reason=Reason.EXPIRED, merchant=pending.merchant)
        return pending

    async def _take_up(
        self, merchant: str, consent: Consent, browser: str
    ) -> Connected | AnotherAccount | ConsentRefused:
        known = await asyncio.to_thread(self._views.account, merchant)
        if consent.refresh_token is None:
            return ConsentRefused(reason=Reason.NO_LASTING_ACCESS, merchant=merchant)
        grant = _new_grant(consent, consent.refresh_token)
        if known and known.email and known.is_other_than(consent.account):
            return await asyncio.to_thread(self._ask, merchant, browser, known.email, grant)
        return await self._connect(merchant, grant, all_anew=_was_disconnected(known))

    def _grant_of(self, merchant: str) -> tuple[str | None, str | None]:
        """The refresh token that the merchant has now, and the key of its account."""
        connection_id, known = self._connections.active_id(merchant), self._views.account(merchant)
        token = self._connections.grant(connection_id).refresh_token if connection_id else None
        return token, known.key if known else None

    def _give_back(self, refresh_token: str | None, account_key: str | None) -> None:
        """Ends a grant that nobody wants; not one of an account that another merchant uses."""
        if refresh_token is None or self._connections.is_used(account_key):
            return
        try:
            revoke(self._settings, refresh_token)
        except Transient as failure:
            logger.warning("a grant that is not wanted could not be given back to Google: %s", failure.reason)

    def _ask(self, merchant: str, browser: str, connected: str, grant: NewGrant) -> AnotherAccount:
        change = secrets.token_urlsafe(32)
        self._pending.put(Awaited.CONFIRMATION, change, merchant=merchant, browser=browser, secret=held(grant))
        return AnotherAccount(merchant=merchant, change=change, connected=connected, chosen=grant.account_email)

    async def _connect(self, merchant: str, grant: NewGrant, *, all_anew: bool) -> Connected:
        await asyncio.to_thread(self._connections.save, merchant, grant)
        try:
            await signal_connection(self._client, merchant, Granted(all_anew=all_anew))
        except RPCError as failure:
            # The grant is safe. Parked work looks again by itself, only later.
            logger.warning("Temporal could not be told of a new grant: %s", failure.status.name)
        return Connected(merchant=merchant, connection=await self.view(merchant))


def _was_disconnected(known: KnownAccount | None) -> bool:
    return known is not None and known.email is None


def _new_grant(consent: Consent, refresh_token: str) -> NewGrant:
    return NewGrant(
        account_email=consent.account.email,
        account_key=consent.account.key,
        scopes=consent.scopes,
        refresh_token=refresh_token,
        access_token=consent.access_token,
        expires_at=consent.expires_at,
    )


def _refused(failure: GoogleError, merchant: str) -> ConsentRefused:
    reason = Reason.UNREACHABLE if isinstance(failure, Transient) else Reason.NOT_ACCEPTED
    return ConsentRefused(reason=reason, merchant=merchant, detail=failure.reason)
