"""Google's errors as Temporal's: which of them an activity is repeated for, and for how long."""

from dataclasses import replace

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.errors import google_errors_as_application_errors, heartbeat_and_count
from slotsync.errors import Conflict, Exists, Gone, GoogleError, NotFound, Transient


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


@pytest.mark.parametrize("error", [Conflict, Exists, Gone, NotFound])
def test_what_google_may_go_on_to_refuse_is_left_to_the_workflow_after_few_attempts(error: type[GoogleError]) -> None:
    assert [is_retried(error, each) for each in (1, 2, 3, 4)] == [True, True, True, False]


def test_the_more_calls_an_attempt_takes_the_fewer_follow_it() -> None:
    assert [is_retried(Conflict, each, calls=8) for each in (1, 2)] == [True, False]


def test_a_calendar_that_goes_with_its_merchant_is_tried_for_as_long_as_calls_conflict() -> None:
    assert is_retried(Conflict, 100, patient=True)


def test_what_passes_by_itself_is_repeated_without_an_end() -> None:
    assert is_retried(Transient, 100, calls=30)
