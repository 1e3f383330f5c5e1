"""Connect merchants to Google, and disconnect them."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from functools import cached_property, partial

from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError

from slotsync.domain.connections.connection import ConnectionView, wanted_scopes
from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectionResult
from slotsync.domain.messages import Message
from slotsync.errors import GoogleError, InputError, Transient
from slotsync.google.auth.consent import Consent, GoogleConsent
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connection_views import ConnectionViews, KnownAccount
from slotsync.store.connections.connections import Connections, NewGrant
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.pending_consents import AwaitedStep, PendingConsent, PendingConsents
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.temporal.signals import signal_connection
from starter.services.former_grants import FormerGrants
from starter.services.google_calls import GoogleCalls

CONSENT_DEADLINE = timedelta(seconds=30)
"""A code that Google has exchanged late would be a grant that nobody keeps; each call ends by itself before that."""


class RefusalReason(StrEnum):
    """The reason why a consent was refused."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OTHER_BROWSER = "other_browser"
    DENIED = "denied"
    NOT_ACCEPTED = "not_accepted"
    NO_LASTING_ACCESS = "no_lasting_access"
    UNREACHABLE = "unreachable"
    OTHER_ACCOUNT = "other_account"


class Connected(Message):
    """The merchant is connected; ``connection.missing`` lists what the merchant did not allow."""

    merchant: str
    connection: ConnectionView


class ConsentGiven(Message):
    """Somebody has allowed access to the ``chosen`` account; nothing is saved until the ``code`` comes back.

    It comes from the platform, which knows who is logged in, if the browser goes back to its ``return_url``. Without
    one it comes from the browser, after the question to whom the account shall belong. ``connected`` is another
    account that is connected now, None if there is none.
    """

    merchant: str
    code: str
    chosen: str
    connected: str | None = None
    return_url: str = ""


class ConsentRefused(Message):
    """The consent was refused and nothing has changed. ``merchant`` is None if the consent is unknown here."""

    reason: RefusalReason
    merchant: str | None = None
    detail: str = ""


logger = logging.getLogger(__name__)

SIGNAL_RETRY_DELAY = timedelta(seconds=2)
"""The time between two tries to signal a new grant while Temporal does not answer."""

DISCONNECT_TIMEOUT = timedelta(seconds=20)
"""The longest time that a merchant waits for the result of a disconnection, which continues by itself after that."""


