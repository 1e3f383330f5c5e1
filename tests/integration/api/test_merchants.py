"""Merchants, as the platform describes them."""

import json

import pytest
from sqlalchemy import text

from tests.support.api import Api

pytestmark = pytest.mark.anyio

DETAILS = {
    "name": "Arctic Kayaks",
    "language": "fi",
    "return_url": "https://platform.example/google",
    "email": "owner@arctic.example",
    "logo_url": "https://platform.example/logos/arctic-kayaks.png",
}


async def test_what_is_left_out_keeps_its_value_and_null_removes_it(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}"
    assert (await api.platform.put(address, json=DETAILS)).json() == {"merchant": merchant, **DETAILS}
    changed = (await api.platform.put(address, json={"email": "new@arctic.example", "logo_url": None})).json()
    expected = {"merchant": merchant, **DETAILS, "email": "new@arctic.example", "logo_url": None}
    assert changed == expected
    assert (await api.platform.get(address)).json() == expected
    assert (await api.platform.put(address, json={"email": None})).json() == {**expected, "email": None}


async def test_an_address_is_encrypted_in_the_database(api: Api, merchant: str) -> None:
    await api.platform.put(f"/v1/merchants/{merchant}", json=DETAILS)
    with api.world.store.read() as session:
        found = session.connection().execute(text("SELECT email FROM merchant WHERE id = :id"), {"id": merchant})
        assert "arctic" not in found.scalar_one()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "not an address"),
        ("email", "owner@arctic.example\r\nBcc: all@guest.example"),
        ("email", "owner@arctic.example, all@guest.example"),
        ("logo_url", "http://platform.example/logo.png"),
        ("logo_url", "data:image/png;base64,AAAA"),
        ("return_url", "https://platform.example/\ud800"),
        ("return_url", "https://platform.example/\r\nSet-Cookie: a=b"),
        ("return_url", "https://[::ffff:169.254.169.254]/"),
        ("return_url", "http://evil.example\\@localhost/"),
        ("name", " "),
        ("name", "\u200b"),
        ("name", "\u3164"),
        ("name", "\u202egnp.exe"),
    ],
)
async def test_a_detail_that_cannot_be_one_is_refused(api: Api, merchant: str, field: str, value: str) -> None:
    body = json.dumps({field: value})  # with escapes: half of a surrogate pair has no bytes
    headers = {"Content-Type": "application/json"}
    answer = await api.platform.put(f"/v1/merchants/{merchant}", content=body, headers=headers)
    assert answer.status_code == 422
    assert field in answer.text
