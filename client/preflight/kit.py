"""Preflight check of whether the kit fits the installed version of pneumofed."""

import re

from client.hospital_settings import HospitalSettings
from client.preflight.check_result import CheckResult, ok, warn
from shared_model.versions import LATEST_KIT, package_version

_IMAGE = re.compile(r"image:\s*\S*pneumofed-\w+:(\S+)")


def check_kit(hospital: HospitalSettings) -> CheckResult:
    """By the kit's number in hospital.toml, and the images that compose.yaml beside the CA starts."""
    found = f"kit {hospital.kit}, this version of pneumofed has {LATEST_KIT}"
    if hospital.kit < LATEST_KIT:
        remedy = "ask the coordinator for a new kit (`coordinator kit`) and take over what changed"
        return warn("kit", found, remedy)
    if hospital.kit > LATEST_KIT:
        return warn(
            "kit", found, f"install the coordinator's version of pneumofed; here is {package_version()}"
        )
    return _check_images(hospital)


def _check_images(hospital: HospitalSettings) -> CheckResult:
    compose = hospital.coordinator.ca.parent / "compose.yaml"
    try:
        tags = set(_IMAGE.findall(compose.read_text()))
    except (OSError, UnicodeDecodeError):
        tags = set()
    others = sorted(tags - {package_version()})
    if others:
        found = f"compose.yaml starts version {', '.join(others)}; here is {package_version()}"
        return warn(
            "kit", found, "write the version that you want into compose.yaml, the same for both images"
        )
    return ok("kit", f"kit {hospital.kit}, as this version has it")
