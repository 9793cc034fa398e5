"""A kit of another version than the one installed."""

import pytest

from client.preflight.kit import check_kit
from shared_model.versions import LATEST_KIT, package_version


def test_an_older_and_a_newer_kit(hospital):
    for number, remedy in (
        (LATEST_KIT - 1, "coordinator kit"),
        (LATEST_KIT + 1, "install the coordinator's"),
    ):
        row = check_kit(hospital.model_copy(update={"kit": number}))
        assert row.state == "warn" and f"kit {number}," in row.found and remedy in row.remedy


@pytest.mark.parametrize(
    ("images", "state"),
    [((package_version(),) * 2, "ok"), ((package_version(), "0.0.9"), "warn"), ((), "ok")],
)
def test_images_of_another_version(hospital, images, state):
    lines = "".join(f"    image: registry.local/pneumofed-node:{one}\n" for one in images)
    if images:
        (hospital.coordinator.ca.parent / "compose.yaml").write_text(f"services:\n{lines}")
    row = check_kit(hospital.model_copy(update={"kit": LATEST_KIT}))
    assert row.state == state and ("0.0.9" in row.found) == (state == "warn")
