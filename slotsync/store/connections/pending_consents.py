"""Pending consents, which wait for a merchant's browser or for the end of their grants, and used links."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from slotsync.clock import utc_now
from slotsync.secrets import Vault
from slotsync.store.connections.account_keys import hash_account_key, is_account_in
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant
from slotsync.store.tables.connections import PendingConsentRow, UsedLinkRow

CONSENT_LIFETIME = timedelta(minutes=10)
"""The time in which the browser has to come back."""

EXPIRED_CONSENT_RETENTION = timedelta(hours=1)
"""The time for which an expired consent is kept, so that a browser that comes late gets a clear answer."""

_CONSENTS = table_of(PendingConsentRow)


class AwaitedStep(StrEnum):
    """The step that a pending consent waits for.

    That is Google's answer, then the merchant's or the platform's decision; and if nobody needs the grant, its end.
    """

    ANSWER = "answer"
    CONFIRMATION = "confirmation"
    COMPLETION = "completion"
    END = "end"


UNDECIDED: Final = (AwaitedStep.CONFIRMATION.value, AwaitedStep.COMPLETION.value)
"""The steps in which a consent has a grant that may still be connected."""


@dataclass(frozen=True)
class OpenConsent:
    """A consent, by the hash of its key, without what it keeps."""

    key_hash: str
    merchant: str
    expired: bool
    browser_hash: str

    def is_from(self, browser: str) -> bool:
        """Return whether this browser began the consent."""
        return hmac.compare_digest(self.browser_hash, hash_key(browser))


@dataclass(frozen=True, repr=False)
class PendingConsent(OpenConsent):
    """A stored consent. ``secret`` may contain tokens, so it has no repr."""

    secret: str
    account_key: str | None


class PendingConsents:
    """Stores consents, and returns each only once."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._clock = clock

    def put(  # noqa: PLR0913  all that a consent consists of
        self,
        awaited: AwaitedStep,
        key: str,
        *,
        merchant: str,
        browser: str,
        secret: str,
        account_key: str | None = None,
        same_account: bool = False,
    ) -> None:
        """Store a consent under a key that only the browser will bring back.

        With ``same_account`` it must not connect another account than the one that is connected.
        """
        now = self._clock()
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            own = self._keys.for_writing(connection, merchant)
            # One that Google has answered holds a grant, which has to be ended first.
            unused = delete(_CONSENTS).where(_CONSENTS.c.kind == AwaitedStep.ANSWER.value)
            connection.execute(unused.where(_CONSENTS.c.expires_at < now - EXPIRED_CONSENT_RETENTION))
            connection.execute(
                insert(_CONSENTS).values(
                    key_hash=hash_key(key),
                    kind=awaited.value,
                    merchant=merchant,
                    browser_hash=hash_key(browser),
                    account_key=hash_account_key(connection, self._keys, account_key),
                    same_account=same_account,
                    secret=own.encrypt(_CONSENTS.c.secret, secret, key_hash=hash_key(key)),
                    expires_at=now + CONSENT_LIFETIME,
                )
            )

    def put_unneeded(self, merchant: str, account_key: str | None, secret: str) -> str:
        """Store a grant that has to be ended; return the hash by which it is known."""
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            return keep_unneeded(connection, self._keys, merchant, account_key, secret, self._clock())

    def take(self, awaited: AwaitedStep, key: str) -> PendingConsent | None:
        """Remove and return the consent with this key, or None if it is unknown or was taken already."""
        taken = delete(_CONSENTS).where(_CONSENTS.c.key_hash == hash_key(key), _CONSENTS.c.kind == awaited.value)
        with self._store.write() as connection:
            row = connection.execute(taken.returning(*_CONSENTS.c)).first()
        with self._store.read() as session:
            return self.read(session, row) if row else None

    def find(self, awaited: AwaitedStep, key: str) -> PendingConsent | None:
        """Return the consent with this key, which stays as it is, or None if there is none."""
        own = (_CONSENTS.c.key_hash == hash_key(key), _CONSENTS.c.kind == awaited.value)
        with self._store.read() as session:
            row = session.connection().execute(select(*_CONSENTS.c).where(*own)).first()
            return self.read(session, row) if row else None

    def lock(self, connection: Connection, awaited: AwaitedStep, key: str) -> Row[Any] | None:
        """Return the row of the consent with this key, or None without one; nobody else can take it meanwhile."""
        own = (_CONSENTS.c.key_hash == hash_key(key), _CONSENTS.c.kind == awaited.value)
        return connection.execute(select(*_CONSENTS.c).where(*own).with_for_update()).first()

    def look(self, row: Row[Any]) -> OpenConsent:
        """Return the consent in a row, for which nothing has to be decrypted."""
        return OpenConsent(row.key_hash, row.merchant, row.expires_at <= self._clock(), row.browser_hash)

    def read(self, database: Connection | Session, row: Row[Any]) -> PendingConsent:
        """Return the consent in a row, with what it keeps.

        Raises:
            Undecryptable: no key fits.
        """
        place = cell(_CONSENTS.c.secret, row.merchant, key_hash=row.key_hash)
        secret = self._keys.decrypt(database, place, row.secret)
        return PendingConsent(**vars(self.look(row)), secret=secret, account_key=row.account_key)

    def give_up_expired(self) -> list[str]:
        """Let the consents on which nobody has decided in time wait for their end.

        Return the hashes of the keys of all that wait for it, those first for which Google was not asked for longest.
        """
        expired = (_CONSENTS.c.kind.in_(UNDECIDED), _CONSENTS.c.expires_at <= self._clock())
        waiting = select(_CONSENTS.c.key_hash).where(_CONSENTS.c.kind == AwaitedStep.END.value)
        with self._store.write() as connection:
            connection.execute(update(_CONSENTS).where(*expired).values(kind=AwaitedStep.END.value))
            order = func.coalesce(_CONSENTS.c.tried_at, _CONSENTS.c.expires_at)
            return [*connection.execute(waiting.order_by(order)).scalars()]

    def get_unneeded(self, key_hash: str) -> PendingConsent | None:
        """Return the consent with this hash, the grant of which has to be ended, or None if that is done.

        Raises:
            Undecryptable: no key fits.
        """
        own = (_CONSENTS.c.key_hash == key_hash, _CONSENTS.c.kind == AwaitedStep.END.value)
        with self._store.read() as session:
            row = session.connection().execute(select(*_CONSENTS.c).where(*own)).first()
            return self.read(session, row) if row else None

    def find_unneeded(self, account_key: str | None) -> list[str]:
        """Return the hashes of the keys of consents to the account that wait for the end of their grants."""
        waiting = select(_CONSENTS.c.key_hash, _CONSENTS.c.account_key).filter_by(kind=AwaitedStep.END.value)
        with self._store.read() as session:
            wanted = hash_account_key(session, self._keys, account_key)
            rows = session.execute(waiting.where(_CONSENTS.c.account_key.is_not(None))).all()
            return [each.key_hash for each in rows if hash_account_key(session, self._keys, each.account_key) == wanted]

    def record_try(self, key_hash: str) -> None:
        """Record that Google was asked to end the grant now, and did not."""
        with self._store.write() as connection:
            connection.execute(update(_CONSENTS).filter_by(key_hash=key_hash).values(tried_at=self._clock()))

    def give_up(self, merchant: str) -> dict[str, datetime]:
        """Let all the merchant's consents wait for the end of their grants.

        Return the hashes of their keys, each with the time since which nobody needs the grant.
        """
        waiting = select(_CONSENTS.c.key_hash, _CONSENTS.c.expires_at)
        own = waiting.filter_by(merchant=merchant, kind=AwaitedStep.END.value)
        with self._store.write() as connection:
            give_up_merchants_consents(connection, merchant)
            rows = connection.execute(own.order_by(_CONSENTS.c.expires_at)).all()
        return {row.key_hash: min(row.expires_at, self._clock()) for row in rows}

    def forget(self, key_hash: str) -> None:
        """Delete a consent."""
        with self._store.write() as connection:
            forget_consent(connection, key_hash)


