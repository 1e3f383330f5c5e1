"""Fixtures of all tests: a vault, a local Google, and a receiver of webhooks."""

import asyncio
import gc
import os
import shutil
from collections.abc import Iterator
from itertools import islice

import hypothesis
import pytest
from cryptography.fernet import Fernet

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from slotsync.secrets import Vault

# Before the first import of these modules: otherwise their failing assertions show no values.
pytest.register_assert_rewrite("tests.support")

from tests.support.certificates import trust_one_certificate  # noqa: E402  see above
from tests.support.compiled_queries import share_compiled_queries  # noqa: E402  see above
from tests.support.mail_receiver import MailReceiver, running_mail_receiver  # noqa: E402  see above
from tests.support.temporal_servers import stop_shared_servers  # noqa: E402  see above
from tests.support.webhook_receiver import WebhookReceiver, running_webhook_receiver  # noqa: E402  see above

share_compiled_queries()
trust_one_certificate()

# A busy machine makes any example slow: what holds is decided by assertions, never by a time.
hypothesis.settings.register_profile("without deadline", deadline=None)
hypothesis.settings.load_profile("without deadline")

LEFT_TO_TEST_LONG = (
    "e2e/settings_page/test_attacker_and_victim.py",
    "e2e/test_deployment.py",
    "e2e/test_erasure.py",
    "e2e/test_key_rotation.py",
    "e2e/test_killed_mails.py",
    "e2e/test_killed_parts.py",
    "e2e/test_killed_reporters.py",
    "e2e/test_killed_switch.py",
    "e2e/test_killed_worker.py",
    "e2e/test_lost_databases.py",
    "integration/api/test_slow_callers.py",
    "integration/calendars/test_creation_limit.py",
    "integration/connections/test_erased_in_former_account.py",
    "integration/connections/test_forgotten.py",
    "integration/erasure/test_erasure.py",
    "integration/reservations/test_account_lives.py",
    "integration/reservations/test_google_faults.py",
)
"""Files that take a quarter of an hour of one process together: only ``make test-long`` runs them."""

LONG_FILES = (
    "e2e/settings_page/test_attacker_and_victim.py",
    "integration/reservations/test_returned_calendars.py",
    "integration/reservations/test_dragged_events.py",
    "integration/reservations/test_answers.py",
    "integration/reservations/test_hand_edits.py",
    "integration/reservations/test_generations.py",
    "integration/reservations/test_google_faults.py",
    "e2e/test_killed_parts.py",
    "integration/calendars/test_creation_limit.py",
    "e2e/test_commands.py",
    "e2e/test_killed_worker.py",
    "e2e/test_killed_mails.py",
    "integration/reservations/test_reservation.py",
    "e2e/test_lost_databases.py",
    "e2e/settings_page/test_story.py",
    "e2e/settings_page/test_attacker_and_victim.py",
    "e2e/test_secrecy.py",
    "integration/reservations/test_time_skipping.py",
    "integration/reservations/test_order.py",
    "integration/calendars/test_sync_switch.py",
    "integration/connections/test_parking.py",
    "integration/operators/test_buttons.py",
    "integration/connections/test_disconnection.py",
    "integration/connections/test_mails.py",
    "e2e/test_histories.py",
    "integration/api/test_openapi.py",
)
"""Files that take half a minute or so, the longest first."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that are left to ``make test-long``."""
    if item.path.as_posix().endswith(LEFT_TO_TEST_LONG):
        item.add_marker(pytest.mark.long)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each worker process begin with some of the long files, so that all end together.

    pytest-xdist gives every worker one block of the tests, in order; a worker that has finished steals from the others.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    dealt = [LONG_FILES[number::workers] for number in range(workers)]
    long = [[item for file in files for item in items if f"tests/{file}" in item.nodeid] for files in dealt]
    known_long = {item for some in long for item in some}
    others = iter([item for item in items if item not in known_long])
    left, ordered = len(items), list[pytest.Item]()
    for number, begins_with in enumerate(long):
        size = left // (workers - number)
        ordered += [*begins_with, *islice(others, max(size - len(begins_with), 0))]
        left -= size
    items[:] = [*ordered, *others]


def pytest_collection_finish() -> None:
    """Have the garbage collector look seldom, and never at what all tests use: it took a twentieth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_report_header() -> list[str]:
    """Name the programs that this machine lacks, and the tests that are left out without them."""
    programs = {"node": "tests with Google's Node client", "chromium": "tests with a browser"}
    return [f"without {name}: no {tests}" for name, tests in programs.items() if not shutil.which(name)]


def pytest_sessionfinish() -> None:
    """Stop the Temporal servers that tests have shared."""
    asyncio.run(stop_shared_servers())


@pytest.fixture(scope="session")
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


@pytest.fixture
def mailbox() -> Iterator[MailReceiver]:
    with running_mail_receiver() as running:
        yield running
