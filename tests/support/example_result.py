"""A synthetic StudyResult with all failures that a report can show."""

import io

import matplotlib.image
import numpy as np
from numpy.typing import NDArray

from server.report.page import Example
from server.study_result import Hospital, HospitalOutcome, RoundRecord, StudyResult
from shared_model.constants import LABELS, NEGATIVE, POSITIVE, TASKS, Task
from shared_model.metrics.call_table import CallTable
from shared_model.metrics.score_histogram import ScoreHistogram, called_positive
from shared_model.metrics.site_evaluation import Histograms, SiteEvaluation, no_histograms
from shared_model.saved_model import OperatingPoint
from shared_model.scan_decision import called_label
from shared_model.study import StudyConfig

# name, role, counts (healthy, covid, other); None is kept back by the hospital; one with a 0 tells all.
SITES: tuple[tuple[str, str, tuple[int | None, int | None, int | None]], ...] = (
    ("amber", "training", (40, 62, 38)),
    ("birch", "training", (None, 110, 24)),
    ("cedar", "training", (96, 0, 0)),
    ("dune & <b>sons</b>", "training", (30, 36, 51)),
    ("elm", "held-out", (40, 44, 36)),
    ("fjord", "held-out", (0, 52, 0)),
    ("glen", "held-out", (28, 30, 22)),
    ("holm", "held-out", (20, 25, 18)),
)
SEPARATION: dict[Task, float] = {"diseased": 3.6, "covid": 2.4}
POINTS: dict[Task, float] = {"diseased": 0.44, "covid": 0.53}


def study() -> StudyConfig:
    stage = {"rounds": 6, "learning_rate": 1e-3, "validate_every": 2}
    return StudyConfig.model_validate({
        "name": "Made-up study", "seed": 7, "preprocessing": "a1b2c3d4",
        "network": {"width": 0.125, "init": "random", "pooling": "mean"}, "operating_point": "validation",
        "subgroups": "slice-thickness",
        "stages": [
            {"name": "lobes", "networks": ["diseased", "covid"], **stage},
            {"name": "fine infection", "networks": ["diseased"], "part": "fine", **stage, "rounds": 2,
             "patches": "lobe", "augmentation": {"breath": 0.25}},
        ],
    })  # fmt: skip


