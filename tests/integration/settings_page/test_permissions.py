"""Every route of the settings page with every kind of visit: the merchant's, another one's, one that is over, none."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from slotsync.domain.merchant import MerchantDetails
from slotsync.store.calendars.owners import Owners
from slotsync.store.export import Export
from slotsync.store.merchants import Merchants
from starter.api.app import create_app
from starter.bootstrap import Services
from starter.services.settings_links import SESSION_LIFETIME, Session, Sessions
from tests.support.http import tls
from tests.support.samples import TOUR, settings_of
from tests.support.site import Site

pytestmark = pytest.mark.anyio

NAME, PRODUCT = "Private Kayaks", "Private tour"
OWNER = "/settings/owners/{kind}/{id}"
FIELDS = {"sync": "off", "guest_data": "busy", "on_unknown": "sell", "calendars": "keep", "answer": "keep"}


class Kind(StrEnum):
    """The kinds of visits with which somebody comes to a merchant's page."""

    NONE = "none"
    EXPIRED = "expired"
    SIGNED_OUT = "signed out"
    ENDED = "ended by the platform"
    MAIL = "begun with a link in an e-mail"
    ANOTHER = "another merchant's"
    OWN = "the merchant's"


class Statuses(NamedTuple):
    """The statuses of a route's answers: without a living visit, and with each kind of living one."""

    without: int
    mail: int
    another: int
    own: int


def for_all(status: int) -> Statuses:
    return Statuses(status, status, status, status)


SHOWN = Statuses(401, 401, 200, 200)
"""A page that shows each visit its own merchant."""
DONE = Statuses(401, 401, 303, 303)
"""A form that changes something of the visit's own merchant."""
OWNERS = Statuses(401, 401, 404, 303)
"""A form for a product, which is another merchant's only if that has it."""

LINK = for_all(403)
"""The page of a link, which a visit is no substitute for."""

EXPECTED: Mapping[tuple[str, str], Statuses] = {
    ("GET", "/settings"): for_all(303),
    ("GET", "/settings/static/{file}"): for_all(200),
    ("GET", "/settings/open"): LINK,
    ("POST", "/settings/open"): LINK,
    ("POST", "/settings/sign-out"): SHOWN,
    ("GET", "/settings/changes"): SHOWN,
    ("GET", "/settings/work"): SHOWN,
    ("GET", "/settings/language/{language}"): for_all(303),
    ("POST", "/settings/connect"): DONE,
    ("POST", "/settings/account"): Statuses(401, 303, 303, 303),
    ("POST", "/settings/disconnect"): SHOWN,
    ("POST", "/settings/sync"): DONE,
    ("GET", "/settings/sync/progress"): SHOWN,
    ("POST", "/settings/drift/{drift}"): DONE,
    ("POST", f"{OWNER}/sync"): OWNERS,
    ("POST", f"{OWNER}/guest-data"): OWNERS,
    ("POST", f"{OWNER}/unknown"): OWNERS,
    ("POST", f"{OWNER}/calendars"): OWNERS,
    ("POST", f"{OWNER}/privacy"): OWNERS,
    ("GET", f"{OWNER}/progress"): Statuses(401, 401, 404, 200),
    ("GET", "/settings/"): SHOWN,
    ("GET", "/google/connect"): LINK,
    ("POST", "/google/connect"): LINK,
    ("GET", "/google/reconnect"): LINK,
    ("POST", "/google/reconnect"): LINK,
    ("GET", "/google/reconnected"): for_all(200),
    ("GET", "/google/callback"): Statuses(401, 303, 303, 303),
    ("POST", "/google/push"): for_all(204),
}


