"""What a finished study measures again: nothing; and what a partial result holds."""

from pathlib import Path
from typing import Any

import pytest

from server.ledger import Ledger, read_result
from server.measurement import finished_study
from server.study_result import StudyResult
from shared_model.errors import PneumofedError
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.weights import Weights, fingerprint
from tests.support.local_rounds import INITIAL, STUDY, grid_of, run, sites_of


def test_a_finished_study_asks_nobody_and_gives_the_same_result(tmp_path: Path) -> None:
    first = run(tmp_path)
    sites = sites_of()
    again = run(tmp_path, grid_of(sites))
    assert not any(site.asked for site in sites.values())
    assert fingerprint(again.weights) == fingerprint(first.weights) == again.weights_sha256
    assert again.model_dump() == first.model_dump()


def test_a_finished_study_needs_no_hospital(tmp_path: Path) -> None:
    run(tmp_path)
    assert run(tmp_path, grid_of({})).is_whole


def test_a_hospital_that_was_away_in_the_end_is_measured_alone(tmp_path: Path) -> None:
    sites = sites_of()
    whole = run(tmp_path / "whole")

    def gone(weights: Weights, **asked: Any) -> SiteEvaluation:
        if asked["split"] in ("test", "all"):
            raise PneumofedError("store-damaged", "for this test")
        return kept(weights, **asked)

    kept = sites["south"].evaluate
    sites["south"].evaluate = gone  # type: ignore[method-assign]
    lacking = run(tmp_path / "a", grid_of(sites))
    assert "south" not in lacking.evaluations and not lacking.is_whole and not lacking.is_partial
    others = sites_of()
    del others["east"]  # measured, and not connected now
    again = run(tmp_path / "a", grid_of(others))
    assert [site.name for site in others.values() if site.asked] == ["south"]
    assert others["south"].asked == [("evaluate", "test", ("diseased", "covid"))]
    assert again.is_whole and [h.name for h in again.hospitals] == [h.name for h in whole.hospitals]
    figures = {name: one.to_json() for name, one in again.evaluations.items()}
    assert figures == {name: one.to_json() for name, one in whole.evaluations.items()}
    assert again.operating_point == whole.operating_point and again.left_out == {}


def test_after_every_round_the_ledger_holds_a_partial_result(tmp_path: Path) -> None:
    seen: list[StudyResult] = []

    def look(event: object) -> None:
        if type(event).__name__ == "RoundFinished":
            found = read_result(tmp_path)
            assert found is not None
            seen.append(found)

    whole = run(tmp_path, on_event=look)
    assert [len(one.rounds) for one in seen] == [1, 2, 3, 4, 5]
    assert all(one.is_partial and not one.evaluations and not one.final_replies for one in seen)
    assert seen[0].best_rounds == {"lobes/diseased": 1, "lobes/covid": 1}
    assert seen[2].validation.to_json() == whole.rounds[2].validation.to_json()  # type: ignore[union-attr]
    assert seen[-1].best_rounds == whole.best_rounds and seen[-1].hospitals == whole.hospitals
    assert whole.started is not None and whole.ended is not None and whole.started <= whole.ended


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    whole = run(tmp_path)
    read = read_result(tmp_path)
    assert read is not None and read.model_dump() == whole.model_dump()
    assert read_result(tmp_path / "nothing") is None


def test_a_finished_study_is_not_taken_for_one_with_another_sentence(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(PneumofedError) as caught:
        finished_study(Ledger(tmp_path, STUDY, INITIAL), "Other scans.")
    assert caught.value.code == "study-finished"


def test_a_result_of_other_rounds_is_damage(tmp_path: Path) -> None:
    run(tmp_path)
    path = tmp_path / "result.json"
    whole = path.read_text()
    path.write_text(whole.replace(run(tmp_path).weights_sha256, "0" * 64))
    for text in (path.read_text(), whole[: len(whole) // 2], "[]"):
        path.write_text(text)
        with pytest.raises(PneumofedError) as caught:
            run(tmp_path)
        assert caught.value.code == "ledger-damaged"
