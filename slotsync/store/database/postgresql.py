"""Connections to PostgreSQL that never wait without bound, whatever becomes of the server."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout
from sqlalchemy import URL, Connection, Engine, create_engine, text
from typing_extensions import override

CONNECT_TIMEOUT: Final = timedelta(seconds=5)

STATEMENT_TIMEOUT: Final = timedelta(seconds=10)
"""Much longer than any statement of slotsync takes; the server ends it."""

LOCK_TIMEOUT: Final = timedelta(seconds=8)

DATABASE_TIMEOUT: Final = timedelta(seconds=12)
"""For the case that the server does not even end the statement: it hangs, or its machine is gone."""

IDLE_TRANSACTION_TIMEOUT: Final = timedelta(seconds=30)
"""The server ends the session of a process that is gone, and with it the locks."""

_PROBES: Final[dict[str, Any]] = {
    "connect_timeout": round(CONNECT_TIMEOUT.total_seconds()),
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": round(DATABASE_TIMEOUT / timedelta(milliseconds=1)),
}
"""libpq's parameters that notice a machine that is gone, in seconds, the last one in milliseconds."""

T = TypeVar("T")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when a statement gets no answer in time; ``answer_within`` None waits for ever."""

    answer_within: timedelta | None = DATABASE_TIMEOUT

    @override
    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Return the result of the generator.

        Raises:
            OperationalError: the server did not answer in time.
        """
        if timeout is None and self.answer_within is not None:
            timeout = self.answer_within.total_seconds()
        try:
            return super().wait(gen, interval, timeout)
        except _WaitTimeout:
            self.close()  # its answer could come later, to another statement
            raise psycopg.OperationalError("the database does not answer") from None


def postgresql_engine(url: URL, pool_size: int, answer_within: timedelta = DATABASE_TIMEOUT) -> Engine:
    """Return an engine of connections that answer or fail within this time."""
    return create_engine(
        url,
        hide_parameters=True,  # errors are kept by Temporal, readable
        pool_size=pool_size,
        pool_pre_ping=True,
        pool_timeout=answer_within.total_seconds(),
        creator=_connector(url, answer_within),
    )


def _connector(url: URL, answer_within: timedelta) -> Callable[[], BoundedConnection]:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    probes = {name: limit for name, limit in _PROBES.items() if name not in url.query}
    options = " ".join(
        f"-c {name}={_milliseconds(limit)}"
        for name, limit in (
            ("statement_timeout", min(STATEMENT_TIMEOUT, answer_within)),
            ("lock_timeout", min(LOCK_TIMEOUT, answer_within)),
            ("idle_in_transaction_session_timeout", IDLE_TRANSACTION_TIMEOUT),
        )
    )

    def connect() -> BoundedConnection:
        connection = BoundedConnection.connect(
            address, options=f"{url.query.get('options', '')} {options}".strip(), **probes
        )
        connection.answer_within = answer_within
        return connection

    return connect


def wait_for_ever(connection: Connection) -> None:
    """Let the transaction's statements take as long as they need: a migration of a large table takes minutes."""
    driver = connection.connection.driver_connection
    if isinstance(driver, BoundedConnection):
        driver.answer_within = None
        for name in ("statement_timeout", "lock_timeout"):
            connection.execute(text(f"SET LOCAL {name} = 0"))
        connection.detach()  # it is not used again after this transaction


def _milliseconds(limit: timedelta) -> int:
    return round(limit / timedelta(milliseconds=1))
