"""One call to Google."""

from typing import Protocol, TypeVar

from slotsync.errors import Transient
from slotsync.google.errors import FAILURES, classify

Answer_co = TypeVar("Answer_co", covariant=True)


class Call(Protocol[Answer_co]):
    """A request of the Google client that was not sent yet."""

    def execute(self, http: None = None, num_retries: int = 0) -> Answer_co:
        """Google's answer."""
        ...


def ask(call: Call[Answer_co]) -> Answer_co:
    """Google's answer, or a ``GoogleError``. Sent once: whoever asked decides about another time."""
    answer = _send(call)
    if isinstance(answer, dict):
        return answer
    # Google's client hands over what it cannot read as a string, with whatever status of success it came.
    raise Transient("Google's answer cannot be read; it is tried again", reason="unreadable")


def order(call: Call[object]) -> None:
    """Done, for a call that Google answers with nothing; or a ``GoogleError``."""
    _send(call)


def _send(call: Call[Answer_co]) -> Answer_co:
    try:
        return call.execute(num_retries=0)
    except FAILURES as error:
        # Not chained: the client's own message holds the URL, with the ids of the calendar and the event in it.
        raise classify(error) from None
