"""Of an error only its code may be told to others, and its type and line to the hospital's own log."""

import errno

import pytest

from client.error_redaction import code_of, place_of
from shared_model.errors import PneumofedError

SECRET = "/data/Doe^Jane"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PneumofedError("store-missing", SECRET), "store-missing"),
        (PneumofedError(SECRET, "a code that is none"), "internal-error"),
        (OSError(errno.ENOSPC, "No space left", SECRET), "disk-full"),
        (OSError(errno.EIO, "Input/output error", SECRET), "internal-error"),
        (KeyError(SECRET), "internal-error"),
        (KeyboardInterrupt(SECRET), "internal-error"),
    ],
)
def test_only_a_code_is_disclosed(error: BaseException, code: str) -> None:
    assert code_of(error) == code


def test_the_place_is_where_it_was_raised_and_not_what_it_says() -> None:
    def read() -> None:
        raise FileNotFoundError(2, "No such file", SECRET)

    try:
        read()
    except OSError as error:
        line = read.__code__.co_firstlineno + 1
        assert place_of(error) == f"FileNotFoundError in {__name__}, line {line}"
    assert place_of(ValueError(SECRET)) == "ValueError"
