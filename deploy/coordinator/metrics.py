"""The federation's state as metrics: connections, certificates, rounds, answers; nothing of a scan."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from deploy.coordinator.status import days_until
from server.app import LEDGER
from server.ledger import read_record, record_paths
from server.status import RUNS
from shared_model.versions import CERTIFICATE_UNTIL

_DAY_S = 24 * 3600


def coordinator_metrics(document: Mapping[str, Any]) -> list[Metric]:
    """Of `status_document`: connections, certificates, rounds and replies; names of hospitals and studies."""
    serving = GaugeMetricFamily("pneumofed_serving", "Whether SuperLink answers.")
    serving.add_metric([], float(document["serving"]))
    server = GaugeMetricFamily("pneumofed_server_certificate_days", "Days left of the server's certificate.")
    if document["certificate_until"] is not None:
        left = datetime.fromisoformat(document["certificate_until"]) - datetime.now(UTC)
        server.add_metric([], left.total_seconds() / _DAY_S)
    online = GaugeMetricFamily(
        "pneumofed_hospital_online", "Whether the hospital is connected.", labels=["hospital"]
    )
    days = GaugeMetricFamily(
        "pneumofed_hospital_certificate_days",
        "Days left of its certificate, as it told.",
        labels=["hospital"],
    )
    for hospital in document["hospitals"]:
        online.add_metric([hospital["name"]], float(hospital["connection"] == "online"))
        left_days = days_until(hospital["versions"].get(CERTIFICATE_UNTIL, ""))
        if left_days is not None:
            days.add_metric([hospital["name"]], left_days)
    return [serving, server, online, days, *_studies(document["studies"])]


def _studies(studies: list[Mapping[str, Any]]) -> list[Metric]:
    labels = ["study", "fingerprint"]
    running = GaugeMetricFamily("pneumofed_study_running", "Whether the study runs or waits.", labels=labels)
    failed = GaugeMetricFamily("pneumofed_study_failed", "Whether its last run failed.", labels=labels)
    planned = GaugeMetricFamily("pneumofed_study_rounds_planned", "Rounds of all stages.", labels=labels)
    done = CounterMetricFamily("pneumofed_study_rounds", "Complete rounds.", labels=labels)
    seconds = CounterMetricFamily(
        "pneumofed_study_round_seconds", "Wall time of the complete rounds.", labels=labels
    )
    replies = CounterMetricFamily(
        "pneumofed_study_replies", "Answers in complete rounds.", labels=[*labels, "hospital", "status"]
    )  # fmt: skip
    for study in studies:
        name = [study["study"], study["fingerprint"] or ""]
        running.add_metric(name, float(study["state"] in RUNS))
        failed.add_metric(name, float(study["state"] in ("failed", "interrupted")))
        planned.add_metric(name, study["rounds_total"])
        rounds = [read_record(path) for path in record_paths(Path(study["folder"]) / LEDGER)]
        done.add_metric(name, len(rounds))
        seconds.add_metric(name, sum(record.seconds for record in rounds))
        answers = Counter(
            (hospital, reply.status)
            for record in rounds
            for part in (record.train, record.validate_replies)
            for hospital, reply in part.items()
        )
        for (hospital, status), count in sorted(answers.items()):
            replies.add_metric([*name, hospital, status], count)
    return [running, failed, planned, done, seconds, replies]
