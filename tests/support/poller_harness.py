"""A merchant's account at the local Google, readers of its busy times, and a clock that the test sets."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
from cryptography.fernet import Fernet

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from slotsync.busy_times.poller import Poller
from slotsync.busy_times.product_availability import ProductAvailability, ProductState, ProductStates
from slotsync.busy_times.push_channels import ChannelUpkeep
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.availability.availability import Availability
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.google.channels import GoogleChannels
from slotsync.google.freebusy import GoogleBusyTimes
from slotsync.google.service import GOOGLE_TIMEOUT, GoogleServices
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.busy_readings import BusyReadings
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.temporal.options import connect
from starter.local.dev import CLIENT_ID, SCOPES
from tests.support.clocks import TickingClock
from tests.support.http import tls
from tests.support.migrated_databases import open_migrated
from tests.support.push_receiver import PushReceiver
from tests.support.settings import settings_for

HORIZON = Horizon(days=130)
"""One near piece, and two far ones."""

Body = dict[str, object]


@dataclass(frozen=True)
class PollerHarness:
    """Google, slotsync's database and a clock, shared by all pollers of a test."""

    google: RunningLocalGoogle
    http: httpx.Client
    settings: Settings
    store: Store
    vault: Vault
    clock: TickingClock
    health: ConnectionHealth
    numbers: Iterator[int]

    @property
    def accounts(self) -> WatchedAccounts:
        return WatchedAccounts(self.store, self.vault, self.clock)

    @property
    def channels(self) -> PushChannels:
        return PushChannels(self.store, self.vault, self.clock)

    @contextmanager
    def poller(
        self,
        address: str | None = None,
        timeout: timedelta = GOOGLE_TIMEOUT,
        accounts: WatchedAccounts | None = None,
    ) -> Iterator[Poller]:
        """Yield a poller as of a process of its own; Google sends it push notifications if it has an address."""
        grants = Connections(self.store, self.vault)
        with closing(GoogleServices(self.settings, grants, timeout=timeout)) as services:
            google = GoogleChannels(services, self.clock)
            accounts = accounts or self.accounts
            upkeep = ChannelUpkeep(google, self.channels, self.health, address, self.clock)
            yield Poller(
                accounts,
                BusyReadings(self.store, self.vault, self.clock),
                ManagedCalendars(self.store),
                GoogleBusyTimes(services),
                upkeep,
                self.health,
                HORIZON,
                self.clock,
            )

    def hear(self, receiver: PushReceiver) -> None:
        """Have the notifications that the receiver takes recorded, as the API does."""

        def record(headers: Mapping[str, str]) -> None:
            channel_id, token = headers["x-goog-channel-id"], headers["x-goog-channel-token"]
            opened = headers["x-goog-resource-state"] == "sync"
            self.channels.record_notification(channel_id, token, self.clock(), opened=opened)

        receiver.listener = record

    def account(self, zone: str = "Europe/Helsinki") -> "MerchantAccount":
        """Create a merchant with a new connected account."""
        account = MerchantAccount(self, f"merchant-{next(self.numbers)}")
        account.connect(zone)
        return account

    def fault(self, kind: str, **more: object) -> None:
        """Set a fault; by default each freebusy query meets it."""
        always = {} if "count" in more else {"probability": 1}
        fault = {"method": "freebusy.query", "kind": kind, **always, **more}
        self.http.post("/sandbox/faults", json=fault).raise_for_status()

    def heal(self) -> None:
        self.http.delete("/sandbox/faults").raise_for_status()


