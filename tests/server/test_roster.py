"""Who takes part in a study, and who is left out and why."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server import events
from server.collect import Collector
from server.dispatch import RoundPolicy
from server.roster import Expected, Roster, build_roster, propose
from server.standing import Standing, Standings
from server.stop_flag import NOBODY_STOPS, StopFlag
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import PROTOCOL, SiteDescription
from tests.support.fake_sites import BOTH, FakeSite, study_of
from tests.support.local_rounds import INITIAL, STUDY, grid_of, run, sites_of


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


class Deciding(FakeSite):
    """Describes itself only after it was asked `refusals` times; until then it refuses with `code`."""

    def __init__(self, name: str, refusals: int, code: str = "study-not-approved", **settings: Any) -> None:
        super().__init__(name, STUDY, **settings)
        self.refusals, self.code, self.described = refusals, code, 0

    def describe(self) -> SiteDescription:
        self.described += 1
        if self.described <= self.refusals:
            raise PneumofedError(self.code, "not now")
        return super().describe()


FEDERATION = Expected(frozenset({"north", "south"}), frozenset({"far"}))
NEVER = 10**9


def gathered(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *sites: FakeSite,
    expected: Expected = FEDERATION,
    stop: StopFlag = NOBODY_STOPS,
    **policy: Any,
) -> tuple[Roster | str, list[events.Event]]:
    """The roster, or the code and words of the error; and the events."""
    monkeypatch.setattr("server.roster.ASK_AGAIN_S", 0.001)
    settings: dict[str, Any] = {"poll_s": 0, "retry_after_s": 60.0, "retries": 6, "deadline_s": 60.0}
    told: list[events.Event] = []
    grid = grid_of({site.name: site for site in sites})
    collector = Collector(grid, RoundPolicy(**settings | policy), Standings(tmp_path), told.append, stop)
    try:
        return build_roster(collector, Proposal.of(STUDY, INITIAL), expected), told
    except PneumofedError as error:
        return f"{error.code}: {error}", told


def waits(told: list[events.Event]) -> list[dict[str, str]]:
    """Whom the study waited for, each time that this changed."""
    reasons = [dict(e.reasons) for e in told if isinstance(e, events.HospitalsAwaited)]
    return [now for before, now in zip([None, *reasons], reasons, strict=False) if now != before]


def test_a_study_begins_when_the_last_hospital_has_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = Deciding("north", 2), Deciding("south", 4, "paused"), Deciding("far", 1, role="held-out")
    roster, told = gathered(tmp_path, monkeypatch, *sites, quorum=2)
    assert isinstance(roster, Roster) and set(roster.training) == {"north", "south"}
    assert set(roster.held_out) == {"far"} and not roster.left_out
    assert waits(told) == [
        {"far": "study-not-approved", "north": "study-not-approved", "south": "paused"},
        {"north": "study-not-approved", "south": "paused"},
        {"south": "paused"},
    ]
    assert [site.described for site in sites] == [3, 5, 2]  # nobody is asked who has answered


def test_after_the_deadline_it_begins_with_those_that_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = FakeSite("north", STUDY), Deciding("south", NEVER)
    roster, told = gathered(tmp_path, monkeypatch, *sites, quorum=1, deadline_s=0.5)
    assert isinstance(roster, Roster) and set(roster.training) == {"north"}
    assert {name: one.reason for name, one in roster.left_out.items()} == {
        "far": "not-connected",
        "south": "study-not-approved",
    }
    assert all(e.begins is not None for e in told if isinstance(e, events.HospitalsAwaited))


def test_those_that_are_needed_are_waited_for_beyond_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = FakeSite("north", STUDY), Deciding("south", 40), FakeSite("far", STUDY, role="held-out")
    for needed in ({"quorum": 2}, {"quorum": 1, "required": frozenset({"south"})}):
        sites[1].described = 0
        roster, told = gathered(tmp_path, monkeypatch, *sites, deadline_s=0.01, **needed)
        assert isinstance(roster, Roster) and set(roster.training) == {"north", "south"}
        assert all(e.begins is None for e in told if isinstance(e, events.HospitalsAwaited))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("study-declined", "(south: study-declined)"),
        ("study-withdrawn", "south: study-withdrawn"),
        ("protocol-is-1", f"protocol 1, the coordinator protocol {PROTOCOL}: upgrade the hospital"),
        ("store-fingerprint", f"{STUDY.preprocessing}: it installs the coordinator's version"),
    ],
)
def test_nothing_begins_without_a_hospital_that_is_needed_and_will_not_or_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    # far's refusal is not why the study cannot begin
    far = Deciding("far", NEVER, "study-withdrawn", role="held-out")
    sites = FakeSite("north", STUDY), Deciding("south", NEVER, code), far
    for needed, lack in (
        ({"quorum": 2}, "2 hospitals must train, 1 can"),
        ({"quorum": 1, "required": frozenset({"south"})}, "south must take part and cannot"),
    ):
        failed, _ = gathered(tmp_path, monkeypatch, *sites, **needed)
        assert isinstance(failed, str) and failed.startswith(f"too-few-hospitals: {lack}")
        assert words in failed and "far" not in failed


def test_a_quarantined_hospital_is_named_as_a_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Standings(tmp_path).put("south", Standing(quarantined="update-shape"))
    sites = FakeSite("north", STUDY), FakeSite("south", STUDY), FakeSite("far", STUDY, role="held-out")
    failed, _ = gathered(tmp_path, monkeypatch, *sites, quorum=2)
    words = "too-few-hospitals: 2 hospitals must train, 1 can (south: quarantined); "
    assert isinstance(failed, str) and failed.startswith(words)


def test_a_hospital_of_another_role_than_the_federations_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A held-out hospital that trained would measure a model that it knows."""
    sites = FakeSite("north", STUDY), FakeSite("south", STUDY, role="held-out"), FakeSite("far", STUDY)
    roster, _ = gathered(tmp_path, monkeypatch, *sites, quorum=1)
    assert isinstance(roster, Roster) and set(roster.descriptions) == {"north"}
    assert {name: one.reason for name, one in roster.left_out.items()} == {
        "south": "role-mismatch",
        "far": "role-mismatch",
    }
    assert "federation.toml" in str(roster.left_out["far"].detail)


def test_people_can_end_a_study_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = StopFlag(tmp_path / "stop")
    flag.raise_flag()
    failed, _ = gathered(tmp_path, monkeypatch, Deciding("north", NEVER), stop=flag)
    assert isinstance(failed, str) and failed.startswith("study-stopped")


def test_a_proposal_asks_each_hospital_once_and_says_who_is_to_decide(tmp_path: Path) -> None:
    north = Deciding("north", NEVER)
    sites = {"north": north, "south": FakeSite("south", STUDY)}
    told: list[events.Event] = []
    collector = Collector(grid_of(sites), RoundPolicy(poll_s=0), Standings(tmp_path), told.append)
    propose(collector, Proposal.of(STUDY, INITIAL), FEDERATION)
    assert waits(told) == [{"far": "not-connected", "north": "study-not-approved"}]
    assert north.described == 1


def test_what_a_node_tells_of_its_versions_is_passed_on_with_its_trainers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(FakeSite):
        def describe(self) -> SiteDescription:
            return replace(super().describe(), versions={"trainer": "0.2.0"})

    monkeypatch.setattr("server.messages.read_node_versions", lambda message: {"flwr": "1.42.0"})
    _, told = gathered(tmp_path, monkeypatch, Told("north", STUDY), expected=Expected(frozenset({"north"})))
    assert events.HospitalDescribed("north", {"flwr": "1.42.0", "trainer": "0.2.0"}) in told
