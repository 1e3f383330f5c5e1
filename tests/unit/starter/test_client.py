"""The Python client checks what the API checks, also copies that were made with changes."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from slotsync.domain.calendars.owner import OwnerChanges
from slotsync.domain.merchant import MerchantDetails
from slotsync.errors import InputError
from slotsync.secrets import Vault
from slotsync.temporal.options import connect
from starter.client import Slotsync
from tests.support.migrated_databases import open_migrated
from tests.support.samples import MERCHANT, TOUR, item, snapshot

pytestmark = pytest.mark.anyio


@pytest.fixture
async def slotsync(tmp_path: Path) -> Slotsync:
    """A client without a Temporal server: a call that is refused needs none."""
    client = await connect(address="127.0.0.1:9", lazy=True)
    return Slotsync(client, open_migrated(f"sqlite:///{tmp_path}/slotsync.db"), Vault([Fernet.generate_key().decode()]))


ITEM = item()
NO_LENGTH = ITEM.model_copy(update={"end": ITEM.start})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"items": (NO_LENGTH,)}, "items.0"),
        ({"version": -5}, "version"),
        ({"id": "a:b"}, "id"),
        ({"merchant": "m:n"}, "merchant"),
    ],
)
async def test_a_copied_snapshot_with_a_wrong_field_is_refused(
    slotsync: Slotsync, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InputError, match=field):
        await slotsync.report(snapshot(1).model_copy(update=changes))


async def test_copied_settings_with_a_wrong_field_are_refused(slotsync: Slotsync) -> None:
    with pytest.raises(InputError, match="time_zone"):
        await slotsync.put_owner(MERCHANT, TOUR, OwnerChanges(name="Tour").model_copy(update={"time_zone": "Factory"}))
    with pytest.raises(InputError, match="language"):
        await slotsync.put_merchant(MERCHANT, MerchantDetails(name="Kayaks").model_copy(update={"language": "Finnish"}))
