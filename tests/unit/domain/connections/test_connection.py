import pytest

from slotsync.domain.connections.connection import (
    APP_CREATED,
    CALENDAR_LIST,
    EVENTS_FREEBUSY,
    FREEBUSY,
    Account,
    missing_scopes,
    wanted_scopes,
)

CALENDAR = "https://www.googleapis.com/auth/calendar"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"


@pytest.mark.parametrize(
    ("push", "granted", "lacking"),
    [
        (True, {APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY}, []),
        (True, {APP_CREATED, EVENTS_FREEBUSY}, [CALENDAR_LIST]),
        (True, {APP_CREATED, CALENDAR_LIST, FREEBUSY}, [EVENTS_FREEBUSY]),
        (True, set(), [APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY]),
        (True, {CALENDAR}, []),
        (False, {APP_CREATED, CALENDAR_LIST, FREEBUSY}, []),
        (False, {APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY}, []),
        (False, {f"{CALENDAR}.readonly"}, [APP_CREATED]),
    ],
)
def test_what_was_not_granted_is_missing_unless_something_wider_was(
    push: bool, granted: set[str], lacking: list[str]
) -> None:
    found = missing_scopes({"openid", EMAIL, *granted}, wanted_scopes(push=push))
    assert [each.scope for each in found] == lacking
    assert all(each.consequence for each in found)


def test_scopes_that_only_name_the_account_are_not_reported_as_missing() -> None:
    assert missing_scopes({APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY}, wanted_scopes(push=True)) == ()


def test_nothing_beyond_the_promise_is_ever_wanted() -> None:
    assert wanted_scopes(push=True) == {"openid", EMAIL, APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY}
    assert wanted_scopes(push=False) == {"openid", EMAIL, APP_CREATED, CALENDAR_LIST, FREEBUSY}


def test_an_account_is_the_same_when_its_address_has_changed() -> None:
    assert Account(id="1", email="a@x").key == Account(id="1", email="b@x").key
    assert Account(id="1", email="a@x").key != Account(id="2", email="a@x").key
