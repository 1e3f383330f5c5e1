"""Pending consents, which wait for a merchant's browser, and used links."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Connection, Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from slotsync.clock import utc_now
from slotsync.secrets import Vault
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
    """The step that a pending consent waits for: Google's answer, then the merchant's or the platform's decision."""

    ANSWER = "answer"
    CONFIRMATION = "confirmation"
    COMPLETION = "completion"


@dataclass(frozen=True, repr=False)
class PendingConsent:
    """A stored consent. ``secret`` may contain tokens, so it has no repr."""

    merchant: str
    secret: str
    expired: bool
    browser_hash: str

    def is_from(self, browser: str) -> bool:
        """Return whether this browser began the consent."""
        return hmac.compare_digest(self.browser_hash, _hashed(browser))


class PendingConsents:
    """Stores consents, and returns each only once."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._clock = clock

    def put(self, awaited: AwaitedStep, key: str, *, merchant: str, browser: str, secret: str) -> None:
        """Store a consent under a key that only the browser will bring back."""
        now = self._clock()
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            own = self._keys.for_writing(connection, merchant)
            # One that Google has answered holds a grant, which has to be ended first.
            unused = delete(_CONSENTS).where(_CONSENTS.c.kind == AwaitedStep.ANSWER.value)
            connection.execute(unused.where(_CONSENTS.c.expires_at < now - EXPIRED_CONSENT_RETENTION))
            connection.execute(
                insert(_CONSENTS).values(
                    key_hash=_hashed(key),
                    kind=awaited.value,
                    merchant=merchant,
                    browser_hash=_hashed(browser),
                    secret=own.encrypt(_CONSENTS.c.secret, secret, key_hash=_hashed(key)),
                    expires_at=now + CONSENT_LIFETIME,
                )
            )

    def take(self, awaited: AwaitedStep, key: str) -> PendingConsent | None:
        """Remove and return the consent with this key, or None if it is unknown or was taken already."""
        taken = delete(_CONSENTS).where(_CONSENTS.c.key_hash == _hashed(key), _CONSENTS.c.kind == awaited.value)
        with self._store.write() as connection:
            row = connection.execute(taken.returning(*_CONSENTS.c)).first()
            return self._decrypted(connection, row) if row else None

    def find_unanswered(self) -> dict[str, PendingConsent]:
        """Return the consents on which nobody has decided in time, by the hashes of their keys."""
        expired = (_CONSENTS.c.kind != AwaitedStep.ANSWER.value, _CONSENTS.c.expires_at <= self._clock())
        with self._store.read() as session:
            rows = session.connection().execute(select(*_CONSENTS.c).where(*expired))
            return {row.key_hash: self._decrypted(session.connection(), row) for row in rows.all()}

    def find_answered(self, merchant: str) -> list[PendingConsent]:
        """Return the merchant's consents that Google has answered with a grant, and that wait for a decision."""
        answered = (_CONSENTS.c.merchant == merchant, _CONSENTS.c.kind != AwaitedStep.ANSWER.value)
        with self._store.read() as session:
            rows = session.connection().execute(select(*_CONSENTS.c).where(*answered))
            return [self._decrypted(session.connection(), row) for row in rows.all()]

    def forget(self, key_hash: str) -> None:
        """Delete a consent."""
        with self._store.write() as connection:
            connection.execute(delete(_CONSENTS).where(_CONSENTS.c.key_hash == key_hash))

    def _decrypted(self, connection: Connection, row: Row[tuple[object, ...]]) -> PendingConsent:
        place = cell(_CONSENTS.c.secret, row.merchant, key_hash=row.key_hash)
        return PendingConsent(
            merchant=row.merchant,
            secret=self._keys.decrypt(connection, place, row.secret),
            expired=row.expires_at <= self._clock(),
            browser_hash=row.browser_hash,
        )


def _hashed(text: str) -> str:
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
            return session.get(UsedLinkRow, _hashed(name)) is not None

    def use(self, name: str, expires_at: datetime) -> bool:
        """Record the use of the link with this name, and return whether it is the first one."""
        link_hash = _hashed(name)
        with self._store.write() as connection:
            connection.execute(delete(_LINKS).where(_LINKS.c.expires_at < self._clock() - EXPIRED_LINK_RETENTION))
        try:
            with self._store.write() as connection:
                connection.execute(insert(_LINKS).values(link_hash=link_hash, expires_at=expires_at))
        except IntegrityError:
            return False
        return True
