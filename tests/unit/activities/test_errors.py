"""Google's errors as Temporal's: which of them an activity is repeated for, and for how long."""

from dataclasses import replace

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.errors import google_errors_as_application_errors, heartbeat_and_count
from slotsync import errors
from slotsync.domain.retry_delays import REFUSALS
from slotsync.errors import Conflict, GoogleError, Transient


def is_retried(error: type[GoogleError], attempt: int, *, calls: int = 1, patient: bool = False) -> bool:
    """Return whether Temporal repeats an activity after this attempt, which made so many calls."""

    def call_google() -> None:
        with google_errors_as_application_errors(patient=patient):
            for _ in range(calls):
                heartbeat_and_count()
            raise error("refused", reason="any")

    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    with pytest.raises(ApplicationError) as raised:
        environment.run(call_google)
    return not raised.value.non_retryable


@pytest.mark.parametrize("error", [getattr(errors, name) for name in REFUSALS])
def test_what_google_may_go_on_to_refuse_is_left_to_the_workflow_after_few_attempts(error: type[GoogleError]) -> None:
    assert [is_retried(error, each) for each in (1, 2, 3, 4)] == [True, True, True, False]


def test_no_other_error_is_repeated_a_few_times() -> None:
    others = {each for each in GoogleError.__subclasses__() if each.__name__ not in REFUSALS}
    assert len(others) == len(GoogleError.__subclasses__()) - len(REFUSALS)
    assert {each for each in others if is_retried(each, 1) != is_retried(each, 4)} == set()


def test_the_more_calls_an_attempt_takes_the_fewer_follow_it() -> None:
    assert [is_retried(Conflict, each, calls=8) for each in (1, 2)] == [True, False]


def test_a_calendar_that_goes_with_its_merchant_is_tried_for_as_long_as_calls_conflict() -> None:
    assert is_retried(Conflict, 100, patient=True)


def test_what_passes_by_itself_is_repeated_without_an_end() -> None:
    assert is_retried(Transient, 100, calls=30)
