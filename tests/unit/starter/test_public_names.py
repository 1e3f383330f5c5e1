"""The names that a backend imports from ``starter``."""

import pytest

import starter
from starter.services.status import EventSyncStatus, SyncStatus


@pytest.mark.parametrize("name", starter.__all__)
def test_each_public_name_can_be_imported(name: str) -> None:
    assert getattr(starter, name).__module__.startswith(("slotsync.", "starter."))


def test_earlier_names_of_the_status_stay() -> None:
    assert (starter.Standing, starter.EventStanding) == (SyncStatus, EventSyncStatus)  # public names


def test_other_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        getattr(starter, "Nonsense")  # noqa: B009  mypy would find it
