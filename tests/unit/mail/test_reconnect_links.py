"""Links in e-mails are signed, name one grant, and end."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from slotsync.mail.reconnect_links import RECONNECT_LINK_LIFETIME, ExpiredLink, ReconnectLinks, RefusedGrantLink
from slotsync.settings import Settings
from slotsync.signing import create_signer
from tests.support.settings import settings_for


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for("", tmp_path).model_copy(update={"public_url": "https://slots.example"})


def signed_in(link: str) -> str:
    return httpx.URL(link).params["link"]


def test_a_link_names_the_merchant_and_its_grant(settings: Settings) -> None:
    links = ReconnectLinks(settings)
    link = links.create("arctic-kayaks", 3)
    assert link.startswith("https://slots.example/google/reconnect?link=")
    read = links.read(signed_in(link))
    assert isinstance(read, RefusedGrantLink)
    assert (read.merchant, read.grant_number) == ("arctic-kayaks", 3)


class SignerAhead(TimestampSigner):
    """Signs as a worker does with a clock that is a minute ahead."""

    def get_timestamp(self) -> int:
        return super().get_timestamp() + 60


def test_a_link_of_a_machine_ahead_works_at_once(settings: Settings) -> None:
    signer = create_signer(settings, "link:reconnect")
    ahead = URLSafeTimedSerializer(signer.secret_keys, salt=signer.salt, signer=SignerAhead)
    assert isinstance(ReconnectLinks(settings).read(str(ahead.dumps(["arctic-kayaks", 3]))), RefusedGrantLink)


def test_a_link_outlives_the_reminders_and_ends(settings: Settings) -> None:
    assert timedelta(days=14) < RECONNECT_LINK_LIFETIME <= timedelta(days=30)
    link = signed_in(ReconnectLinks(settings).create("arctic-kayaks", 3))
    assert ReconnectLinks(settings, timedelta(seconds=-1)).read(link) == ExpiredLink()


@pytest.mark.parametrize("content", [["m"], ["m", "n"], "m", {"merchant": "m"}, [1, 2, 3]])
def test_another_signed_text_is_no_link(settings: Settings, content: object) -> None:
    link = create_signer(settings, "link:reconnect").dumps(content)
    assert ReconnectLinks(settings).read(str(link)) is None


def test_a_changed_link_and_one_of_another_installation_are_none(settings: Settings, tmp_path: Path) -> None:
    link = signed_in(ReconnectLinks(settings).create("arctic-kayaks", 3))
    assert ReconnectLinks(settings).read(f"{link}x") is None
    assert ReconnectLinks(settings_for("", tmp_path)).read(link) is None