def evaluation(counts: dict[str, int | None], share: float, rng: np.random.Generator) -> SiteEvaluation:
    """Normal scores, positives `SEPARATION` above negatives; a label without a known count is left out.

    One patient in ten has a second scan. A third of a label's scans are thin, if they are many.
    """
    histograms, calls = no_histograms(), CallTable()
    subgroups: dict[str, Histograms] = {}
    for label in LABELS:
        scans = round(share * (counts[label] or 0))
        if scans:
            logits = {task: rng.normal(_centre(task, label), 1.6, scans) for task in TASKS}
            for task in TASKS:
                if label in POSITIVE[task] + NEGATIVE[task]:
                    histograms[task][label] = ScoreHistogram.of(logits[task], scans - scans // 11)
                    for part, own in parts_of(logits[task]).items():
                        scores = ScoreHistogram.of(own, len(own) - (part == "thick") * (scans // 11))
                        subgroups.setdefault(part, no_histograms())[task][label] = scores
            positive = {task: called_positive(logits[task], POINTS[task]) for task in TASKS}
            verdicts = map(called_label, positive["diseased"], positive["covid"])
            calls = calls.merge(CallTable.of(label, verdicts))
    return SiteEvaluation(histograms, calls, subgroups)


def parts_of(logits: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The scores [scan] of a label by the part that they are told under."""
    thin = len(logits) // 3
    if len(logits) < 20:
        return {}
    return {"thin": logits[:thin], "thick": logits[thin:]} if thin >= 10 else {"thick": logits}


def _centre(task: Task, label: str) -> float:
    return SEPARATION[task] / 2 * (1 if label in POSITIVE[task] else -1)


def result() -> StudyResult:
    """Eight hospitals, one silent in the end, one that drops out of a round, one of one class only."""
    rng = np.random.default_rng(3)
    hospitals = tuple(
        Hospital(name, role, dict(zip(LABELS, counts, strict=True)), 1 if 0 in counts else 10)  # type: ignore[arg-type]
        for name, role, counts in SITES
    )
    evaluations = {
        h.name: evaluation(h.counts, 0.25 if h.role == "training" else 1.0, rng)
        for h in hospitals
        if h.name != "birch"
    }
    asked = {"requests": 1, "bytes_down": 6_100_000}
    replies = {
        h.name: HospitalOutcome(status="returned", seconds=3.0, **asked, bytes_up=4_000) for h in hospitals
    }
    replies["birch"] = HospitalOutcome(status="failed", reason="out-of-memory", seconds=1.5, **asked)
    validation = evaluations["amber"].merge(evaluations["dune & <b>sons</b>"])
    return StudyResult(
        study=study(),
        hospitals=hospitals,
        rounds=tuple(_round(stage, number, validation) for stage, number in _numbers()),
        best_rounds={"lobes/diseased": 4, "lobes/covid": 6, "fine infection/diseased": 2},
        validation=validation,
        operating_point=OperatingPoint(**POINTS),
        evaluations=evaluations,
        final_replies=replies,
        left_out={"heath": HospitalOutcome(status="refused", reason="store-fingerprint")},
        notices={"cedar": ("log-went-back",)},
        weights_sha256="ab" * 32,
        trained_on="Trained on phantoms only: computed images of no patient.",
        command="pneumofed demo --out demo-out",
        software={"pneumofed": "0.1", "flwr": "1.42.0", "protocol": "1"},
        ended=1_760_003_600.0,
    )


def _numbers() -> list[tuple[int, int]]:
    return [(stage, r) for stage, config in enumerate(study().stages) for r in range(1, config.rounds + 1)]


def _round(stage: int, number: int, validation: SiteEvaluation) -> RoundRecord:
    validated = number % 2 == 0
    progress = 1 - np.exp(-(number + 6 * stage) / 2.5)
    networks = study().stages[stage].networks
    train = {
        name: HospitalOutcome(
            status="returned", seconds=20.0, scans={n: (counts[1] or 0) + 1 for n in networks},
            loss={n: 1.3 - 0.8 * progress + 0.1 * (n == "covid") + 0.02 * len(name) for n in networks},
            requests=1, bytes_down=6_100_000, bytes_up=6_000_000,
        )
        for name, role, counts in SITES if role == "training"
    }  # fmt: skip
    if number == 3:
        train["cedar"] = HospitalOutcome(
            status="late", reason="deadline", seconds=600.0, requests=3, bytes_down=18_300_000
        )
    if number == 5:
        train["amber"] = train["amber"].model_copy(update={"requests": 2, "bytes_down": 12_200_000})
    return RoundRecord(
        stage=stage, round=number, train=train, validation=validation if validated else None,
        accuracy={n: 0.55 + 0.36 * progress - 0.06 * (n == "covid") for n in TASKS} if validated else {},
        within_auc={n: 0.5 + 0.44 * progress - 0.05 * (n == "covid") for n in TASKS} if validated else {},
        weights_sha256="0" * 64, seconds=21.5,
        ended=1_760_000_000.0 + 30 * (number + 6 * stage),
    )  # fmt: skip


def examples() -> list[Example]:
    """Three scans; the pictures are two grey discs with a bright patch."""
    return [
        Example("Heavy COVID-19", "covid", "COVID-19 (diseased 0.99, COVID-19 0.93)", picture(3), 38.2, 41.0),
        Example("One-sided pneumonia", "other", "other pneumonia (0.97, 0.12)", picture(1), 9.1, 7.4),
        Example("Healthy <i>lungs</i>", "healthy", "healthy (diseased 0.04)", picture(0), 0.3, 0.0),
    ]


def picture(patches: int) -> bytes:
    rows, columns = np.mgrid[:300, :600]
    image = np.full((300, 600, 3), 40, np.uint8)
    for centre in (190, 410):
        image[((rows - 150) / 110) ** 2 + ((columns - centre) / 80) ** 2 < 1] = 12
    for patch in range(patches):
        image[180:220, 150 + 120 * patch : 190 + 120 * patch] = (200, 60, 50)
    file = io.BytesIO()
    matplotlib.image.imsave(file, image, format="png")
    return file.getvalue()
