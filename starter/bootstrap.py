"""Wire all services of an API process."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Self

from fastapi import Depends, Request
from temporalio.client import Client

from slotsync.domain.connections.connection import wanted_scopes
from slotsync.google.previews import CalendarPreviews
from slotsync.mail.reconnect_links import ReconnectLinks
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.audit_log import AuditLog
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.store.message_history import MessageHistory
from slotsync.store.reservations.synced_events import SyncedEvents
from starter.client import Slotsync
from starter.services.blocking_calendars import BlockingCalendarService
from starter.services.connections import ConnectionService
from starter.services.drift import DriftService
from starter.services.google import MerchantGoogle
from starter.services.intent import IntentCounts
from starter.services.messages import MessageService
from starter.services.open_questions import OpenQuestions
from starter.services.page_limit import PageLimit
from starter.services.settings_links import Sessions, SettingsLinks
from starter.services.timeline import TimelineService


@dataclass(frozen=True)
class Services:
    """All that the API uses, built once for all requests, in the event loop that answers them."""

    settings: Settings
    store: Store
    client: Client
    slotsync: Slotsync
    timelines: TimelineService
    intent_counts: IntentCounts
    connections: ConnectionService
    open_questions: OpenQuestions
    connection_views: ConnectionViews
    google: MerchantGoogle
    blocking_calendars: BlockingCalendarService
    audit: AuditLog
    messages: MessageService
    message_history: MessageHistory
    drift: DriftService
    merchants: Merchants
    owners: Owners
    managed_calendars: ManagedCalendars
    synced_events: SyncedEvents
    push_channels: PushChannels
    settings_links: SettingsLinks
    reconnect_links: ReconnectLinks
    sessions: Sessions
    page_limit: PageLimit

    @classmethod
    def create(cls, settings: Settings, store: Store, client: Client) -> Self:
        """Return the services that use this store and this Temporal client. Call it in the running event loop."""
        vault = Vault(settings.encryption_keys)
        audit = AuditLog(store, vault)
        google = MerchantGoogle(settings, store, vault, client)
        return cls(
            settings=settings,
            store=store,
            client=client,
            slotsync=Slotsync(client, store, vault, settings.horizon),
            timelines=TimelineService(client, store, vault),
            intent_counts=IntentCounts(store, vault),
            connections=ConnectionService(settings, store, vault, client),
            open_questions=OpenQuestions(store, vault),
            connection_views=ConnectionViews(store, vault, wanted_scopes(push=settings.google_push)),
            google=google,
            blocking_calendars=BlockingCalendarService(google, store, vault, client),
            audit=audit,
            messages=MessageService(client, store, vault),
            message_history=MessageHistory(store, vault, audit),
            drift=DriftService(client, store, vault),
            merchants=Merchants(store, vault, audit),
            owners=Owners(store),
            managed_calendars=ManagedCalendars(store),
            synced_events=SyncedEvents(store),
            push_channels=PushChannels(store, vault),
            settings_links=SettingsLinks(settings, store),
            reconnect_links=ReconnectLinks(settings),
            sessions=Sessions(settings, store),
            page_limit=PageLimit(),
        )

    @cached_property
    def previews(self) -> CalendarPreviews:
        """Previews of merchants' calendars.

        Raises:
            SettingsError: no OAuth client of Google is configured.
        """
        return CalendarPreviews(self.google.services)

    def close(self) -> None:
        """Close the connections to Google."""
        self.google.close()


def get_services(request: Request) -> Services:
    """Return the services of the application that handles the request."""
    services: Services = request.app.state.services
    return services


ServicesDependency = Annotated[Services, Depends(get_services)]
"""The services of the application that handles the request."""
