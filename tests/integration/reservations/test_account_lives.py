"""Lives with changes of accounts, products and access at random, without waiting; then what is wanted stands alone."""

import os
from random import Random

import pytest

from tests.support.account_lives import AccountLife
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

FIRST_LIFE, _, LAST_LIFE = os.environ.get("SLOTSYNC_TEST_LIVES", "0-9").partition("-")
"""The numbers of the merchants that live: always the same lives, and others in a search by hand."""


@pytest.mark.parametrize("number", range(int(FIRST_LIFE), int(LAST_LIFE or FIRST_LIFE) + 1))
async def test_after_one_new_version_of_each_exactly_the_wanted_events_stand_in_the_account_that_is_back(
    two_calendars: World, number: int
) -> None:
    chance = Random(number)
    life = AccountLife(two_calendars, chance)
    async with two_calendars.working():
        await life.begin()
        await life.live(chance.randint(6, 16))
        await life.end()

        async def is_right() -> bool:
            await sweep(two_calendars, everything=True)
            return await life.titles() == sorted(filter(None, life.wanted.values()))

        try:
            await until(is_right)
        except TimeoutError:
            raise AssertionError(f"{life.done}\nwanted: {life.wanted}\nfound: {await life.titles()}") from None
