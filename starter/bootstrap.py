"""The wiring of all services of an API process."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Self

from fastapi import Depends, Request
from temporalio.client import Client

from slotsync.google.previews import GoogleLooks
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.calendars.managed_calendars import Calendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents
from starter.client import Slotsync
from starter.services.blocking_calendars import BlockingCalendarService
from starter.services.connections import ConnectionService
from starter.services.google import MerchantGoogle
from starter.services.settings_links import Sessions, SettingsLinks
from starter.services.timeline import Timelines


@dataclass(frozen=True)
class Services:
    """Everything behind the API, built once for all requests, in the loop that answers them."""

    settings: Settings
    store: Store
    client: Client
    slotsync: Slotsync
    timelines: Timelines
    connecting: ConnectionService
    google: MerchantGoogle
    picking: BlockingCalendarService
    owners: Owners
    calendars: Calendars
    events: SyncedEvents
    push: PushChannels
    links: SettingsLinks
    sessions: Sessions

    @classmethod
    def of(cls, settings: Settings, store: Store, client: Client) -> Self:
        """What these make possible."""
        vault = Vault(settings.encryption_keys)
        google = MerchantGoogle(settings, Connections(store, vault), client)
        return cls(
            settings=settings,
            store=store,
            client=client,
            slotsync=Slotsync(client, store, vault, settings.horizon),
            timelines=Timelines(client, store),
            connecting=ConnectionService(settings, store, vault, client),
            google=google,
            picking=BlockingCalendarService(google, store, vault, client),
            owners=Owners(store),
            calendars=Calendars(store),
            events=SyncedEvents(store),
            push=PushChannels(store, vault),
            links=SettingsLinks(settings, store),
            sessions=Sessions(settings),
        )

    @cached_property
    def looks(self) -> GoogleLooks:
        """Looks at merchants' calendars; a ``SettingsError`` when slotsync was given no client of Google's."""
        return GoogleLooks(self.google.services)

    def close(self) -> None:
        """Closes the connections to Google."""
        self.google.close()


def get_services(request: Request) -> Services:
    """The backend of the application that answers."""
    services: Services = request.app.state.services
    return services


ServicesDependency = Annotated[Services, Depends(get_services)]
"""The backend of the application that answers."""
