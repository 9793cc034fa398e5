"""A hospital's metrics, read by prometheus-client's own parser."""

from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from client.hospital_settings import HospitalSettings, load_hospital_settings
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from deploy.hospital_metrics import hospital_metrics
from deploy.openmetrics import openmetrics


@pytest.fixture
def hospital(tmp_path: Path) -> HospitalSettings:
    path = tmp_path / "hospital.toml"
    path.write_text('name = "north"\n[coordinator]\naddress = "localhost:9"\n')
    hospital = load_hospital_settings(path)
    hospital.state.mkdir()
    return hospital


def samples(hospital: HospitalSettings) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(openmetrics(hospital_metrics(hospital)))
    return {
        (one.name, *(one.labels[name] for name in sorted(one.labels))): one.value
        for family in families
        for one in family.samples
    }


def test_what_the_audit_log_counts(hospital: HospitalSettings) -> None:
    audit = AuditLog(hospital.state)
    for size in (100, 200):
        audit.write("returned", study="s", task="train", bytes=size)
    audit.write("returned", study="s", task="evaluate", bytes=7)
    audit.write("failed", study="s", task="train", code="out-of-memory")
    audit.write("refused", task="train", code="study-not-approved", study="s", unwritten_before=5)
    audit.write("refused", task="train", code="study-not-approved", study="s")
    assert samples(hospital) == {
        ("pneumofed_paused",): 0,
        ("pneumofed_answers_total", "train"): 2,
        ("pneumofed_answers_total", "evaluate"): 1,
        ("pneumofed_sent_bytes_total", "train"): 300,
        ("pneumofed_sent_bytes_total", "evaluate"): 7,
        ("pneumofed_failures_total", "out-of-memory", "train"): 1,
        ("pneumofed_refusals_total", "study-not-approved", "train"): 7,
    }
    Approvals(hospital.state, 10).pause()
    assert samples(hospital)["pneumofed_paused",] == 1


def test_what_is_not_known_is_left_out(hospital: HospitalSettings) -> None:
    assert samples(hospital) == {("pneumofed_paused",): 0}
