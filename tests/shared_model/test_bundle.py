"""The one bundle that runs: no code in it, the same bytes everywhere, and taken by Flower."""

import io
import zipfile

import pytest
from flwr.common.config import get_fab_config, get_metadata_from_config

from shared_model.bundle import BUNDLE, BUNDLE_SHA256, SETTINGS, check_bundle
from shared_model.errors import PneumofedError
from shared_model.protocol import PROTOCOL

KNOWN = {1: "37d9a27719429d023ca9f3d8659d3a93b4260d5c782a88f98f93ca4757a61e16"}
"""Each protocol's bundle. Hospitals of that protocol refuse any other, so no line here ever changes."""


def test_the_bytes_change_with_the_protocol_alone():
    assert KNOWN[PROTOCOL] == BUNDLE_SHA256


def test_it_holds_no_code():
    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as bundle:
        assert bundle.namelist() == ["pyproject.toml", ".info/CONTENT"]


def test_flower_reads_it():
    config = get_fab_config(BUNDLE)
    assert get_metadata_from_config(config) == ("pneumofed/pneumofed", f"{PROTOCOL}.0.0")
    assert config["tool"]["flwr"]["app"]["config"] == {SETTINGS: ""}


@pytest.mark.parametrize(
    ("content", "sha256"),
    [(BUNDLE + b" ", BUNDLE_SHA256), (BUNDLE, "0" * 64), (b"", BUNDLE_SHA256), (BUNDLE, "")],
)
def test_other_bytes_or_another_hash_are_refused(content, sha256):
    check_bundle(BUNDLE, BUNDLE_SHA256)
    with pytest.raises(PneumofedError) as caught:
        check_bundle(content, sha256)
    assert caught.value.code == "bundle-refused"
