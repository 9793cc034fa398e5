"""A coordinator that announces one bundle and sends another, or sends code."""

import hashlib
from dataclasses import replace

import pytest
from flwr.supercore.fab import Fab
from flwr.supercore.run import Run

from client.node.bundle_check import BundleCheck
from shared_model.bundle import BUNDLE, BUNDLE_SHA256
from shared_model.errors import PneumofedError

RUN_ID = 7
OTHER = b"PK another bundle"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Asked:
    """A coordinator that is asked about a run, and what was recorded."""

    def __init__(self, announced: str, sent: bytes, named: str) -> None:
        self.fabs, self.recorded = 0, 0
        self.announced, self.sent, self.named = announced, sent, named
        self.bundles = BundleCheck(self.run, self.fab, self.record)

    def run(self, run_id: int) -> Run:
        return replace(Run.create_empty(run_id), fab_hash=self.announced)

    def fab(self, announced: str, run_id: int) -> Fab:
        assert (announced, run_id) == (self.announced, RUN_ID)
        self.fabs += 1
        return Fab(self.named, self.sent, {})

    def record(self) -> None:
        self.recorded += 1


@pytest.mark.parametrize("named", [BUNDLE_SHA256, "", "0" * 64])
def test_the_installed_bundle_is_taken_whatever_the_coordinator_calls_it(named):
    asked = Asked(BUNDLE_SHA256, BUNDLE, named)
    for _ in range(2):
        asked.bundles.check(RUN_ID)
    assert (asked.fabs, asked.recorded) == (1, 0)


@pytest.mark.parametrize(
    ("announced", "sent"),
    [(BUNDLE_SHA256, OTHER), (sha256(OTHER), OTHER), (sha256(OTHER), BUNDLE), ("", BUNDLE)],
)
def test_another_bundle_is_refused_and_recorded_each_time(announced, sent):
    asked = Asked(announced, sent, announced)
    for times in (1, 2):
        with pytest.raises(PneumofedError) as refused:
            asked.bundles.check(RUN_ID)
        assert refused.value.code == "bundle-refused" and asked.recorded == times
