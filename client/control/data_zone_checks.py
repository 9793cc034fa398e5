"""Preflight checks that the trainer can make itself: it has no network, and may not open the node's keys."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from client.hospital_settings import HospitalSettings
from client.preflight import files, machine
from client.preflight.check_result import CheckResult, ok
from client.preflight.kit import check_kit


def data_zone_checks(hospital: HospitalSettings) -> list[CheckResult]:
    """In the order of `hospital preflight`; no row has a path of this hospital, or a number of scans."""
    rows = [
        check_kit(hospital),
        files.check_ca(hospital.coordinator.ca),
        machine.check_disk(hospital.state),
        machine.check_memory(),
        machine.check_shared_memory(),
        machine.check_gpu(hospital.device),
        *(_without_count(row) for row in files.check_store(hospital)),
        *files.check_write_rights({"state": hospital.state}),
    ]
    return [without_paths(row, hospital) for row in rows]


def without_paths(row: CheckResult, hospital: HospitalSettings) -> CheckResult:
    """The row with names in the place of the hospital's own paths."""
    return replace(row, found=named_paths(row.found, hospital), remedy=named_paths(row.remedy, hospital))


def named_paths(text: str, hospital: HospitalSettings) -> str:
    """`text` with `store` and the like in the place of hospital.toml's paths, `...` of their folders."""
    named: dict[Path, str] = {
        getattr(hospital, name): name for name in ("store", "state", "node", "socket", "control")
    }
    named |= {path: path.name for path in _files(hospital)}
    for path in sorted(named, key=lambda path: -len(str(path))):
        text = text.replace(str(path), named[path])
    parents = {parent for path in named for parent in path.parents if len(parent.parts) > 2}
    for parent in sorted(parents, key=lambda path: -len(str(path))):
        text = text.replace(str(parent), "...")
    return text


def _files(hospital: HospitalSettings) -> Iterable[Path]:
    kit = hospital.coordinator
    return kit.ca, kit.key, kit.certificate, kit.certificate_key


def _without_count(row: CheckResult) -> CheckResult:
    """What was found without the number of scans, which may be below the floor."""
    return ok("store", "it can be read") if row.state == "ok" else row
