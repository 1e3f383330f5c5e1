"""Hashes of contents: equal for equal contents of one merchant, and worth nothing without its key."""

from hashlib import sha256

from slotsync.domain.content_hashes import ContentHasher, is_keyed, is_of_another_key
from tests.support.desired_events import hasher_with

PLAIN = sha256(b"Sunset tour, Kari Nordmann").hexdigest()[:32]
OURS, THEIRS = hasher_with("ours"), hasher_with("theirs")


def test_a_hash_is_the_same_each_time_and_another_with_another_key() -> None:
    assert OURS.hash(PLAIN) == hasher_with("ours").hash(PLAIN)
    assert len({PLAIN, OURS.hash(PLAIN), THEIRS.hash(PLAIN)}) == 3
    assert is_keyed(OURS.hash(PLAIN))


def test_a_hash_holds_nothing_that_can_be_computed_without_the_key() -> None:
    assert PLAIN not in OURS.hash(PLAIN)
    assert sha256(PLAIN.encode()).hexdigest() not in OURS.hash(PLAIN)


def test_a_hash_and_a_plain_one_of_before_match_their_content_alone() -> None:
    for stored in (PLAIN, OURS.hash(PLAIN)):
        assert OURS.matches(stored, PLAIN)
        assert not OURS.matches(stored, "another")
    for other in (None, "", THEIRS.hash(PLAIN)):
        assert not OURS.matches(other, PLAIN)


def test_what_is_unknown_or_hashed_already_stays_as_it_is() -> None:
    assert [OURS.hash(each) for each in ("", THEIRS.hash(PLAIN))] == ["", THEIRS.hash(PLAIN)]


def test_without_a_key_hashes_stay_plain_for_processes_of_a_former_version() -> None:
    former = ContentHasher()
    assert former.hash(PLAIN) == PLAIN
    assert former.matches(PLAIN, PLAIN)
    assert not former.matches(PLAIN, "another")


def test_hashes_by_two_keys_are_told_apart_by_their_form() -> None:
    assert is_of_another_key(THEIRS.hash(PLAIN), OURS.hash(PLAIN))
    assert not is_of_another_key(OURS.hash("another"), OURS.hash(PLAIN))
    assert not is_of_another_key(PLAIN, OURS.hash(PLAIN))
