"""Merchants, as the platform describes them."""

import json
from collections.abc import Mapping

import pytest
from sqlalchemy import text

from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerChanges, OwnerDefaults
from slotsync.domain.merchant import MerchantDetails, OnDrift
from slotsync.errors import InputError
from slotsync.store.audit_log import AuditLog
from slotsync.store.merchants import Merchants
from tests.support.api import Api

pytestmark = pytest.mark.anyio

DEFAULTS: Mapping[str, object] = {
    "sync": False,
    "guest_data": "busy",
    "on_unknown": "last_known:4",
    "pad_before_minutes": 15,
    "pad_after_minutes": 30,
    "free_calendars_needed": 1,
}
DETAILS = {
    "name": "Arctic Kayaks",
    "language": "fi",
    "return_url": "https://platform.example/google",
    "email": "owner@arctic.example",
    "logo_url": "https://platform.example/logos/arctic-kayaks.png",
    "on_drift": "report",
    "defaults": DEFAULTS,
}
NO_CHOICES: Mapping[str, object] = {"chosen": [], "overridden": []}
NO_DEFAULTS = dict.fromkeys(OwnerDefaults.model_fields)


async def test_what_is_left_out_keeps_its_value_and_null_removes_it(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}"
    assert (await api.platform.put(address, json=DETAILS)).json() == {"merchant": merchant, **NO_CHOICES, **DETAILS}
    changed = (await api.platform.put(address, json={"email": "new@arctic.example", "logo_url": None})).json()
    expected = {"merchant": merchant, **NO_CHOICES, **DETAILS, "email": "new@arctic.example", "logo_url": None}
    assert changed == expected
    assert (await api.platform.get(address)).json() == expected
    assert (await api.platform.put(address, json={"email": None})).json() == {**expected, "email": None}


async def test_a_default_that_is_left_out_keeps_its_value_and_null_is_slotsyncs_own(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}"

    async def defaults_after(body: dict[str, object]) -> dict[str, object]:
        return dict((await api.platform.put(address, json=body)).raise_for_status().json()["defaults"])

    assert await defaults_after({}) == NO_DEFAULTS
    assert await defaults_after({"defaults": {"sync": False, "guest_data": "busy"}}) == {
        **NO_DEFAULTS,
        "sync": False,
        "guest_data": "busy",
    }
    assert await defaults_after({"defaults": {"sync": None, "pad_after_minutes": 0}}) == {
        **NO_DEFAULTS,
        "guest_data": "busy",
        "pad_after_minutes": 0,
    }
    assert (await defaults_after({"name": "Arctic Kayaks"}))["guest_data"] == "busy"
    assert await defaults_after({"defaults": None}) == NO_DEFAULTS


@pytest.mark.parametrize("kind", ["products", "resources"])
async def test_defaults_are_for_what_is_created_afterwards_and_nothing_that_exists(
    api: Api, merchant: str, kind: str
) -> None:
    address = f"/v1/merchants/{merchant}"
    before = (await api.platform.put(f"{address}/{kind}/old", json={"name": "Old"})).json()
    (await api.platform.put(address, json=DETAILS)).raise_for_status()
    new = (await api.platform.put(f"{address}/{kind}/new", json={"name": "New", "guest_data": "full"})).json()
    assert new == {
        "name": "New",
        "time_zone": "UTC",
        **DEFAULTS,
        "guest_data": "full",
        "chosen": [],
        "overridden": [],
    }
    assert (await api.platform.get(f"{address}/{kind}/old")).json() == before
    assert (await api.platform.put(f"{address}/{kind}/old", json={"name": "Old"})).json() == before
    other = await api.platform.put(f"{address}-other/{kind}/new", json={"name": "New"})
    assert other.json()["sync"], "another merchant has its own"


async def test_defaults_do_not_touch_what_the_merchant_chose_also_after_a_deletion(api: Api, merchant: str) -> None:
    address, owner = f"/v1/merchants/{merchant}/products/kayak", Owner.product("kayak")
    await api.platform.put(address, json={"name": "Kayak"})
    chosen = OwnerChanges(guest_data=GuestData.FULL, sync=True)
    await api.world.slotsync.put_owner(merchant, owner, chosen, chooser=Chooser.MERCHANT)
    await api.platform.put(f"/v1/merchants/{merchant}", json={"defaults": {"guest_data": "busy", "sync": False}})
    before = (await api.platform.get(address)).json()
    assert before.items() >= {"guest_data": "full", "sync": True}.items()
    await api.platform.delete(address)
    assert (await api.platform.put(address, json={"name": "Kayak"})).json() == before


