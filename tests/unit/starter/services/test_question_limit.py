"""A rush of questions about one product is refused beyond its limit, and takes no place from the others."""

from contextlib import ExitStack

import pytest

from slotsync.errors import TooManyQuestions
from starter.services.question_limit import QuestionLimit


def test_a_product_at_its_limit_is_refused_until_one_is_answered() -> None:
    limit = QuestionLimit(max_per_product=2, max_per_merchant=9)
    with ExitStack() as waiting:
        waiting.enter_context(limit.waiting("m", "tour"))
        with limit.waiting("m", "tour"):
            with pytest.raises(TooManyQuestions) as raised, limit.waiting("m", "tour"):
                pass
            assert raised.value.delay
            with limit.waiting("m", "boat"), limit.waiting("other", "tour"):
                pass
        with limit.waiting("m", "tour"):
            pass


def test_a_merchant_at_its_limit_is_refused_and_no_other_one() -> None:
    limit = QuestionLimit(max_per_product=2, max_per_merchant=3)
    with ExitStack() as waiting:
        for product in ("a", "b", "c"):
            waiting.enter_context(limit.waiting("m", product))
        with pytest.raises(TooManyQuestions), limit.waiting("m", "d"):
            pass
        with limit.waiting("other", "d"):
            pass
    with limit.waiting("m", "d"):
        pass


def test_a_question_that_fails_gives_its_place_back() -> None:
    limit = QuestionLimit(max_per_product=1, max_per_merchant=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), limit.waiting("m", "tour"):
            raise RuntimeError
