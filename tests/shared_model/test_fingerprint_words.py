"""Words for a fingerprint: as many bits as it has, and the same everywhere."""

import pytest

from shared_model.fingerprint_words import WORDS, words_of
from tests.support.scripted_sites import named


def test_the_words_are_256_short_plain_ones() -> None:
    assert len(set(WORDS)) == len(WORDS) == 256
    assert all(word.isascii() and word.islower() and word.isalpha() and 2 <= len(word) <= 8 for word in WORDS)


def test_they_tell_the_fingerprint_and_nothing_else() -> None:
    """Back from the words, by another way than there: five bits a digit of Crockford's base 32."""
    fingerprint = named("lungs").fingerprint
    bits = "".join(f"{WORDS.index(word):08b}" for word in words_of(fingerprint).split())
    digits = ["0123456789abcdefghjkmnpqrstvwxyz"[int(bits[i : i + 5], 2)] for i in range(0, 80, 5)]
    assert "".join(digits) == fingerprint.replace("-", "")


def test_they_do_not_change_with_the_version() -> None:
    assert words_of("0000-0000-0000-0000") == " ".join(["acorn"] * 10)
    assert words_of("zzzz-zzzz-zzzz-zzzz") == " ".join([WORDS[-1]] * 10)


@pytest.mark.parametrize("text", ["", "0000", "0000-0000-0000-000u", "0000-0000-0000-00000"])
def test_another_text_has_no_words(text: str) -> None:
    with pytest.raises(ValueError):
        words_of(text)
