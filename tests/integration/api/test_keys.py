import pytest

from slotsync.errors import SettingsError
from slotsync.settings import Settings
from starter.api.keys import ApiKeys
from tests.support.api import Api
from tests.support.settings import KEY, OLD_KEY

pytestmark = pytest.mark.anyio

ADDRESSES = [
    ("GET", "/v1", 401),
    ("GET", "/v1/nothing", 401),
    ("GET", "/v1/merchants/m/google", 401),
    ("GET", "/v1/merchants/m/reservations/R-1", 401),
    ("GET", "/v1/merchants/m/reservations/R-1/timeline", 401),
    ("PUT", "/v1/merchants/m/reservations/R-1", 401),
    ("PUT", "/v1/merchants/m/products/p", 401),
    ("PUT", "/v1/merchants/m/resources/r", 401),
    ("GET", "//v1/merchants/m/google", 404),
    ("GET", "/v1/../v1/merchants/m/google", 401),
    ("GET", "/%76%31/merchants/m/google", 401),
]


@pytest.mark.parametrize(("method", "address", "status"), ADDRESSES)
async def test_without_a_key_nothing_of_the_api_is_seen(api: Api, method: str, address: str, status: int) -> None:
    answer = await api.stranger.request(method, f"{api.url}{address}", content=b"not json either")
    assert answer.status_code == status
    assert answer.headers.get("www-authenticate") == ('Bearer realm="slotsync"' if status == 401 else None)
    assert not answer.json().keys() - {"type", "title", "status", "detail", "request_id"}


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer wrong", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Basic {KEY}", KEY, "Bearer \xe4"],
)
async def test_a_wrong_key_opens_nothing(api: Api, header: str) -> None:
    answer = await api.stranger.get("/v1/merchants/m/google", headers={b"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert KEY not in answer.text


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer {KEY}", f"Bearer   {KEY}", f"Bearer {OLD_KEY}"])
async def test_each_of_the_keys_opens(api: Api, header: str) -> None:
    answer = await api.stranger.get("/v1/merchants/m/google", headers={"Authorization": header})
    assert answer.status_code == 200


def test_no_key_at_all_is_one_clear_line(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"^SLOTSYNC_API_KEYS: is not set .*token_urlsafe") as refused:
        ApiKeys.from_settings(settings.model_copy(update={"api_keys": ()}))
    assert "\n" not in str(refused.value)
