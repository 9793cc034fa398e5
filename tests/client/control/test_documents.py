"""Documents of the control socket: what has another form is refused."""

import pytest

from client.control.documents import LONGEST_DOCUMENT, Records, Row, parsed
from shared_model.errors import PneumofedError

GOOD = Records(rows=(Row(number=1, time="t", event="e", facts={"a": [1, None, {"b": 2.5}]}),), lines=("x",))


def test_a_document_comes_back_as_it_was() -> None:
    assert parsed(Records, GOOD.model_dump_json()) == GOOD


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"rows": [], "lines": [], "more": 1}', '{"rows": [], "lines": ["' + "x" * 3000 + '"]}',
     '{"rows": [], "lines": []}' + " " * LONGEST_DOCUMENT],
    ids=["empty", "list", "nothing", "more", "long line", "long"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(PneumofedError) as refused:
        parsed(Records, text)
    assert refused.value.code == "control-unreadable"
