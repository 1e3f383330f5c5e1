import pytest
from cryptography.fernet import Fernet
from temporalio.api.sdk.v1 import WorkflowMetadata

from slotsync.domain.reservations.snapshot import Guest
from slotsync.errors import SlotsyncError
from slotsync.secrets import Vault
from slotsync.temporal.options import data_converter, worth_telling

pytestmark = pytest.mark.anyio

AINO = Guest(name="Aino Virtanen")


async def test_objects_are_sealed_and_come_back(vault: Vault) -> None:
    converter = data_converter(vault)
    payloads = await converter.encode([AINO, [AINO]])
    assert not any(b"Aino" in payload.SerializeToString() for payload in payloads)
    assert await converter.decode(payloads, [Guest, list[Guest]]) == [AINO, [AINO]]


async def test_texts_for_operators_stay_readable(vault: Vault) -> None:
    (payload,) = await data_converter(vault).encode(["Put 1@product:tour, version 3"])
    assert payload.data == b'"Put 1@product:tour, version 3"'


async def test_the_ui_can_read_what_a_workflow_does_now(vault: Vault) -> None:
    (payload,) = await data_converter(vault).encode([WorkflowMetadata(current_details="Version 3 is in step")])
    assert payload.metadata["encoding"] == b"json/protobuf"
    assert b"Version 3 is in step" in payload.data


async def test_a_new_key_in_front_still_opens_what_the_old_one_sealed() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = await data_converter(Vault([old])).encode([AINO])
    assert await data_converter(Vault([new, old])).decode(sealed, [Guest]) == [AINO]
    with pytest.raises(SlotsyncError, match="no key in SLOTSYNC_ENCRYPTION_KEYS fits"):
        await data_converter(Vault([new])).decode(sealed, [Guest])


@pytest.mark.parametrize(
    ("attempt", "last", "told"),
    [(1, False, True), (2, False, False), (5, False, True), (24, False, False), (50, False, True), (3, True, True)],
)
def test_failures_are_told_often_enough_and_never_flood(attempt: int, last: bool, told: bool) -> None:
    assert worth_telling(attempt, last=last) == told
