"""What names a question and a log's head, and what does not."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_model.envelope import Envelope, LogHead, question_of
from shared_model.protocol import EvaluateRequest, TrainRequest

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("number", "digest"),
    [
        (0, DIGEST),
        (-1, DIGEST),
        (2**53, DIGEST),
        (True, DIGEST),
        (1.0, DIGEST),
        (1, DIGEST[1:]),
        (1, DIGEST.upper()),
        (1, DIGEST + "\n"),
    ],
)
def test_a_head_that_cannot_be_is_refused(number: Any, digest: str) -> None:
    assert LogHead(1, DIGEST).number == 1
    with pytest.raises(ValueError):
        LogHead(number, digest)


@pytest.mark.parametrize("question", ["", "x" * 64, None, DIGEST + "0"])
def test_an_envelope_names_its_question_by_a_digest(question: Any) -> None:
    with pytest.raises(ValueError):
        Envelope(question)


REQUESTS = (
    st.none()
    | st.builds(TrainRequest, st.integers(0, 3), st.integers(1, 3))
    | st.builds(
        EvaluateRequest,
        st.sampled_from(("validation", "test", "all")),
        st.just(("diseased", "covid")),
        st.none() | st.fixed_dictionaries({task: st.floats(0.1, 0.9) for task in ("diseased", "covid")}),
    )
)
QUESTIONS = st.tuples(st.sampled_from(("a", "b")), REQUESTS, st.sampled_from(("", "w")))


@given(QUESTIONS, QUESTIONS)
def test_two_questions_have_one_name_only_if_they_are_the_same(one: Any, other: Any) -> None:
    name = question_of(*one)
    assert re.fullmatch("[0-9a-f]{64}", name)
    assert (name == question_of(*other)) == (one == other)
