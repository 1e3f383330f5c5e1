"""What the routes of the API work with."""

from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Request
from temporalio.client import Client

from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store import Connections, Store
from starter.client import Slotsync
from starter.timeline import Timelines


@dataclass(frozen=True)
class Backend:
    """Everything behind the API, built once for all requests."""

    settings: Settings
    store: Store
    client: Client
    slotsync: Slotsync
    timelines: Timelines
    connections: Connections

    @classmethod
    def of(cls, settings: Settings, store: Store, client: Client) -> Self:
        """What these make possible."""
        return cls(
            settings=settings,
            store=store,
            client=client,
            slotsync=Slotsync(client, store),
            timelines=Timelines(client, store),
            connections=Connections(store, Vault(settings.encryption_keys)),
        )


def _of_app(request: Request) -> Backend:
    backend: Backend = request.app.state.backend
    return backend


Behind = Annotated[Backend, Depends(_of_app)]
"""The backend of the application that answers."""
