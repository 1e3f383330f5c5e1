import pytest

from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerChanges, OwnerSettings
from slotsync.store.calendars.owners import Owners
from tests.support.api import Api

pytestmark = pytest.mark.anyio

KINDS = [("products/kayak", Owner.product("kayak")), ("resources/kayak", Owner.resource("kayak"))]


@pytest.mark.parametrize(("address", "owner"), KINDS)
async def test_an_owner_is_known_with_all_that_was_put(api: Api, merchant: str, address: str, owner: Owner) -> None:
    body = {"name": "Kayak №1", "time_zone": "Europe/Helsinki", "sync": False, "guest_data": "busy"}
    answer = await api.platform.put(f"/v1/merchants/{merchant}/{address}", json=body)
    assert answer.status_code == 200
    assert answer.json().items() >= body.items()
    chosen = OwnerSettings(name="Kayak №1", time_zone="Europe/Helsinki", sync=False, guest_data=GuestData.BUSY)
    assert Owners(api.world.store).get_all(merchant) == {owner: chosen}


async def test_how_calendars_block_a_product_is_kept(api: Api, merchant: str) -> None:
    chosen = {"pad_before_minutes": 15, "pad_after_minutes": 30, "free_calendars_needed": 2}
    answer = await api.platform.put(f"/v1/merchants/{merchant}/products/kayak", json={"name": "Kayak", **chosen})
    assert answer.json().items() >= chosen.items()
    kept = Owners(api.world.store).get(merchant, Owner.product("kayak"))
    assert kept == OwnerSettings.model_validate({"name": "Kayak", **chosen})


async def test_what_is_left_out_keeps_its_value(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}/products/kayak"
    first = {"name": "Old", "time_zone": "Europe/Helsinki", "guest_data": "busy", "free_calendars_needed": 2}
    await api.platform.put(address, json=first)
    answer = await api.platform.put(address, json={"name": "Kayak 2027"})
    assert answer.json().items() >= {**first, "name": "Kayak 2027"}.items()
    answer = await api.platform.put(address, json={"free_calendars_needed": None})
    assert answer.json().items() >= {**first, "name": "Kayak 2027", "free_calendars_needed": None}.items()
    assert (await api.platform.get(address)).json() == answer.json()


async def choose(api: Api, merchant: str, **chosen: object) -> None:
    """Choose settings as the merchant does on the page."""
    changes = OwnerChanges.model_validate(chosen)
    await api.world.slotsync.put_owner(merchant, Owner.product("kayak"), changes, chooser=Chooser.MERCHANT)


async def test_the_merchants_own_choice_yields_only_to_an_override(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}/products/kayak"
    await api.platform.put(address, json={"name": "Kayak", "guest_data": "full"})
    await choose(api, merchant, guest_data="busy", sync=False)
    wanted = {"name": "Kayak 2", "guest_data": "full", "sync": True, "pad_after_minutes": 15}
    kept = (await api.platform.put(address, json=wanted)).json()
    assert kept.items() >= {"name": "Kayak 2", "guest_data": "busy", "sync": False, "pad_after_minutes": 15}.items()
    assert (kept["chosen"], kept["overridden"]) == (["guest_data", "sync"], [])
    overridden = (await api.platform.put(address, json={"guest_data": "limited", "override": True})).json()
    assert overridden.items() >= {"guest_data": "limited", "sync": False}.items()
    assert (overridden["chosen"], overridden["overridden"]) == (["sync"], ["guest_data"])
    await choose(api, merchant, guest_data="busy")
    assert (await api.platform.get(address)).json().items() >= {
        "guest_data": "busy",
        "chosen": ["guest_data", "sync"],
        "overridden": [],
    }.items()


@pytest.mark.parametrize("calendar", ["keep", "delete"])
@pytest.mark.parametrize(("address", "owner"), KINDS)
async def test_what_was_deleted_is_unknown_until_it_is_put_anew(
    api: Api, merchant: str, address: str, owner: Owner, calendar: str
) -> None:
    path = f"/v1/merchants/{merchant}/{address}"
    assert (await api.platform.delete(path)).status_code == 404
    await api.platform.put(path, json={"name": "Kayak", "guest_data": "full"})
    assert (await api.platform.delete(path, params={"calendar": calendar})).status_code == 204
    assert (await api.platform.get(path)).status_code == (await api.platform.delete(path)).status_code == 404
    assert Owners(api.world.store).get_all(merchant) == {}
    assert (await api.platform.put(path, json={"guest_data": "busy"})).status_code == 422, "a new one needs a name"
    assert (await api.platform.put(path, json={"name": "Kayak"})).json()["guest_data"] == "limited"
    assert list(Owners(api.world.store).get_all(merchant)) == [owner]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Base"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "Europe"),
        ("time_zone", ""),
        ("name", ""),
        ("name", "two\nlines"),
        ("name", " "),
        ("name", "\u200b\u3164"),
        ("name", "nul\x00"),
        ("name", "x" * 201),
        ("guest_data", "everything"),
        ("sync", "perhaps"),
        ("pad_before_minutes", -1),
        ("pad_before_minutes", 1441),
        ("pad_after_minutes", "long"),
        ("pad_after_minutes", 1441),
        ("free_calendars_needed", 0),
        ("free_calendars_needed", 51),
        ("colour", "red"),
    ],
)
async def test_a_field_that_is_wrong_is_named_and_nothing_is_kept(
    api: Api, merchant: str, field: str, value: object
) -> None:
    body = {"name": "Kayak", field: value}
    answer = await api.platform.put(f"/v1/merchants/{merchant}/products/kayak", json=body)
    assert answer.status_code == 422
    assert [(each["place"], each["field"]) for each in answer.json()["errors"]] == [("body", field)]
    assert Owners(api.world.store).get_all(merchant) == {}


async def test_two_merchants_have_their_own_products(api: Api, merchant: str) -> None:
    for each in (merchant, f"{merchant}-2"):
        await api.platform.put(f"/v1/merchants/{each}/products/kayak", json={"name": f"Kayak of {each}"})
    kept = [Owners(api.world.store).get(each, Owner.product("kayak")) for each in (merchant, f"{merchant}-2")]
    assert kept == [OwnerSettings(name=f"Kayak of {merchant}"), OwnerSettings(name=f"Kayak of {merchant}-2")]


async def test_the_state_of_a_connection_is_shown(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}/google"
    assert (await api.platform.get(address)).json()["state"] == "disconnected"
    await api.world.connect(merchant, f"{merchant}@gmail.example")
    assert (await api.platform.get(address)).json()["state"] == "active"
