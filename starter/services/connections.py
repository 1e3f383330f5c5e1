"""Connect merchants to Google, and disconnect them."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError

from slotsync.domain.connections.connection import ConnectionView, wanted_scopes
from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectionResult
from slotsync.errors import Erased, GoogleError, InputError, SlotsyncError
from slotsync.google.auth.consent import GoogleConsent
from slotsync.grant_ends import GrantEnd, GrantEnds
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connection_views import ConnectionViews, KnownAccount
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.decisions import Accepted, Decisions
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import AwaitedStep, PendingConsent, PendingConsents
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.temporal.signals import signal_connection
from starter.services.consent_results import (
    Connected,
    ConsentGiven,
    ConsentRefused,
    RefusalReason,
    read_grant,
    refuse_decision,
    refuse_failure,
    refuse_incomplete,
)
from starter.services.former_grants import FormerGrants
from starter.services.google_calls import GoogleCalls
from starter.services.places import Places
from starter.services.repeated_attempts import RepeatedAttempts

CONSENT_DEADLINE = timedelta(seconds=30)
"""Longer than each call takes. One that began late goes on by itself, and its grant is kept until it is ended."""


logger = logging.getLogger(__name__)

DISCONNECT_TIMEOUT = timedelta(seconds=20)
"""The longest time that a merchant waits for the result of a disconnection, which continues by itself after that."""

MAX_WAITING_FOR_RESULT = 2
"""Of one merchant: who disconnects once more meanwhile, or otherwise, sees the result, too. More are told at once that
it goes on."""


class ConnectionService:
    """Connects merchants to Google through its consent page, and disconnects them.

    ``browser`` is always a secret that only the merchant's browser has.
    """

    def __init__(  # noqa: PLR0913  the parts, and how long people wait
        self,
        settings: Settings,
        store: Store,
        vault: Vault,
        client: Client,
        *,
        disconnect_timeout: timedelta = DISCONNECT_TIMEOUT,
        consent_deadline: timedelta = CONSENT_DEADLINE,
    ) -> None:
        self._settings = settings
        self._client = client
        self._disconnect_timeout = disconnect_timeout
        self._merchants = Merchants(store, vault)
        self._pending = PendingConsents(store, vault)
        self._connections = Connections(store, vault)
        self._store = store
        self._disconnections = Disconnections(store, vault)
        self._decisions = Decisions(store, vault)
        self._ends = GrantEnds(settings, store, vault)
        self._former_grants = FormerGrants(settings, store, vault)
        self._calls = GoogleCalls(deadline=consent_deadline)
        self._repeated = RepeatedAttempts()
        self._waiting = Places()
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
        account than the connected one is refused, now and by the decision.
        """
        pending = await asyncio.to_thread(self._take_pending, AwaitedStep.ANSWER, state, browser)
        if isinstance(pending, ConsentRefused):
            return pending
        if not code:
            reason = RefusalReason.DENIED if error == "access_denied" else RefusalReason.NOT_ACCEPTED
            return ConsentRefused(reason=reason, merchant=pending.merchant, detail=error)
        # In one call: should nobody wait any more when Google has answered, the grant is kept all the same.
        loop = asyncio.get_running_loop()
        exchange = partial(self._exchange, pending, code, browser, loop, same_account=same_account)
        try:
            return await self._calls.run(pending.merchant, exchange)
        except GoogleError as failure:
            return refuse_failure(failure, pending.merchant)

    async def confirm(self, code: str, browser: str) -> Connected | ConsentRefused:
        """Connect the chosen account, as the merchant has decided on the page. If this fails, it can be repeated."""
        accept = partial(self._decisions.accept, AwaitedStep.CONFIRMATION, code)
        decided = await asyncio.to_thread(accept, lambda consent: consent.is_from(browser))
        if isinstance(decided, Accepted):
            return await self._connect(decided)
        if decided is None:
            return ConsentRefused(reason=RefusalReason.UNKNOWN)
        await self._end_soon(decided.merchant, partial(self._ends.end, decided.key_hash))
        other = ConsentRefused(reason=RefusalReason.OTHER_ACCOUNT, merchant=decided.merchant)
        return refuse_decision(decided, browser) or other

    async def complete_for_platform(self, merchant: str, code: str) -> Connected:
        """Connect the chosen account, as the platform has decided, which knows that this merchant is logged in.

        If this fails, it can be repeated.

        Raises:
            InputError: the code is unknown, belongs to another merchant, was used or is older than ten minutes; or it
                began with a link in an e-mail, and another account is connected by now.
        """
        step = AwaitedStep.COMPLETION
        decided = await asyncio.to_thread(self._decisions.accept, step, code, lambda each: each.merchant == merchant)
        if isinstance(decided, Accepted):
            return await self._connect(decided)
        if decided:
            await self._end_soon(decided.merchant, partial(self._ends.end, decided.key_hash))
            if decided.merchant == merchant and not decided.expired:
                raise InputError("code: is for another account than the one that is connected by now")
        raise InputError("code: is unknown, was used, or is older than ten minutes; let the merchant connect again")

    async def decline(self, code: str, browser: str) -> ConsentRefused | GrantEnd:
        """End the grant of the chosen account. Return what has become of it, or why that was refused."""
        declined = await asyncio.to_thread(self._decisions.decline, AwaitedStep.CONFIRMATION, code)
        if declined is None:
            return ConsentRefused(reason=RefusalReason.UNKNOWN)
        end = await self._end_soon(declined.merchant, partial(self._ends.end, declined.key_hash))
        return refuse_decision(declined, browser) or end

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

    async def disconnect(
        self, merchant: str, calendars: CalendarChoice, within: timedelta | None = None
    ) -> DisconnectionResult | None:
        """Disconnect the merchant, also with a revoked grant, and return the result, or None if it goes on.

        It goes on, too, if as many wait for the merchant's result as may, or after this time.

        Raises:
            RPCError: Temporal did not answer. The connection is out of use, and the cleaning up begins later.
        """
        if not await asyncio.to_thread(lambda: self._disconnections.request(merchant, calendars, self._store.now())):
            return DisconnectionResult(notes=("There was no connection.",))
        handle = await signal_connection(self._client, merchant, "disconnect")
        with self._waiting.take({merchant: MAX_WAITING_FOR_RESULT}) as free:
            return await self._wait_for_result(handle, within or self._disconnect_timeout) if free else None

    async def _wait_for_result(
        self, disconnecting: WorkflowHandle[Any, DisconnectionResult | None], within: timedelta
    ) -> DisconnectionResult | None:
        try:
            return await asyncio.wait_for(disconnecting.result(), within.total_seconds())
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
        return refuse_decision(pending, browser) or pending or ConsentRefused(reason=RefusalReason.UNKNOWN)

    def _exchange(
        self, pending: PendingConsent, code: str, browser: str, loop: asyncio.AbstractEventLoop, *, same_account: bool
    ) -> ConsentGiven | ConsentRefused:
        """Exchange the code for a grant, and keep it until somebody decides on it.

        If the database does not take it now, it is declined as soon as the database does. One of a merchant that is
        being erased is given back to Google.
        """
        began = self._store.now()
        consent = self._google.exchange_code(code, pending.secret)
        grant = read_grant(consent)
        try:
            refused = refuse_incomplete(consent, pending.merchant)
            if same_account and not refused:
                refused = self._refuse_other_account(pending.merchant, grant)
            if refused:
                self._ends.end(self._decisions.keep_declined(pending.merchant, grant))
            given = refused or self._keep_grant(pending.merchant, grant, browser, same_account=same_account)
        except Erased:
            if not self._end_unkept(pending.merchant, grant):
                loop.call_soon_threadsafe(self._repeated.add, partial(self._decline_unkept, pending.merchant, grant))
            raise
        except Exception:
            loop.call_soon_threadsafe(self._repeated.add, partial(self._decline_unkept, pending.merchant, grant))
            raise
        return self._check_alive(given, grant, began) if isinstance(given, ConsentGiven) else given

    def _check_alive(self, given: ConsentGiven, grant: NewGrant, began: datetime) -> ConsentGiven | ConsentRefused:
        """Refuse a grant that Google has given since then, and has ended together with another one of its account."""
        alive = False
        try:
            alive = not self._ends.is_ended(grant, began)
        finally:
            if not alive:
                self._decisions.decline(_decision_step(given.return_url), given.code)
        return given if alive else ConsentRefused(reason=RefusalReason.NOT_ACCEPTED, merchant=given.merchant)

    def _refuse_other_account(self, merchant: str, grant: NewGrant) -> ConsentRefused | None:
        """Return a refusal if the grant is of another account than the connected one."""
        known = self._views.get_account(merchant)
        if known and known.email and not self._is_other(known, grant):
            return None
        return ConsentRefused(reason=RefusalReason.OTHER_ACCOUNT, merchant=merchant)

    def _is_other(self, known: KnownAccount, grant: NewGrant) -> bool:
        """Return whether another account than that of the grant is connected."""
        return known.email is not None and self._views.is_other(known, grant.account_key, grant.account_email)

    def _keep_grant(self, merchant: str, grant: NewGrant, browser: str, *, same_account: bool) -> ConsentGiven:
        code, return_url = secrets.token_urlsafe(32), self.get_return_url(merchant)
        self._pending.put(
            _decision_step(return_url),
            code,
            merchant=merchant,
            browser=browser,
            secret=grant.write(),
            account_key=grant.account_key,
            same_account=same_account,
        )
        known = self._views.get_account(merchant)
        connected = known.email if known and self._is_other(known, grant) else None
        return ConsentGiven(
            merchant=merchant, code=code, chosen=grant.account_email, connected=connected, return_url=return_url
        )

    async def _decline_unkept(self, merchant: str, grant: NewGrant) -> bool:
        """Return whether the grant is kept until it is ended, or is ended."""
        try:
            await asyncio.to_thread(self._decisions.keep_declined, merchant, grant)
        except Erased:
            return await asyncio.to_thread(self._end_unkept, merchant, grant)
        except SQLAlchemyError:
            logger.warning("a grant of %s, which nobody needs, could not be stored yet", merchant)
            return False
        return True

    def _end_unkept(self, merchant: str, grant: NewGrant) -> bool:
        """Return whether the grant of a merchant that is being erased is ended, or kept until it is."""
        try:
            self._ends.end_unkept(grant)
        except (SlotsyncError, SQLAlchemyError) as failure:
            logger.warning("a grant of %s, which is erased, is not stored yet: %s", merchant, type(failure).__name__)
            return False
        return True

    async def _end_soon(self, merchant: str, end: Callable[[], GrantEnd]) -> GrantEnd:
        """End a grant at Google. What cannot be done now, the sweep does: the decision is stored."""
        try:
            return await self._calls.run(merchant, end)
        except (SlotsyncError, SQLAlchemyError) as failure:
            logger.warning("a grant of %s could not be ended yet: %s", merchant, type(failure).__name__)
            return GrantEnd.LATER

    async def _connect(self, accepted: Accepted) -> Connected:
        """Take the grant into use, and end the one that it has replaced. Nothing here undoes what was accepted."""
        merchant = accepted.merchant
        try:
            await signal_connection(self._client, merchant, "granted")
        except RPCError as failure:
            logger.warning("Temporal could not be signalled about a new grant: %s", failure.status.name)
            self._repeated.add(partial(self._signal, merchant))
        if accepted.former:
            await self._end_soon(merchant, partial(self._former_grants.end, accepted.former))
        return Connected(merchant=merchant, connection=await self._view_accepted(accepted))

    async def _view_accepted(self, accepted: Accepted) -> ConnectionView:
        try:
            return await self.view(accepted.merchant)
        except SQLAlchemyError:
            return self._views.view_grant(accepted.grant)

    async def _signal(self, merchant: str) -> bool:
        """Return whether the new grant was signalled. Should this process end before that, the sweep does it."""
        with suppress(RPCError):
            await signal_connection(self._client, merchant, "granted")
            return True
        return False


def _decision_step(return_url: str) -> AwaitedStep:
    """Return the step of a decision: the platform's if the browser goes back there, else that of the page."""
    return AwaitedStep.COMPLETION if return_url else AwaitedStep.CONFIRMATION
