import pytest
from pydantic import TypeAdapter, ValidationError

from slotsync.domain.messages import IDENTIFIER, DisplayName, is_identifier

DISPLAY_NAME: TypeAdapter[str] = TypeAdapter(DisplayName)


@pytest.mark.parametrize("identifier", ["R-1042", "O'Brien", "å" * 64, "😀" * 32, "x" * 128])
def test_what_a_platform_may_call_things(identifier: str) -> None:
    assert IDENTIFIER.validate_python(identifier) == identifier


@pytest.mark.parametrize(
    "identifier", ["", "a b", "a:b", "a/b", "a\\b", 'a"b', "a\nb", "a\x00b", "x" * 129, "å" * 65, "😀" * 33]
)
def test_what_could_be_taken_for_another_id_or_is_too_long_for_temporal(identifier: str) -> None:
    with pytest.raises(ValidationError):
        IDENTIFIER.validate_python(identifier)


@pytest.mark.parametrize(
    ("identifier", "remedy"),
    [
        (".", "give a name with another character"),
        ("..", "give a name with another character"),
        ("R\u200b-1", "leave it out"),
        ("R\ue000-1", "leave it out"),
        ("R\u0378-1", "leave it out"),
        ("\ufeffR-1", "leave it out"),
        ("R-1\u202e", "leave it out"),
        ("R\x9f1", "leave it out"),
        ("cafe\u0301", "normalize it"),
    ],
)
def test_an_id_that_looks_like_another_one_is_refused_with_the_remedy(identifier: str, remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        IDENTIFIER.validate_python(identifier)


@pytest.mark.parametrize("value", [None, 1, "", "a b", "a\nb", "x\u2028y", "x" * 129, "\ud800"])
def test_what_no_id_can_be_is_none(value: object) -> None:
    assert not is_identifier(value)
    assert is_identifier("R-1042")


@pytest.mark.parametrize(
    "name",
    [
        "Arctic Kayaks",
        "Ä",
        "7",
        "O'Brien & Söhne",
        "北海道",
        "\u0646\u0645\u06a9\u200c\u0632\u0627\u0631",
        "Kanu\u00adtour",
        "👨\u200d👩\u200d👧 Tours",
        "🛶",
        "\U0001fae8",
        "!!!",
    ],
)
def test_a_name_that_people_can_read_is_taken_as_it_is(name: str) -> None:
    assert DISPLAY_NAME.validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u00a0 \u3000",
        "\u200b",
        "\u2060\ufeff",
        "\u3164",
        "\u115f\u1160",
        "\u2800",
        "\uffa0",
        "\u0301",
        "\ufe0f",
        "\U000e0041",
        "\U000e0fff",
        "\u2065\ufff0",
    ],
)
def test_a_name_that_shows_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=r"shows nothing|at least 1"):
        DISPLAY_NAME.validate_python(name)


@pytest.mark.parametrize("name", ["\u202egnp.exe", "a\u2066b", "a\u2028b", "a\u2029b", "a\x85b", "a\nb", "a\x00b"])
def test_a_name_that_is_shown_as_another_one_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        DISPLAY_NAME.validate_python(name)
