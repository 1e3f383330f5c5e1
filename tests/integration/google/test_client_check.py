import pytest

from slotsync.google.auth.consent import check_client
from tests.support.answering_server import Answer, AnsweringServer
from tests.support.settings import settings_at


@pytest.mark.parametrize(
    ("status", "error", "known"),
    [
        (400, "invalid_grant", True),
        (401, "invalid_client", False),
        (401, "unauthorized_client", False),
        (401, "deleted_client", False),
        (500, "internal_failure", None),
    ],
)
def test_the_refusal_of_a_token_shows_whether_google_knows_the_client(
    answering: AnsweringServer, status: int, error: str, known: bool | None
) -> None:
    answering.token = Answer.of(status, {"error": error})
    check = check_client(settings_at(answering.url))
    assert (check.known, check.answer) == (known, error)


def test_an_answer_that_is_not_googles_shows_nothing_about_the_client(answering: AnsweringServer) -> None:
    answering.token = Answer(502, "<html>")
    assert check_client(settings_at(answering.url)).known is None
