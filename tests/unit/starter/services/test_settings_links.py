"""Links to the settings page: for one merchant, one target and one session, and only for minutes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet
from itsdangerous import URLSafeTimedSerializer
from pydantic import SecretStr

from slotsync.errors import SettingsError
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from starter.services.settings_links import LinkProblem, LinkTarget, SettingsLinks
from tests.support.migrated_databases import open_migrated
from tests.support.settings import settings_for

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for("", tmp_path, OLD).model_copy(update={"public_url": "https://slots.example"})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_migrated(settings.database_url)
    yield store
    store.close()


@pytest.fixture
def links(settings: Settings, store: Store) -> SettingsLinks:
    return SettingsLinks(settings, store)


def with_keys(settings: Settings, *keys: str) -> Settings:
    return settings.model_copy(update={"encryption_keys": tuple(map(SecretStr, keys))})


def signed(links: SettingsLinks, target: LinkTarget = LinkTarget.SETTINGS, merchant: str = "arctic-kayaks") -> str:
    (link,) = parse_qs(urlsplit(links.create(merchant, target).url).query)["link"]
    return link


def redeem(links: SettingsLinks, link: str, target: LinkTarget) -> str | LinkProblem:
    """Return the merchant of a link that is used, or why it does not work."""
    found = links.redeem(link, target)
    return found if isinstance(found, LinkProblem) else found.merchant


@pytest.mark.parametrize("target", LinkTarget)
def test_a_link_opens_its_target_once(links: SettingsLinks, target: LinkTarget) -> None:
    link = signed(links, target)
    assert [redeem(links, link, target) for _ in range(3)] == ["arctic-kayaks", LinkProblem.USED, LinkProblem.USED]


def test_links_are_used_up_one_by_one(links: SettingsLinks) -> None:
    first, second = signed(links), signed(links)
    redeem(links, first, LinkTarget.SETTINGS)
    assert redeem(links, second, LinkTarget.SETTINGS) == "arctic-kayaks"


def test_of_eight_parallel_uses_one_succeeds(links: SettingsLinks) -> None:
    link = signed(links)
    with ThreadPoolExecutor(8) as threads:
        found = [*threads.map(lambda _: redeem(links, link, LinkTarget.SETTINGS), range(8))]
    assert sorted(found) == ["arctic-kayaks", *[LinkProblem.USED] * 7]


@pytest.mark.parametrize("added", ["=", "==", "!", "\n", "%3D"])
def test_a_used_link_with_another_spelling_stays_used(links: SettingsLinks, added: str) -> None:
    link = signed(links)
    redeem(links, link, LinkTarget.SETTINGS)
    assert isinstance(redeem(links, link + added, LinkTarget.SETTINGS), LinkProblem)


def test_a_used_link_with_another_last_letter_of_the_same_meaning_stays_used(links: SettingsLinks) -> None:
    link = signed(links)
    redeem(links, link, LinkTarget.SETTINGS)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert all(isinstance(redeem(links, link[:-1] + last, LinkTarget.SETTINGS), LinkProblem) for last in letters)


def test_a_link_for_one_target_does_not_open_another(links: SettingsLinks) -> None:
    link = signed(links, LinkTarget.CONNECT)
    assert redeem(links, link, LinkTarget.SETTINGS) is LinkProblem.FORGED
    assert redeem(links, link, LinkTarget.CONNECT) == "arctic-kayaks", "and is not used up by that"


def test_an_expired_link_has_an_error_of_its_own(settings: Settings, store: Store, links: SettingsLinks) -> None:
    old = SettingsLinks(settings, store, lifetime=timedelta(seconds=-1))
    link = signed(links)
    assert redeem(old, link, LinkTarget.SETTINGS) is LinkProblem.EXPIRED
    assert redeem(links, link, LinkTarget.SETTINGS) == "arctic-kayaks", "and is not used up by that"


def test_the_signature_covers_every_letter(links: SettingsLinks) -> None:
    link = signed(links)
    body = link.rpartition(".")[0]
    for place, letter in enumerate(body):
        forged = f"{link[:place]}{'A' if letter != 'A' else 'B'}{link[place + 1 :]}"
        assert redeem(links, forged, LinkTarget.SETTINGS) is LinkProblem.FORGED


@pytest.mark.parametrize("link", ["", ".", "..", "x.y.z", "ä", "\x00", "A" * 100_000])
def test_a_malformed_link_is_forged(links: SettingsLinks, link: str) -> None:
    assert redeem(links, link, LinkTarget.SETTINGS) is LinkProblem.FORGED


def test_another_key_signs_no_valid_link(settings: Settings, store: Store, links: SettingsLinks) -> None:
    stranger = SettingsLinks(with_keys(settings, NEW), store)
    assert redeem(links, signed(stranger), LinkTarget.SETTINGS) is LinkProblem.FORGED


def test_other_content_that_is_signed_with_the_same_key_is_no_link(settings: Settings, links: SettingsLinks) -> None:
    other = URLSafeTimedSerializer(OLD, salt="slotsync:session").dumps(["arctic-kayaks", "x"])
    assert redeem(links, str(other), LinkTarget.SETTINGS) is LinkProblem.FORGED


def test_links_outlive_a_new_key_as_long_as_the_old_one_is_kept(
    settings: Settings, store: Store, links: SettingsLinks
) -> None:
    rotating, rotated = (SettingsLinks(with_keys(settings, *keys), store) for keys in ((NEW, OLD), (NEW,)))
    first, second = signed(links), signed(links)
    assert redeem(rotating, first, LinkTarget.SETTINGS) == "arctic-kayaks"
    assert redeem(rotated, second, LinkTarget.SETTINGS) is LinkProblem.FORGED
    assert redeem(rotated, signed(rotating), LinkTarget.SETTINGS) == "arctic-kayaks", "the newest key signs"


def test_without_a_public_address_there_is_no_link(settings: Settings, store: Store) -> None:
    with pytest.raises(SettingsError, match="SLOTSYNC_PUBLIC_URL"):
        SettingsLinks(settings.model_copy(update={"public_url": ""}), store).create("m", LinkTarget.SETTINGS)


@pytest.mark.parametrize("merchant", ["ärzte & co?", "a+b%20c", "'\"<b>", "null"])
def test_any_merchant_comes_back_as_it_is(links: SettingsLinks, merchant: str) -> None:
    assert redeem(links, signed(links, merchant=merchant), LinkTarget.SETTINGS) == merchant