def forget_consent(connection: Connection, key_hash: str) -> None:
    """Delete a consent."""
    connection.execute(delete(_CONSENTS).where(_CONSENTS.c.key_hash == key_hash))


def give_up_consent(connection: Connection, key_hash: str) -> None:
    """Let a consent wait for the end of its grant, which nobody needs."""
    connection.execute(update(_CONSENTS).filter_by(key_hash=key_hash).values(kind=AwaitedStep.END.value))


def give_up_merchants_consents(connection: Connection, merchant: str) -> None:
    """Let the merchant's consents on which nobody has decided wait for the end of their grants."""
    undecided = (_CONSENTS.c.merchant == merchant, _CONSENTS.c.kind.in_(UNDECIDED))
    connection.execute(update(_CONSENTS).where(*undecided).values(kind=AwaitedStep.END.value))


def keep_unneeded(  # noqa: PLR0913, PLR0917  all that such a consent consists of
    connection: Connection, keys: DataKeys, merchant: str, account_key: str | None, secret: str, now: datetime
) -> str:
    """Store a grant that has to be ended; return the hash by which it is known."""
    key_hash = hash_key(uuid4().hex)
    own = keys.for_writing(connection, merchant)
    connection.execute(
        insert(_CONSENTS).values(
            key_hash=key_hash,
            kind=AwaitedStep.END.value,
            merchant=merchant,
            browser_hash="",
            account_key=hash_account_key(connection, keys, account_key),
            secret=own.encrypt(_CONSENTS.c.secret, secret, key_hash=key_hash),
            expires_at=now,
        )
    )
    return key_hash


def is_account_chosen(session: Session, keys: DataKeys, account_key: str | None) -> bool:
    """Return whether a consent to the account waits for a decision."""
    return is_account_in(session, keys, _CONSENTS.c.account_key, account_key, _CONSENTS.c.kind.in_(UNDECIDED))


def hash_key(text: str) -> str:
    """Return the hash by which a key, a browser or a link is stored."""
    return sha256(text.encode()).hexdigest()


EXPIRED_LINK_RETENTION = timedelta(hours=1)
"""The time for which an expired link is kept: clocks differ, and a link's expiry is in whole seconds."""

_LINKS = table_of(UsedLinkRow)


class UsedLinks:
    """Stores used links for longer than they could be used again."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock

    def is_used(self, name: str) -> bool:
        """Return whether the link with this name was used."""
        with self._store.read() as session:
            return session.get(UsedLinkRow, hash_key(name)) is not None

    def use(self, name: str, expires_at: datetime) -> bool:
        """Record the use of the link with this name, and return whether it is the first one."""
        link_hash = hash_key(name)
        with self._store.write() as connection:
            connection.execute(delete(_LINKS).where(_LINKS.c.expires_at < self._clock() - EXPIRED_LINK_RETENTION))
        try:
            with self._store.write() as connection:
                connection.execute(insert(_LINKS).values(link_hash=link_hash, expires_at=expires_at))
        except IntegrityError:
            return False
        return True
