"""Who takes part in a study, and who is left out and why."""

from pathlib import Path

import pytest

from shared_model.errors import PneumofedError
from tests.support.fake_sites import BOTH, FakeSite, study_of
from tests.support.local_rounds import STUDY, grid_of, run, sites_of


def test_a_hospital_of_another_study_is_left_out_with_its_reason(tmp_path: Path) -> None:
    sites = sites_of()
    sites["east"] = FakeSite("east", study_of(BOTH, seed=5))
    result = run(tmp_path, grid_of(sites))
    assert {name: reply.reason for name, reply in result.left_out.items()} == {"east": "study-mismatch"}
    assert "east" not in {h.name for h in result.hospitals} and not sites["east"].asked


def test_without_a_hospital_that_trains_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(PneumofedError) as error:
        run(tmp_path, grid_of({"far": FakeSite("far", STUDY, role="held-out")}))
    assert error.value.code == "no-hospitals"
