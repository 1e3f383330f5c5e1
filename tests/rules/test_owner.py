import pytest
from pydantic import ValidationError

from slotsync.rules.owner import OwnerSettings


@pytest.mark.parametrize("zone", ["Europe/Helsinky", "", "../etc/passwd", "/etc/localtime"])
def test_a_time_zone_that_does_not_exist_is_refused_with_the_remedy(zone: str) -> None:
    with pytest.raises(ValidationError, match="is not a time zone; give one of the IANA names"):
        OwnerSettings(name="Tour", time_zone=zone)


def test_errors_never_quote_what_was_sent() -> None:
    with pytest.raises(ValidationError) as refusal:
        OwnerSettings.model_validate({"name": ["Nut allergy of Aino"]})
    assert "Aino" not in str(refusal.value)
