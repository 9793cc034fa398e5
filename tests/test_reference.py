"""docs/reference/ is what the code says: `make reference` makes it."""

import re

import pytest

from docs.generate_reference import FOLDER, pages

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_in_step_with_the_code(name):
    assert (FOLDER / name).read_text() == PAGES[name], "run `make reference` and look at what changed"


def test_there_is_no_other_page():
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def test_every_command_has_a_sentence_and_every_parameter_too():
    for section in PAGES["commands.md"].split("\n## ")[1:]:
        assert section.splitlines()[2].strip(), section
    assert re.findall(r"^- `[^`]+`:\s*$", PAGES["commands.md"], re.MULTILINE) == []


def test_every_setting_is_described():
    for name in ("federation-toml.md", "hospital-toml.md", "pacs-toml.md", "study-toml.md"):
        assert re.findall(r"^- `[^`]+` \([^)]*\):\s*$", PAGES[name], re.MULTILINE) == []


@pytest.mark.parametrize(
    "code", ["study-not-approved", "ca-key-offline", "labels-missing", "federation-invalid", "not-hounsfield"]
)
def test_codes_are_listed_with_their_remedies(code):
    assert re.search(rf"^- `{code}`: .{{20,}}", PAGES["errors.md"], re.MULTILINE)
