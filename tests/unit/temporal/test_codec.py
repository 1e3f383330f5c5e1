import pytest
from cryptography.fernet import Fernet
from temporalio.api.sdk.v1 import WorkflowMetadata

from slotsync.domain.reservations.snapshot import Guest
from slotsync.errors import SlotsyncError
from slotsync.secrets import Vault
from slotsync.temporal.options import data_converter, should_log_failure

pytestmark = pytest.mark.anyio

AINO = Guest(name="Aino Virtanen")


async def test_objects_are_encrypted_and_decrypted(vault: Vault) -> None:
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


async def test_payloads_of_an_old_key_are_decrypted_after_a_new_one_is_added() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    encrypted = await data_converter(Vault([old])).encode([AINO])
    assert await data_converter(Vault([new, old])).decode(encrypted, [Guest]) == [AINO]
    with pytest.raises(SlotsyncError, match="no key in SLOTSYNC_ENCRYPTION_KEYS fits"):
        await data_converter(Vault([new])).decode(encrypted, [Guest])


@pytest.mark.parametrize(
    ("attempt", "last", "logged"),
    [(1, False, True), (2, False, False), (5, False, True), (24, False, False), (50, False, True), (3, True, True)],
)
def test_failures_are_logged_often_enough_and_not_too_often(attempt: int, last: bool, logged: bool) -> None:
    assert should_log_failure(attempt, last=last) == logged
