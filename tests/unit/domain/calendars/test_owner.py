import pytest
from pydantic import ValidationError

from slotsync.domain.calendars.owner import OwnerSettings


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Helsinky",
        "",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Factory",
        "posix/Europe/Oslo",
        "right/UTC",
    ],
)
def test_a_time_zone_that_does_not_exist_is_refused_with_the_remedy(zone: str) -> None:
    with pytest.raises(ValidationError, match="is not a time zone; give one of the IANA names"):
        OwnerSettings(name="Tour", time_zone=zone)


def test_errors_never_quote_what_was_sent() -> None:
    with pytest.raises(ValidationError) as refusal:
        OwnerSettings.model_validate({"name": ["Nut allergy of Aino"]})
    assert "Aino" not in str(refusal.value)


@pytest.mark.parametrize("choice", ["block", "sell", "last_known:1", "last_known:4", "last_known:168"])
def test_what_unknown_times_mean_is_chosen_from_three_ways(choice: str) -> None:
    assert OwnerSettings(name="Tour", on_unknown=choice).on_unknown == choice


@pytest.mark.parametrize(
    ("choice", "remedy"),
    [
        ("", "is not block, sell or last_known:<hours>"),
        ("free", "is not block, sell or last_known:<hours>"),
        ("Block", "is not block, sell or last_known:<hours>"),
        ("block:4", "is not block, sell or last_known:<hours>"),
        ("sell ", "is not block, sell or last_known:<hours>"),
        ("last_known", "needs whole hours"),
        ("last_known:", "needs whole hours"),
        ("last_known:0", "needs whole hours"),
        ("last_known:-1", "needs whole hours"),
        ("last_known:1.5", "needs whole hours"),
        ("last_known: 4", "needs whole hours"),
        ("last_known:4:5", "needs whole hours"),
        ("last_known:169", "1 to 168, such as last_known:4"),
        ("last_known:\u0664", "needs whole hours"),
        ("last_known:\u00b2", "needs whole hours"),
        pytest.param(f"last_known:{'9' * 5000}", "needs whole hours", id="last_known:9999..."),
    ],
)
def test_another_way_with_unknown_times_is_refused_with_the_remedy(choice: str, remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        OwnerSettings(name="Tour", on_unknown=choice)


def test_unknown_times_block_unless_the_merchant_chose_otherwise() -> None:
    assert OwnerSettings(name="Tour").on_unknown == "block"
