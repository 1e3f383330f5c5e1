import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.reservations.event import EventKey, event_id

NAMES = st.text(st.characters(categories=["L", "N", "P"], exclude_characters=':/\\"'), min_size=1, max_size=40).map(
    lambda text: unicodedata.normalize("NFC", "x" + text)[:40]
)
KEYS = st.builds(EventKey, item=NAMES, owner=st.builds(Owner, kind=st.sampled_from(OwnerKind), id=NAMES))


@given(NAMES, NAMES, KEYS, st.integers(0, 10**6))
def test_an_id_fits_googles_alphabet(merchant: str, reservation: str, key: EventKey, generation: int) -> None:
    assert re.fullmatch(r"[a-v0-9]{5,1024}", event_id(merchant, reservation, key, generation))


@given(st.lists(st.tuples(NAMES, NAMES, KEYS, st.integers(0, 3)), min_size=2, max_size=2, unique=True))
def test_different_places_and_generations_have_different_ids(places: list[tuple[str, str, EventKey, int]]) -> None:
    assert len({event_id(*place) for place in places}) == 2


def test_an_id_is_the_same_for_ever() -> None:
    # Changing this orphans every event ever written.
    assert event_id("m", "R-1", EventKey(item="1", owner=Owner.product("p"))) == "kgug5aqat3cfi7mu08bm309tld244jq4g0"