def pages(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield method and path of each route for browsers and Google."""
    for each in routes:
        if isinstance(each, Mount):
            yield from pages_of(each.app, f"{prefix}{each.path}")
        elif isinstance(included := getattr(each, "original_router", None), Router):  # of FastAPI
            yield from pages(included.routes, prefix)
        elif isinstance(each, Route) and f"{prefix}{each.path}".startswith(("/settings", "/google")):
            yield from ((method, f"{prefix}{each.path}") for method in (each.methods or set()) - {"HEAD"})


def pages_of(app: ASGIApp, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(app, StaticFiles):
        return iter([("GET", f"{prefix}/{{file}}")] if prefix.startswith("/settings") else [])
    inner: ASGIApp = app if isinstance(app, Router) else getattr(app, "app")  # noqa: B009  of any middleware
    return pages(inner.routes, prefix) if isinstance(inner, Router) else pages_of(inner, prefix)


async def test_each_route_of_the_page_is_known_here(site: Site) -> None:
    world = site.world
    with closing(Services.create(world.settings, world.store, world.client)) as services:
        assert set(pages(create_app(services).routes)) == EXPECTED.keys()


def begin(site: Site, kind: Kind) -> Session | None:
    """Return a new visit of this kind."""
    if kind is Kind.NONE:
        return None
    age = SESSION_LIFETIME + timedelta(seconds=1) if kind is Kind.EXPIRED else timedelta(minutes=1)
    merchant = f"other-{site.merchant}" if kind is Kind.ANOTHER else site.merchant
    visit = Session.begin(merchant, site.world.store.now() - age, connects_only=kind is Kind.MAIL)
    if kind is Kind.SIGNED_OUT:
        Sessions(site.world.settings, site.world.store).end(visit)
    return visit


async def ask(site: Site, browser: httpx.AsyncClient, method: str, path: str, visit: Session | None) -> httpx.Response:
    """Make the request as a browser with this visit does that was shown the form."""
    address = path.format(kind=TOUR.kind, id=TOUR.id, language="fi", file="page.css", drift="d-1")
    token = visit.form_token if visit else "x"
    browser.cookies = httpx.Cookies(site.cookies_of(visit))
    return await browser.request(method, address, data={"token": token, **FIELDS} if method == "POST" else None)


def status_for(kind: Kind, expected: Statuses) -> int:
    known = {Kind.MAIL: expected.mail, Kind.ANOTHER: expected.another, Kind.OWN: expected.own}
    return known.get(kind, expected.without)


def hidden_from(site: Site, kind: Kind, path: str) -> tuple[str, ...]:
    """Return the texts that an answer must not show. An e-mail names the merchant, and so does the page after it."""
    if kind is Kind.OWN:
        return ()
    named = kind is Kind.MAIL and path == "/google/reconnected"
    return (PRODUCT, site.merchant) if named else (NAME, PRODUCT, site.merchant)


def stored_of(site: Site) -> list[object]:
    return list(Export(site.world.store, site.world.vault).iterate(site.merchant))


@pytest.mark.parametrize("kind", Kind)
async def test_every_route_takes_the_visits_that_it_should_and_no_other_sees_or_changes_anything(
    site: Site, kind: Kind
) -> None:
    stored = Merchants(site.world.store, site.world.vault)
    stored.put(site.merchant, MerchantDetails(name=NAME))
    stored.put(f"other-{site.merchant}", MerchantDetails(name="Other Kayaks"))
    Owners(site.world.store).put(site.merchant, TOUR, settings_of(TOUR, name=PRODUCT))
    if kind is Kind.ENDED:
        stored.end_visits(site.merchant)
    before = stored_of(site)
    async with httpx.AsyncClient(base_url=site.url, timeout=30, verify=tls()) as browser:
        for (method, path), expected in EXPECTED.items():
            answer = await ask(site, browser, method, path, begin(site, kind))
            assert answer.status_code == status_for(kind, expected), (method, path)
            told = f"{answer.text} {answer.headers}".replace(f"other-{site.merchant}", "")
            assert not [each for each in hidden_from(site, kind, path) if each in told], (method, path)
    assert (stored_of(site) != before) is (kind is Kind.OWN)