class ConnectionService:
    """Connects merchants to Google through its consent page, and disconnects them.

    ``browser`` is always a secret that only the merchant's browser has.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        vault: Vault,
        client: Client,
        disconnect_timeout: timedelta = DISCONNECT_TIMEOUT,
    ) -> None:
        self._settings = settings
        self._client = client
        self._disconnect_timeout = disconnect_timeout
        self._merchants = Merchants(store, vault)
        self._pending = PendingConsents(store, vault)
        self._connections = Connections(store, vault)
        self._store = store
        self._disconnections = Disconnections(store, vault)
        self._former_grants = FormerGrants(settings, store, vault)
        self._calls = GoogleCalls(deadline=CONSENT_DEADLINE)
        self._repeating = set[asyncio.Task[None]]()
        self._views = ConnectionViews(store, vault, wanted_scopes(push=settings.google_push))

    async def begin(self, merchant: str, browser: str, *, name_account: bool = True) -> str:
        """Return the URL of Google's consent page, which is valid for ten minutes, once, in this browser.

        It names the account that is connected, if there is one, unless ``name_account`` is false.

        Raises:
            SettingsError: SLOTSYNC_PUBLIC_URL or Google's OAuth client is not configured.
        """
        return await asyncio.to_thread(self._begin, merchant, browser, name_account=name_account)

    async def complete(
        self, state: str, code: str | None, browser: str, *, error: str = "", same_account: bool = False
    ) -> ConsentGiven | ConsentRefused:
        """Take Google's answer from the browser: ``state``, and ``code`` or ``error``. Nothing is connected by that.

        The link may have been sent on to somebody else, who saw only Google's own page. With ``same_account`` another
        account than the connected one is refused.
        """
        pending = await asyncio.to_thread(self._take_pending, AwaitedStep.ANSWER, state, browser)
        if isinstance(pending, ConsentRefused):
            return pending
        if not code:
            reason = RefusalReason.DENIED if error == "access_denied" else RefusalReason.NOT_ACCEPTED
            return ConsentRefused(reason=reason, merchant=pending.merchant, detail=error)
        try:
            consent = await self._calls.run(pending.merchant, partial(self._google.exchange_code, code, pending.secret))
        except GoogleError as failure:
            return _refusal(failure, pending.merchant)
        if consent.refresh_token is None:
            return ConsentRefused(reason=RefusalReason.NO_LASTING_ACCESS, merchant=pending.merchant)
        grant = _new_grant(consent, consent.refresh_token)
        if same_account and (refused := await self._refuse_other_account(pending.merchant, grant)):
            return refused
        return await asyncio.to_thread(self._keep_grant, pending.merchant, grant, browser)

    async def confirm(self, code: str, browser: str, *, same_account: bool = False) -> Connected | ConsentRefused:
        """Connect the chosen account, as the merchant has decided on the page.

        With ``same_account`` another account than the connected one is refused.
        """
        pending = await asyncio.to_thread(self._take_pending, AwaitedStep.CONFIRMATION, code, browser)
        if isinstance(pending, ConsentRefused):
            return pending
        grant = NewGrant.read(pending.secret)
        if same_account and (refused := await self._refuse_other_account(pending.merchant, grant)):
            return refused
        return await self._save(pending)

    async def complete_for_platform(self, merchant: str, code: str) -> Connected:
        """Connect the chosen account, as the platform has decided, which knows that this merchant is logged in.

        Raises:
            InputError: the code is unknown, belongs to another merchant, was used or is older than ten minutes.
        """
        pending = await asyncio.to_thread(self._pending.take, AwaitedStep.COMPLETION, code)
        if pending is None or pending.merchant != merchant or pending.expired:
            if pending:
                await self._end_soon(pending.merchant, partial(self._end, pending))
            raise InputError("code: is unknown, was used, or is older than ten minutes; let the merchant connect again")
        return await self._save(pending)

    async def decline(self, code: str, browser: str) -> ConsentRefused | None:
        """End the grant of the chosen account. Return None, or why that was refused."""
        pending = await asyncio.to_thread(self._take_pending, AwaitedStep.CONFIRMATION, code, browser)
        if isinstance(pending, ConsentRefused):
            return pending
        await self._end_soon(pending.merchant, partial(self._end, pending))
        return None

    def is_refused(self, merchant: str, grant_number: int) -> bool:
        """Return whether Google refuses the merchant's grant with this number, and there is no newer one."""
        return self._connections.is_refused(merchant, grant_number)

    def is_resuming(self, merchant: str) -> bool:
        """Return whether work that waited for the merchant's grant is still to be signalled."""
        return self._connections.is_resuming(merchant)

    def get_return_url(self, merchant: str) -> str:
        """Return where the browser goes back to from Google, or an empty text if slotsync's own page is to ask."""
        details = self._merchants.get(merchant)
        return (details and details.return_url) or self._settings.return_url

    async def view(self, merchant: str) -> ConnectionView:
        """Return the state of the merchant's connection."""
        return await asyncio.to_thread(self._views.get_view, merchant)

    async def disconnect(self, merchant: str, calendars: CalendarChoice) -> DisconnectionResult | None:
        """Disconnect the merchant, also with a revoked grant, and return the result, or None if it goes on.

        Raises:
            RPCError: Temporal did not answer. The connection is out of use, and the cleaning up begins later.
        """
        if not await asyncio.to_thread(lambda: self._disconnections.request(merchant, calendars, self._store.now())):
            return DisconnectionResult(notes=("There was no connection.",))
        handle = await signal_connection(self._client, merchant, "disconnect")
        try:
            return await asyncio.wait_for(handle.result(), self._disconnect_timeout.total_seconds())
        except (TimeoutError, WorkflowFailureError):  # the latter if an operator has ended the workflow
            return None

    @cached_property
    def _google(self) -> GoogleConsent:
        """Google's consent, built at first use: a view or a disconnection needs neither public URL nor OAuth client."""
        return GoogleConsent(self._settings)

    def _begin(self, merchant: str, browser: str, *, name_account: bool) -> str:
        state = secrets.token_urlsafe(32)
        known = self._views.get_account(merchant) if name_account else None
        request = self._google.build_request(state, known.email if known else None)
        self._pending.put(AwaitedStep.ANSWER, state, merchant=merchant, browser=browser, secret=request.verifier)
        return request.url

    def _take_pending(self, awaited: AwaitedStep, key: str, browser: str) -> PendingConsent | ConsentRefused:
        """Return the pending consent with this key, or why it is refused. Each key works for one attempt only."""
        pending = self._pending.take(awaited, key)
        if pending is None:
            return ConsentRefused(reason=RefusalReason.UNKNOWN)
        if not pending.is_from(browser):
            return ConsentRefused(reason=RefusalReason.OTHER_BROWSER)
        if pending.expired:
            return ConsentRefused(reason=RefusalReason.EXPIRED, merchant=pending.merchant)
        return pending

    async def _refuse_other_account(self, merchant: str, grant: NewGrant) -> ConsentRefused | None:
        """Return a refusal, and end the grant, if it is of another account than the connected one."""
        known = await asyncio.to_thread(self._views.get_account, merchant)
        if known and known.email and not await asyncio.to_thread(self._is_other, known, grant):
            return None
        await self._end_soon(merchant, partial(self._former_grants.revoke, grant.refresh_token, grant.account_key))
        return ConsentRefused(reason=RefusalReason.OTHER_ACCOUNT, merchant=merchant)

    def _keep_grant(self, merchant: str, grant: NewGrant, browser: str) -> ConsentGiven:
        code, return_url = secrets.token_urlsafe(32), self.get_return_url(merchant)
        self._pending.put(
            AwaitedStep.COMPLETION if return_url else AwaitedStep.CONFIRMATION,
            code,
            merchant=merchant,
            browser=browser,
            secret=grant.write(),
        )
        known = self._views.get_account(merchant)
        connected = known.email if known and self._is_other(known, grant) else None
        return ConsentGiven(
            merchant=merchant, code=code, chosen=grant.account_email, connected=connected, return_url=return_url
        )

    async def _save(self, pending: PendingConsent) -> Connected:
        """Connect the account of a consent; another one that was connected gets its channels and its grant ended."""
        grant = NewGrant.read(pending.secret)
        known = await asyncio.to_thread(self._views.get_account, pending.merchant)
        is_other = await asyncio.to_thread(self._is_other, known, grant)
        former = await asyncio.to_thread(self._former_grants.get, pending.merchant) if is_other else None
        connected = await self._connect(pending.merchant, grant, rewrite_all=is_other or _was_disconnected(known))
        if former:
            await self._end_soon(pending.merchant, partial(self._former_grants.end, former))
        return connected

    async def _end_soon(self, merchant: str, end: Callable[[], None]) -> None:
        """End a grant at Google; while Google is slow, that goes on by itself."""
        with suppress(Transient):
            await self._calls.run(merchant, end)

    def _is_other(self, known: KnownAccount | None, grant: NewGrant) -> bool:
        """Return whether another account than that of the grant is connected."""
        if known is None or known.email is None:
            return False
        return self._views.is_other(known, grant.account_key, grant.account_email)

    def _end(self, pending: PendingConsent) -> None:
        grant = NewGrant.read(pending.secret)
        self._former_grants.revoke(grant.refresh_token, grant.account_key)

    async def _connect(self, merchant: str, grant: NewGrant, *, rewrite_all: bool) -> Connected:
        await asyncio.to_thread(self._connections.save, merchant, grant, resume_all=rewrite_all)
        try:
            await signal_connection(self._client, merchant, "granted")
        except RPCError as failure:
            logger.warning("Temporal could not be signalled about a new grant: %s", failure.status.name)
            self._repeat_later(merchant)
        return Connected(merchant=merchant, connection=await self.view(merchant))

    def _repeat_later(self, merchant: str) -> None:
        """Signal again in the background until Temporal answers. Should this process end, the sweep does it."""
        task = asyncio.create_task(self._repeat_signal(merchant))
        self._repeating.add(task)
        task.add_done_callback(self._repeating.discard)

    async def _repeat_signal(self, merchant: str) -> None:
        while True:
            await asyncio.sleep(SIGNAL_RETRY_DELAY.total_seconds())
            with suppress(RPCError):
                await signal_connection(self._client, merchant, "granted")
                return


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


def _refusal(failure: GoogleError, merchant: str) -> ConsentRefused:
    reason = RefusalReason.UNREACHABLE if isinstance(failure, Transient) else RefusalReason.NOT_ACCEPTED
    return ConsentRefused(reason=reason, merchant=merchant, detail=failure.reason)
