import pytest

from server.feasibility import check_feasible
from shared_model.constants import TASKS
from shared_model.errors import PneumofedError
from shared_model.protocol import SPLITS, Role, SiteDescription
from shared_model.scan_figures import FIGURES
from shared_model.strategy import TrimmedMeanConfig
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from tests.support.fake_sites import study_of

FLOOR = 5
LEAST = 2 * len(FIGURES["infection-map"])
TWO_CLASS = study_of(
    StageConfig(name="decisions", networks=TASKS, part="decision", say="two-class", rounds=1)
)
PATCHES = study_of(
    StageConfig(name="patches", networks=("diseased",), part="patches", say="two-class", rounds=1)
)
SCAN = StudyConfig(
    name="test",
    preprocessing="p1",
    network=NetworkConfig(width=0.25, init="random", scan_figures="infection-map"),
    stages=(StageConfig(name="scans", networks=TASKS, part="scan", rounds=1),),
)


def site(
    healthy: int | None = None, covid: int | None = None, other: int | None = None, role: Role = "training"
) -> SiteDescription:
    counts = {"healthy": healthy, "covid": covid, "other": other}
    return SiteDescription(role, "s", "p1", FLOOR, dict.fromkeys(SPLITS[role], counts))


@pytest.mark.parametrize(
    ("study", "sites", "missing"),
    [
        (TWO_CLASS, [site(9, 9, 9)], None),
        (TWO_CLASS, [site(9, 9), site(None, 9, 9)], None),
        (TWO_CLASS, [site(9, 9), site(None, None, 9)], "covid"),
        (TWO_CLASS, [site(9), site(None, 9, 9)], "diseased"),
        (TWO_CLASS, [site(None, 12, 12)], "diseased"),
        (TWO_CLASS, [site(None, 9, 9), site(9, 9, 9, role="held-out")], "diseased"),
        (PATCHES, [site(9), site(None, 9)], None),
        (SCAN, [site(LEAST), site(None, LEAST), site(None, None, LEAST)], None),
        (SCAN, [site(LEAST), site(None, LEAST)], "covid"),
        (SCAN, [site(LEAST - 1, LEAST, LEAST), site(LEAST - 1)], "diseased"),
        (SCAN, [site(None, LEAST, LEAST)], "diseased"),
    ],
)
def test_a_decision_that_nobody_can_have_a_say_in_is_refused(
    study: StudyConfig, sites: list[SiteDescription], missing: str | None
) -> None:
    descriptions = {f"h{number}": found for number, found in enumerate(sites)}
    if missing is None:
        check_feasible(study, descriptions)
        return
    with pytest.raises(PneumofedError) as refused:
        check_feasible(study, descriptions)
    assert refused.value.code == "nobody-trained" and missing in str(refused.value)


def test_a_guard_without_the_hospitals_that_it_needs_is_refused() -> None:
    stage = StageConfig(name="lobes", networks=TASKS, rounds=1)
    study = study_of(stage, guard=TrimmedMeanConfig(name="trimmed-mean", trim=2))
    sites = {str(i): site(20, 20, 20) for i in range(5)}
    check_feasible(study, sites)
    with pytest.raises(
        PneumofedError, match="'trimmed-mean' needs 5 hospitals that train, there are 4"
    ) as no:
        check_feasible(study, sites | {"4": site(20, 20, 20, role="held-out")})
    assert no.value.code == "too-few-hospitals"
