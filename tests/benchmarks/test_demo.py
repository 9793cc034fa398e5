"""benchmarks/demo.py: the figures are those of the held-out hospitals."""

from benchmarks.demo import areas


def test_areas_are_those_of_unseen_hospitals_with_their_intervals() -> None:
    area = {"value": 0.9, "low": 0.8, "high": 0.95, "k": None, "n": 60}
    document = {
        "pooled": {
            "seen": {task: {"auc": None, "within_auc": None} for task in ("diseased", "covid")},
            "unseen": {
                "diseased": {"auc": area, "within_auc": area | {"value": 0.85}},
                "covid": {"auc": area, "within_auc": None},
            },
        }
    }
    assert areas(document) == {
        "within_auc_diseased": 0.85, "within_auc_diseased_low": 0.8, "within_auc_diseased_high": 0.95,
        "within_auc_covid": None, "within_auc_covid_low": None, "within_auc_covid_high": None,
        "auc_diseased": 0.9, "auc_diseased_low": 0.8, "auc_diseased_high": 0.95,
        "auc_covid": 0.9, "auc_covid_low": 0.8, "auc_covid_high": 0.95,
    }  # fmt: skip
