"""Messages to the platform: list them, have them sent again, skip one that holds up the others."""

import asyncio
from datetime import datetime

from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.availability.messages import ProductKey, is_about_merchant
from slotsync.domain.kept_messages import MessageFilter, MessageLine, MessageView
from slotsync.errors import NotTaken, UnknownSubject, WrongState
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.store.message_history import SENDABLE, MessageHistory
from slotsync.temporal.signals import signal_availability, signal_connection


class UnknownMessage(UnknownSubject):
    """The message is not kept: it never was, is another merchant's, or was deleted after its time."""

    def __init__(self) -> None:
        super().__init__("There is no such message of this merchant; it may have been deleted after its time.")


class MessageService:
    """Reads the messages in the store, changes their states there, and signals the workflows that deliver them."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._store = store
        self._merchants = Merchants(store, vault)
        self._history = MessageHistory(store, vault, AuditLog(store, vault))

    async def list_messages(
        self, merchant: str, chosen: MessageFilter, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[MessageLine]:
        """Return messages of the merchant, the oldest first; those after a time and an id, if given.

        Raises:
            UnknownSubject: the merchant is not known.
        """
        found = await asyncio.to_thread(self._history.list_messages, merchant, chosen, limit, after)
        if not found:
            await self._require_merchant(merchant)
        return found

    async def get(self, merchant: str, message_id: str) -> MessageView:
        """Return a message with its attempts.

        Raises:
            UnknownMessage: it is not kept.
        """
        found = await asyncio.to_thread(self._history.get, merchant, message_id)
        if found is None:
            raise UnknownMessage
        return found

    async def resend(self, merchant: str, message_id: str) -> MessageView:
        """Have a message sent again, and return it.

        Raises:
            UnknownMessage: it is not kept.
            WrongState: it waits already, or no key opens it.
            NotTaken: it will be sent, but Temporal did not answer within a few seconds.
        """
        if not await self.resend_all(merchant, MessageFilter(id=message_id)):
            state = (await self.get(merchant, message_id)).state
            if state not in SENDABLE:
                raise WrongState(f"The message is {state}: only one that was accepted or skipped is sent again.")
        return await self.get(merchant, message_id)

    async def resend_all(self, merchant: str, chosen: MessageFilter) -> int:
        """Have all chosen messages sent again that were accepted or skipped, in order; return how many.

        Raises:
            UnknownSubject: the merchant is not known.
            NotTaken: they will be sent, but Temporal did not answer within a few seconds.
        """
        now = await asyncio.to_thread(self._store.now)
        keys = await asyncio.to_thread(self._history.resend, merchant, chosen, now)
        if not keys:
            await self._require_merchant(merchant)
        await self._signal(dict.fromkeys(keys))
        return len(keys)

    async def skip(self, merchant: str, message_id: str, reason: str) -> MessageView:
        """Give up a message that waits, for this reason, and return it: those after it are sent.

        Raises:
            UnknownMessage: it is not kept.
            WrongState: it does not wait.
            NotTaken: it is skipped, but Temporal did not answer within a few seconds.
        """
        now = await asyncio.to_thread(self._store.now)
        key = await asyncio.to_thread(self._history.skip, merchant, message_id, reason, now)
        if key is None:
            state = (await self.get(merchant, message_id)).state
            raise WrongState(f"The message is {state}: only one that waits can be skipped.")
        await self._signal({key: None})
        return await self.get(merchant, message_id)

    async def _require_merchant(self, merchant: str) -> None:
        """Raise UnknownSubject for one that is not known: no messages would be no answer."""
        if await asyncio.to_thread(self._merchants.get, merchant) is None:
            raise UnknownSubject(f"merchant {merchant} is not known; put it, or one of its products, first")

    async def _signal(self, keys: dict[ProductKey, None]) -> None:
        try:
            for key in keys:
                if is_about_merchant(key):
                    await signal_connection(self._client, key.merchant, "check")
                else:
                    await signal_availability(self._client, key.merchant, key.product)
        except RPCError as error:
            raise NotTaken("It is stored, and done as soon as Temporal answers again.") from error
