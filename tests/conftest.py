"""Fixtures of all tests: a vault, a local Google, and a receiver of webhooks."""

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from slotsync.secrets import Vault
from tests.support.webhook_receiver import WebhookReceiver, running_webhook_receiver


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def vault() -> Vault:
    return Vault([Fernet.generate_key().decode()])


@pytest.fixture
def local_google() -> Iterator[RunningLocalGoogle]:
    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running


@pytest.fixture
def webhooks() -> Iterator[WebhookReceiver]:
    with running_webhook_receiver() as running:
        yield running
