"""Settings are read whole, or refused with every problem in one line."""

from pathlib import Path

import pytest

from shared_model.errors import PneumofedError
from shared_model.settings_file import FrozenSettings, check_settings, parse_settings, read_settings


class Inner(FrozenSettings):
    port: int


class Example(FrozenSettings):
    name: str
    inner: Inner


def refusal(content: bytes) -> str:
    with pytest.raises(PneumofedError) as error:
        parse_settings(content, Example, name="example.toml", code="example-invalid")
    assert error.value.code == "example-invalid" and "\n" not in str(error.value)
    return str(error.value)


def test_a_file_is_read_into_settings_that_do_not_change() -> None:
    found = parse_settings(b'name = "a"\n[inner]\nport = 1\n', Example, name="f", code="c")
    assert found == Example(name="a", inner=Inner(port=1))
    with pytest.raises(ValueError, match="frozen"):
        found.name = "b"
    assert check_settings({"name": "a", "inner": {"port": 1}}, Example, name="f", code="c") == found


def test_every_problem_is_named_with_its_place() -> None:
    words = refusal(b'[inner]\nport = "x"\nprot = 2\n')
    assert words.startswith("example.toml: ")
    assert all(place in words for place in ("`name` is missing", "`inner.port` is 'x'", "`prot` in `inner`"))


@pytest.mark.parametrize("content", [b"name = ", b"\xff"])
def test_what_is_not_toml_is_refused(content: bytes) -> None:
    assert "not TOML" in refusal(content)


def test_a_file_that_is_not_there_is_refused_as_its_reader_says(tmp_path: Path) -> None:
    missing = PneumofedError("example-missing", "no such file")
    for path in (tmp_path / "example.toml", tmp_path):
        with pytest.raises(PneumofedError) as error:
            read_settings(path, Example, missing=missing, code="example-invalid")
        assert error.value is missing
    (tmp_path / "example.toml").write_bytes(b'name = "a"\n[inner]\nport = 1\n')
    found = read_settings(tmp_path / "example.toml", Example, missing=missing, code="example-invalid")
    assert found == Example(name="a", inner=Inner(port=1))
