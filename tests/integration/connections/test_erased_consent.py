"""The erasure of a merchant gives a grant back on which nobody has decided."""

import pytest

from starter.services.erasure import ErasureService
from tests.support.connection_harness import ConnectionHarness
from tests.support.samples import MERCHANT

pytestmark = pytest.mark.anyio


async def test_a_grant_on_which_nobody_has_decided_is_given_back(connecting_merchant: ConnectionHarness) -> None:
    world = connecting_merchant.world
    await connecting_merchant.consent()
    service = ErasureService(world.settings, world.client, world.store, world.vault)
    receipt = await service.erase_merchant(MERCHANT, google=False)
    assert receipt.rows == {"merchant": 1, "pending_consent": 1}
    assert await connecting_merchant.calls("oauth2.revoke") == 1
