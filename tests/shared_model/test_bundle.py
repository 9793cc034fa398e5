"""The one bundle that runs: no code in it, the same bytes everywhere, and taken by Flower."""

import hashlib
import io
import zipfile

import pytest
from flwr.common.config import get_fab_config, get_metadata_from_config

from shared_model import bundle
from shared_model.bundle import BUNDLE, BUNDLE_SHA256, SETTINGS, check_bundle
from shared_model.errors import PneumofedError
from shared_model.protocol import PROTOCOL, is_code

KNOWN = {
    1: "37d9a27719429d023ca9f3d8659d3a93b4260d5c782a88f98f93ca4757a61e16",
    2: "bb43ec5c4601c5f84618955fe405b1c57bedaff017c2fc25a0081beea8389f36",
    3: "f59e8403063604e60bd492b8c0962ffe9fb8ab541a79e434f8d92376192225c2",
}
"""Each protocol's bundle. Hospitals of that protocol refuse any other, so no line here ever changes."""


def test_the_bytes_change_with_the_protocol_alone():
    assert KNOWN[PROTOCOL] == BUNDLE_SHA256


def test_it_holds_no_code():
    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as content:
        assert content.namelist() == ["pyproject.toml", ".info/CONTENT"]


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


def test_the_bundle_of_another_protocol_is_refused_by_a_code_that_names_ours():
    earlier = bundle._bundle(1)
    assert hashlib.sha256(earlier).hexdigest() == KNOWN[1]
    with pytest.raises(PneumofedError) as caught:
        check_bundle(earlier, KNOWN[1])
    assert caught.value.code == f"protocol-is-{PROTOCOL}" and is_code(caught.value.code)
    assert f"hospital speaks protocol {PROTOCOL}, the coordinator protocol 1" in str(caught.value)
    assert "upgrade the coordinator" in str(caught.value)
