"""One memory for what SQLAlchemy has compiled, for all stores of a process.

It compiles each statement once for each engine: a process of slotsync has one, and each test another.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from slotsync.store.database import engine as sqlite_stores
from slotsync.store.database import postgresql as postgresql_stores

MAX_STATEMENTS = 5000


def share_compiled_queries() -> None:
    """Let all stores that are opened from now on share it."""
    for module in (sqlite_stores, postgresql_stores):
        module.create_engine = _sharing(module.create_engine)  # type: ignore[attr-defined]  # imported there


def _sharing(create_engine: Callable[..., Engine]) -> Callable[..., Engine]:
    first: list[Engine] = []

    def create(*args: Any, **options: Any) -> Engine:
        engine = create_engine(*args, **options, query_cache_size=MAX_STATEMENTS)
        if not first or first[0].dialect.server_version_info is None:  # the first one has never connected
            first[:] = [engine]
        engine.dialect, engine._compiled_cache = first[0].dialect, first[0]._compiled_cache
        return engine

    return create
