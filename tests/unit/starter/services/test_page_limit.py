"""Pages may be loaded as fast as people read, and not in a loop."""

from datetime import UTC, datetime, timedelta

from starter.services.page_limit import LINKS_PER_MERCHANT, PAGES, REFRESHES, VISITS_PER_MERCHANT, PageLimit

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WINDOWS, KINDS_OF_PROGRESS, REFRESHED_EVERY = 6, 3, timedelta(seconds=2)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def load(
    limit: PageLimit, clock: Clock, every: timedelta, *, within: timedelta, refreshing: bool = False
) -> tuple[int, int]:
    """Return how many loads of one visit go through if one is tried this often, and how many have to wait."""
    waits = []
    while clock.now < NOW + within:
        waits.append(limit.count_visit("visit", refreshing=refreshing))
        clock.now += every
    return waits.count(timedelta()), len(waits) - waits.count(timedelta())


def test_who_reads_never_waits() -> None:
    clock = Clock()
    assert load(PageLimit(clock), clock, timedelta(seconds=1), within=HOUR) == (3600, 0)


def test_a_loop_gets_what_is_allowed_and_no_more() -> None:
    clock = Clock()
    passed, _ = load(PageLimit(clock), clock, timedelta(milliseconds=10), within=MINUTE)
    assert passed == PAGES.at_once + MINUTE / PAGES.interval - 1, "the next one may go when the minute is over"


def test_what_open_pages_fetch_by_themselves_never_waits_and_takes_nothing_of_what_people_load() -> None:
    clock = Clock()
    limit = PageLimit(clock)
    every = REFRESHED_EVERY / (WINDOWS * KINDS_OF_PROGRESS)
    _, refused = load(limit, clock, every, within=HOUR, refreshing=True)
    assert refused == 0
    assert [limit.count_visit("visit", refreshing=False) for _ in range(PAGES.at_once)] == [timedelta()] * PAGES.at_once


def test_progress_in_a_loop_is_limited_too() -> None:
    clock = Clock()
    passed, _ = load(PageLimit(clock), clock, timedelta(milliseconds=10), within=MINUTE, refreshing=True)
    assert passed == REFRESHES.at_once + MINUTE / REFRESHES.interval - 1


def test_who_has_to_wait_hears_how_long_and_may_then_go_on() -> None:
    clock = Clock()
    limit = PageLimit(clock)
    for _ in range(PAGES.at_once):
        assert not limit.count_visit("visit", refreshing=False)
    wait = limit.count_visit("visit", refreshing=False)
    assert wait == PAGES.interval
    clock.now += wait
    assert not limit.count_visit("visit", refreshing=False)


def test_visits_and_merchants_are_counted_apart_and_a_merchant_has_what_a_few_visits_have() -> None:
    clock = Clock()
    limit = PageLimit(clock)
    allowed = PAGES.at_once * VISITS_PER_MERCHANT
    assert not any(limit.count_merchant("m", refreshing=False) for _ in range(allowed))
    assert limit.count_merchant("m", refreshing=False)
    assert not limit.count_merchant("other", refreshing=False)
    assert not limit.count_visit("m", refreshing=False)
    assert not limit.count_link("m", "one")


def test_who_has_a_link_takes_nothing_of_other_links_and_many_links_are_limited_together() -> None:
    clock = Clock()
    limit = PageLimit(clock)
    for link in range(LINKS_PER_MERCHANT):
        assert not any(limit.count_link("m", str(link)) for _ in range(PAGES.at_once))
        assert limit.count_link("m", str(link))
    assert limit.count_link("m", "one more")
    assert not limit.count_link("other", "0")
