"""Tables of connections. Tokens and account names are encrypted."""

from datetime import datetime

from sqlalchemy import false
from sqlmodel import Field

from slotsync.store.database.base import BOUND_TO, Instant, Row, encrypted_field


class ConnectionRow(Row, table=True):
    """A merchant's grant to a Google account. The tokens and the account's address are encrypted.

    ``account_key`` tells accounts apart without naming them; it goes within two hours after a disconnection.
    ``grant_number`` grows with each grant, and each time that Google accepts a refused one again; work that waited was
    signalled up to ``served_grant``, and with ``resume_all`` all other work has to be. ``disconnect_choice`` is the
    merchant's choice for its calendars until a disconnection is done. ``notices`` is how often it was told that Google
    refuses the grant, 0 once it works again; the notice that the merchant was sent last by e-mail has the number
    ``mailed``.
    ``due_at`` is when the connection's workflow should have taken something up; an operator stopped it at
    ``stopped_at``. The holder of the lease refreshes the access token. ``calls_paid_until`` counts the API's calls to
    Google (see ``domain.connections.call_limit``).
    """

    __tablename__ = "connection"
    __table_args__ = ({"info": {BOUND_TO: ("merchant",)}},)

    id: str = Field(primary_key=True)
    merchant: str = Field(foreign_key="merchant.id", unique=True)
    state: str
    account_email: str | None = encrypted_field()
    account_key: str | None = None
    scopes: str = ""
    refresh_token: str | None = encrypted_field()
    access_token: str | None = encrypted_field()
    access_expires_at: datetime | None = Field(default=None, sa_type=Instant)
    lease_holder: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    last_good_call_at: datetime | None = Field(default=None, sa_type=Instant)
    last_error: str | None = None
    since: datetime = Field(sa_type=Instant)
    grant_number: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    served_grant: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    resume_all: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    disconnect_choice: str | None = None
    notices: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    mailed: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    due_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    overdue_since: datetime | None = Field(default=None, sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    problem: str | None = None
    calls_paid_until: datetime | None = Field(default=None, sa_type=Instant)


class PendingConsentRow(Row, table=True):
    """A consent that waits: for the merchant's browser to come back, for a decision, or for the end of its grant.

    Its key is a hash of what the browser brings, so that a reader of the table cannot use it. ``account_key`` is the
    account that was allowed; with ``same_account`` it is connected only if it is the account that was connected before.
    Google was last asked at ``tried_at`` to end the grant.
    """

    __tablename__ = "pending_consent"

    key_hash: str = Field(primary_key=True)
    kind: str
    merchant: str = Field(foreign_key="merchant.id")
    browser_hash: str
    account_key: str | None = None
    same_account: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    secret: str | None = encrypted_field()
    expires_at: datetime = Field(sa_type=Instant, index=True)
    tried_at: datetime | None = Field(default=None, sa_type=Instant)


class UnkeptGrantRow(Row, table=True):
    """A grant of a merchant that was erased, until Google has ended it. It names no merchant.

    Google was last asked at ``tried_at`` to end it.
    """

    __tablename__ = "unkept_grant"

    id: str = Field(primary_key=True)
    secret: str | None = encrypted_field()
    given_at: datetime = Field(sa_type=Instant)
    tried_at: datetime | None = Field(default=None, sa_type=Instant)


class UsedLinkRow(Row, table=True):
    """A link to the settings page that was followed, or a visit that has ended. Kept for a while after it expired."""

    __tablename__ = "used_link"

    link_hash: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=Instant, index=True)


class AccountRevocationRow(Row, table=True):
    """A revocation at Google, which ends all grants of its account, of all accounts without an ``account_key``.

    Until ``until`` it may still be carried out; afterwards that is when it ended. It is kept for an hour.
    """

    __tablename__ = "account_revocation"

    id: str = Field(primary_key=True)
    account_key: str | None = None
    until: datetime = Field(sa_type=Instant)
