"""The coordinator's metrics, read by prometheus-client's own parser, equal ledger and status."""

from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from deploy.coordinator.metrics import coordinator_metrics
from deploy.coordinator.settings import load_federation
from deploy.coordinator.status import state_with
from deploy.openmetrics import openmetrics
from server import events
from tests.support.watched_study import WatchedStudy


def samples(study: WatchedStudy, nodes: dict[str, str] | None) -> dict[tuple[str, ...], float]:
    document = state_with(load_federation(study.file), nodes)
    families = text_string_to_metric_families(openmetrics(coordinator_metrics(document)))
    labels = ("study", "fingerprint", "hospital", "status")
    return {
        (one.name, *(one.labels[label] for label in labels if label in one.labels)): one.value
        for family in families
        for one in family.samples
    }


def test_rounds_replies_and_connections(tmp_path: Path) -> None:
    study = WatchedStudy(tmp_path)
    with study.running():
        for _ in range(3):
            study.step()
        study.tell(events.HospitalDescribed("north", {"certificate-until": "2020-01-01"}))
        found = samples(study, {"north": "online", "south": "offline"})
        name = (study.status.status.study, study.status.status.fingerprint or "")
        assert found["pneumofed_serving",] == 1
        assert found["pneumofed_hospital_online", "north"] == 1
        assert found["pneumofed_hospital_online", "south"] == found["pneumofed_hospital_online", "east"] == 0
        assert found["pneumofed_hospital_certificate_days", "north"] < -365
        assert ("pneumofed_hospital_certificate_days", "south") not in found
        assert found["pneumofed_study_running", *name] == 1
        assert found["pneumofed_study_rounds_total", *name] == len(study.rounds) == 3
        assert found["pneumofed_study_rounds_planned", *name] == 5
        seconds = sum(record.seconds for record in study.rounds)
        assert found["pneumofed_study_round_seconds_total", *name] == seconds
        replies = {
            key[3:]: value for key, value in found.items() if key[0] == "pneumofed_study_replies_total"
        }
        assert replies == {
            (hospital, "returned"): 3 + sum(hospital in record.validate_replies for record in study.rounds)
            for hospital in ("east", "north", "south")
        }
    ended = samples(study, None)
    assert ended["pneumofed_serving",] == ended["pneumofed_study_running", *name] == 0


def test_a_name_cannot_break_the_text(tmp_path: Path) -> None:
    study = WatchedStudy(tmp_path)
    hostile = 'a"} 1\npneumofed_serving 7\n'
    study.status._update(study=hostile)
    found = samples(study, {})
    assert found["pneumofed_serving",] == 1
    assert any(hostile in key for key in found)
