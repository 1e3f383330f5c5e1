import pytest
from pydantic import TypeAdapter, ValidationError

from slotsync.domain.messages import Identifier

IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


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
