"""Every refusal has a sentence with a remedy."""

import pytest

from client.reading_room.upload_refusals import UPLOAD_REFUSALS, upload_refused


@pytest.mark.parametrize("code", UPLOAD_REFUSALS)
def test_a_refusal_says_what_and_what_to_do(code: str) -> None:
    error = upload_refused(code)
    assert error.code == code and len(str(error).split("; ")) >= 2
