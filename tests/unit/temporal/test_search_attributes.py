from slotsync.domain.calendars.owner import Owner
from slotsync.temporal.search_attributes import owner_names


def test_a_few_owners_are_all_named() -> None:
    assert owner_names([Owner.product("tour"), Owner.resource("guide")]) == ["product:tour", "resource:guide"]


def test_only_as_many_owners_are_named_as_temporal_allows() -> None:
    owners = [Owner.product(f"tour-ålesund-{number}") for number in range(500)]
    names = owner_names(owners)
    assert names == [str(owner) for owner in owners[: len(names)]]
    assert 1000 < len(str(names).encode()) <= 2048