class MerchantAccount:
    """A merchant with an account at Google, and products that its calendars block."""

    def __init__(self, poller_harness: PollerHarness, name: str) -> None:
        self._poller_harness = poller_harness
        self._product_states = ProductStates(poller_harness.store, poller_harness.vault, HORIZON)
        self._product_availability = ProductAvailability(poller_harness.store, poller_harness.vault)
        self.merchant = name
        self.email = f"{name}@gmail.example"
        self.connection_id = ""

    def connect(self, zone: str, scopes: tuple[str, ...] = tuple(SCOPES)) -> None:
        """Grant these scopes, for the first time or again."""
        self._poller_harness.http.post(
            "/sandbox/accounts", json={"email": self.email, "time_zone": zone}
        ).raise_for_status()
        grant = {"client_id": CLIENT_ID, "scopes": list(scopes)}
        answer = self._poller_harness.http.post(f"/sandbox/accounts/{self.email}/grant", json=grant).raise_for_status()
        connections = Connections(self._poller_harness.store, self._poller_harness.vault)
        token = answer.json()["refresh_token"]
        self.connection_id = connections.save_grant(self.merchant, token, scopes, self.email)

    def lose_grant(self) -> None:
        """Mark the grant as lost, as a refused refresh does."""
        connections = Connections(self._poller_harness.store, self._poller_harness.vault)
        number = connections.get_grant_number_by_id(self.connection_id)
        connections.mark_revoked(self.connection_id, "invalid_grant", number)

    def choose(self, product: str = "tour", **settings: object) -> None:
        """Save the settings of a product."""
        chosen = OwnerSettings.model_validate({"name": product, **settings})
        Owners(self._poller_harness.store).put(self.merchant, Owner.product(product), chosen)

    def pick(self, *calendars: str, product: str = "tour") -> None:
        """Pick the calendars that block a product."""
        picked = [PickableCalendar(id=each, name="Picked") for each in calendars]
        BlockingCalendars(self._poller_harness.store, self._poller_harness.vault).replace(
            self.merchant, Owner.product(product), picked
        )

    def calendar(self, name: str = "Family", zone: str = "Europe/Helsinki") -> str:
        """Create a calendar by hand, and return its id."""
        return str(self._done("POST", "", {"summary": name, "timeZone": zone})["id"])

    def move_calendar(self, calendar: str, zone: str) -> None:
        self._done("PATCH", f"/{calendar}", {"timeZone": zone})

    def delete_calendar(self, calendar: str) -> None:
        self._done("DELETE", f"/{calendar}")

    def enter(self, calendar: str, body: Body) -> str:
        """Create an event by hand, and return its id."""
        return str(self._done("POST", f"/{calendar}/events", body)["id"])

    def busy(self, calendar: str, start: datetime, end: datetime) -> str:
        """Create an event by hand with nothing but its times."""
        return self.enter(calendar, {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}})

    def change(self, calendar: str, event: str, body: Body) -> None:
        self._done("PATCH", f"/{calendar}/events/{event}", body)

    def delete(self, calendar: str, event: str) -> None:
        self._done("DELETE", f"/{calendar}/events/{event}")

    def events(self, calendar: str) -> list[Body]:
        """Return all events of a calendar, deleted ones too, with all details."""
        items: list[Body] = self._get(f"/{calendar}/events?showDeleted=true")["items"]
        return items

    def zone(self, calendar: str) -> str:
        return str(self._get(f"/{calendar}")["timeZone"])

    def state(self, product: str = "tour") -> ProductState:
        """Return the product as its workflow sees it."""
        return self._product_states.get_state(self.merchant, product, self._poller_harness.clock())

    def availability(self, product: str = "tour") -> Availability:
        """Return the availability of the product over the whole horizon."""
        now = self._poller_harness.clock()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        whole = Interval(start=today, end=today + timedelta(days=HORIZON.days))
        found = self._product_availability.get_availability(self.merchant, product, whole, now)
        assert found
        return found

    def _done(self, verb: str, path: str, body: Body | None = None) -> Body:
        answer = self._poller_harness.http.request(verb, self._address(path), json=body).raise_for_status()
        answered: Body = answer.json() if answer.content else {}
        return answered

    def _get(self, path: str) -> dict[str, list[Body]]:
        answered: dict[str, list[Body]] = self._poller_harness.http.get(self._address(path)).raise_for_status().json()
        return answered

    def _address(self, path: str) -> str:
        return f"/sandbox/accounts/{self.email}/calendars{path}"


@contextmanager
def running_poller_harness(folder: Path, now: datetime) -> Iterator[PollerHarness]:
    """Yield a harness with a Google and a database of its own. No Temporal gets its signals."""
    clock, key = TickingClock(now), Fernet.generate_key().decode()
    vault = Vault([key])
    options = LocalGoogleOptions(
        per_user_per_minute=None, per_project_per_minute=None, calendars_in_short_period=None, clock=clock
    )
    client = asyncio.run(connect(address="127.0.0.1:9", lazy=True))
    with running_local_google(options) as google, httpx.Client(base_url=google.url, verify=tls(), timeout=30) as http:
        settings = settings_for(google.url, folder, key)
        with closing(open_migrated(settings.database_url)) as store, closing(asyncio.new_event_loop()) as loop:
            health = ConnectionHealth(Connections(store, vault), client, loop, clock)
            yield PollerHarness(google, http, settings, store, vault, clock, health, count(1))
