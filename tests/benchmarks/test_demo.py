"""benchmarks/demo.py: the figures are those of the held-out hospitals."""

from benchmarks.demo import areas


def test_areas_are_those_of_unseen_hospitals_with_their_intervals() -> None:
    area = {"value": 0.9, "low": 0.8, "high": 0.95, "k": None, "n": 60}
    document = {
        "pooled": {
            "seen": {"diseased": {"auc": None}, "covid": {"auc": area}},
            "unseen": {"diseased": {"auc": area}, "covid": {"auc": None}},
        }
    }
    assert areas(document) == {
        "auc_diseased": 0.9, "auc_diseased_low": 0.8, "auc_diseased_high": 0.95,
        "auc_covid": None, "auc_covid_low": None, "auc_covid_high": None,
    }  # fmt: skip
