import pytest
from pydantic import ValidationError

from slotsync.domain.merchant import MerchantDetails


@pytest.mark.parametrize("local", ["=?utf-8?q?x=2cevil=40x.example=2c?=", "=?utf-8?q?x=0d=0abcc=3aevil=40x.example?="])
def test_an_address_in_which_a_mail_server_would_read_another_one_is_refused(local: str) -> None:
    with pytest.raises(ValidationError, match="looks like encoded text"):
        MerchantDetails(email=f"{local}@shop.example")


def test_a_name_may_look_like_encoded_text() -> None:
    name = "=?utf-8?q?Kayaks?="
    assert MerchantDetails(name=name).name == name