async def test_a_change_of_defaults_stands_in_the_audit_log(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}"
    for body in ({"guest_data": "busy", "sync": None}, {"guest_data": "busy"}, {"guest_data": None, "sync": True}):
        (await api.platform.put(address, json={"defaults": body})).raise_for_status()
    entries = (await api.platform.get(f"{address}/audit")).json()["items"]
    assert [(each["action"], each["before"], each["after"]) for each in entries] == [
        ("merchant.changed", {"defaults.guest_data": None}, {"defaults.guest_data": "busy"}),
        (
            "merchant.changed",
            {"defaults.guest_data": "busy", "defaults.sync": None},
            {"defaults.guest_data": None, "defaults.sync": True},
        ),
    ]


async def test_the_python_client_sets_them_too(api: Api, merchant: str) -> None:
    slotsync = api.world.slotsync
    assert await slotsync.details_of(merchant) is None
    await slotsync.put_merchant(merchant, MerchantDetails(name="Arctic Kayaks"))
    await slotsync.put_merchant(merchant, MerchantDetails(defaults=OwnerDefaults(guest_data=GuestData.BUSY)))
    await slotsync.put_owner(merchant, Owner.product("kayak"), OwnerChanges(name="Kayak"))
    found = await slotsync.settings_of(merchant, Owner.product("kayak"))
    assert found
    assert found.guest_data is GuestData.BUSY
    details = await slotsync.details_of(merchant)
    assert details
    assert (details.name, details.defaults) == ("Arctic Kayaks", OwnerDefaults(guest_data=GuestData.BUSY))
    with pytest.raises(InputError, match="merchant"):
        await slotsync.put_merchant("a:b", MerchantDetails())


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
        ("defaults", {"time_zone": "UTC"}),
        ("defaults", {"guest_data": "everything"}),
        ("defaults", {"on_unknown": "free"}),
        ("defaults", {"pad_after_minutes": 1441}),
        ("defaults", "busy"),
    ],
)
async def test_a_detail_that_cannot_be_one_is_refused(api: Api, merchant: str, field: str, value: object) -> None:
    body = json.dumps({field: value})  # with escapes: half of a surrogate pair has no bytes
    headers = {"Content-Type": "application/json"}
    answer = await api.platform.put(f"/v1/merchants/{merchant}", content=body, headers=headers)
    assert answer.status_code == 422
    assert field in answer.text


async def test_what_the_merchant_chose_about_drift_yields_only_to_an_override(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}"
    await api.platform.put(address, json={"on_drift": "ask"})
    audit = AuditLog(api.world.store, api.world.vault)
    merchants = Merchants(api.world.store, api.world.vault, audit)
    merchants.put(merchant, MerchantDetails(on_drift=OnDrift.REPORT), Chooser.MERCHANT)

    async def put(body: dict[str, object]) -> tuple[object, ...]:
        answer = (await api.platform.put(address, json=body)).raise_for_status().json()
        return tuple(answer[name] for name in ("name", "on_drift", "chosen", "overridden"))

    own: tuple[object, ...] = ("report", ["on_drift"], [])
    assert await put({"name": "A", "on_drift": "repair"}) == ("A", *own)
    assert await put({"name": "B", "on_drift": None}) == ("B", *own)
    assert await put({"name": "C", "override": True}) == ("C", *own)
    assert await put({"on_drift": "report", "override": True}) == ("C", *own)
    assert await put({"on_drift": "repair", "override": True}) == ("C", "repair", [], ["on_drift"])
    assert await put({"on_drift": "ask"}) == ("C", "ask", [], ["on_drift"])
    entries = audit.list_entries(merchant, 50, 0)
    told = [each.detail.overridden for each in entries if each.detail and "on_drift" in each.detail.after]
    assert told == [(), (), ("on_drift",), ()]
    merchants.put(merchant, MerchantDetails(on_drift=OnDrift.REPAIR), Chooser.MERCHANT)
    assert await put({}) == ("C", "repair", ["on_drift"], [])
