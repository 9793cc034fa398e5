"""A hospital's state as metrics, from its audit log and its certificate; nothing of a patient or a scan."""

from collections import Counter
from datetime import UTC, datetime

from cryptography import x509
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from client.hospital_settings import HospitalSettings
from client.records.audit import AuditLog
from client.records.chained_log import Entry
from client.trainer.approvals import Approvals

_DAY_S = 24 * 3600


def hospital_metrics(hospital: HospitalSettings) -> list[Metric]:
    """Answers and bytes by task, what was refused by code, pause, certificate.

    Raises PneumofedError as the audit log does if it is not whole.
    """
    entries = AuditLog(hospital.state).entries()
    paused = GaugeMetricFamily("pneumofed_paused", "Whether the hospital's people paused all studies.")
    paused.add_metric([], float(Approvals(hospital.state, hospital.limits.count_floor).paused))
    return [paused, _certificate(hospital), *_tasks(entries)]


def _certificate(hospital: HospitalSettings) -> Metric:
    days = GaugeMetricFamily("pneumofed_certificate_days", "Days left of the hospital's certificate.")
    path = hospital.coordinator.certificate
    if path.is_file():
        until = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
        days.add_metric([], (until - datetime.now(UTC)).total_seconds() / _DAY_S)
    return days


def _tasks(entries: list[Entry]) -> list[Metric]:
    answers = CounterMetricFamily("pneumofed_answers", "Tasks whose result left.", labels=["task"])
    sent = CounterMetricFamily("pneumofed_sent_bytes", "Bytes of results that left.", labels=["task"])
    failures = CounterMetricFamily("pneumofed_failures", "Tasks that failed.", labels=["task", "code"])
    refusals = CounterMetricFamily("pneumofed_refusals", "Requests refused.", labels=["task", "code"])
    returned = [entry.facts for entry in entries if entry.event == "returned"]
    for task, count in sorted(Counter(facts["task"] for facts in returned).items()):
        answers.add_metric([task], count)
        sent.add_metric([task], sum(facts["bytes"] for facts in returned if facts["task"] == task))
    for family, event in ((failures, "failed"), (refusals, "refused")):
        found = Counter[tuple[str, str]]()
        for facts in (entry.facts for entry in entries if entry.event == event):
            found[facts["task"], facts["code"]] += 1 + facts.get("unwritten_before", 0)
        for (task, code), count in sorted(found.items()):
            family.add_metric([task, code], count)
    return [answers, sent, failures, refusals]
