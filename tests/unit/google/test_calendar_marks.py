"""Which calendars of an account are an owner's: the account that owns them decides, and the marks that they have."""

from typing import TYPE_CHECKING

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.google.calendar_marks import CalendarSpec, select_marked

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import CalendarListEntry

ACCOUNT = "kari@example.com"
SPEC = CalendarSpec(
    merchant="m", owner=Owner.product("tour"), name="Tour", time_zone="UTC", mark_hash="h1.0123456789abcdef.aa"
)
LOST_KEY = CalendarSpec(**{**dict(SPEC), "mark_hash": "h1.fedcba9876543210.bb"})
OTHER = CalendarSpec(**{**dict(SPEC), "owner": Owner.product("boat"), "mark_hash": "h1.0123456789abcdef.cc"})
FORMER = CalendarSpec(**{**dict(SPEC), "mark_hash": ""})
PRIMARY: "CalendarListEntry" = {"id": ACCOUNT, "primary": True, "accessRole": "owner"}


def entry(id_: str, *lines: str, owner: str | None = ACCOUNT) -> "CalendarListEntry":
    listed: CalendarListEntry = {"id": id_, "accessRole": "owner", "description": "\n".join(["Our tours", *lines])}
    return listed if owner is None else {**listed, "dataOwner": owner}


def found(*entries: "CalendarListEntry", spec: CalendarSpec = SPEC) -> list[str]:
    return [each.id for each in select_marked([PRIMARY, *entries], spec)]


@pytest.mark.parametrize("mark", [SPEC.mark, SPEC.keyed_mark])
def test_a_mark_counts_in_calendars_of_the_account_itself_alone(mark: str) -> None:
    theirs = [entry("seller", mark, owner="seller@example.com"), entry("unsaid", mark, owner=None)]
    assert found(*theirs) == []
    assert found(entry("own", mark, owner="Kari@Example.com"), *theirs) == ["own"]


def test_where_google_does_not_say_which_account_it_is_nothing_is_taken() -> None:
    assert select_marked([entry("own", SPEC.mark), entry("unsaid", SPEC.mark, owner="")], SPEC) == []


def test_what_has_the_keyed_mark_comes_before_what_anybody_can_mark() -> None:
    assert found(entry("planted", SPEC.mark), entry("ours", SPEC.mark, SPEC.keyed_mark)) == ["ours"]


@pytest.mark.parametrize("before", [FORMER, LOST_KEY], ids=["a former version", "a lost database"])
def test_what_a_former_version_or_a_lost_key_has_marked_is_found_and_keeps_its_mark(before: CalendarSpec) -> None:
    kept = entry("kept", *before.body()["description"].splitlines())
    assert found(kept) == ["kept"]
    assert found(kept, spec=FORMER) == ["kept"]


def test_a_plain_mark_in_another_owners_calendar_does_not_count() -> None:
    assert found(entry("boat", OTHER.mark, OTHER.keyed_mark, SPEC.mark)) == []


def test_the_keyed_mark_is_in_the_description_once_there_is_a_key() -> None:
    assert SPEC.body()["description"].splitlines()[1:] == [SPEC.mark, SPEC.keyed_mark]
    assert FORMER.body()["description"].splitlines()[1:] == [SPEC.mark]
