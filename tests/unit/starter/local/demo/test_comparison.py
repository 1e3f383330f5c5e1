import pytest

from starter.local.demo.comparison import CalendarEntry, Comparison, compare, count_events

STAY = CalendarEntry(calendar="Suite", start="2026-07-01", end="2026-07-03", title="2 adults")
LATER = STAY.model_copy(update={"end": "2026-07-04"})
ELSEWHERE = STAY.model_copy(update={"calendar": "Villa"})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param([("B-1", STAY)], Comparison(right=1), id="right"),
        pytest.param([], Comparison(missing=("B-1",)), id="missing"),
        pytest.param([("B-1", STAY), ("B-2", STAY)], Comparison(right=1, extra=("B-2",)), id="extra"),
        pytest.param([("B-1", STAY), ("", STAY)], Comparison(right=1, extra=("",)), id="a stranger's event"),
        pytest.param([("B-1", STAY), ("B-1", STAY)], Comparison(doubled=("B-1",)), id="doubled"),
        pytest.param([("B-1", STAY), ("B-1", ELSEWHERE)], Comparison(doubled=("B-1",)), id="doubled elsewhere"),
        pytest.param([("B-1", LATER)], Comparison(wrong=("B-1",)), id="wrong day"),
        pytest.param([("B-1", ELSEWHERE)], Comparison(wrong=("B-1",)), id="wrong calendar"),
    ],
)
def test_each_way_to_be_wrong_is_found(found: list[tuple[str, CalendarEntry]], said: Comparison) -> None:
    result = compare({"B-1": STAY}, found)
    assert result == said
    assert result.perfect == (found == [("B-1", STAY)])


def test_the_count_names_each_way() -> None:
    result = compare({"B-1": STAY, "B-2": STAY}, [("B-1", LATER)])
    assert count_events(result) == {"right": 0, "missing": 1, "extra": 0, "doubled": 0, "wrong": 1}
