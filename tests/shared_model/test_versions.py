"""Versions are short words with known names, and nothing else."""

import tomllib

import pytest

from shared_model.versions import are_versions, package_version
from tests.support.processes import ROOT


def test_the_package_s_version_is_the_project_s():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert package_version() == project["version"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, True),
        ({"node": "0.1.0.dev3+g12", "kit": "1", "certificate-until": "2027-11-30"}, True),
        ({"patient": "1"}, False),
        ({"node": "Doe^Jane"}, False),
        ({"node": "1" * 41}, False),
        ({"node": ""}, False),
        ({"node": 1}, False),
        ([], False),
        (None, False),
    ],
)
def test_only_short_words_with_known_names_are_versions(value, expected):
    assert are_versions(value) is expected
