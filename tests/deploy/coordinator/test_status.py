"""The coordinator's and the hospitals' versions, and a certificate that ends."""

from datetime import UTC, datetime, timedelta

from deploy.coordinator.status import certificate_in_words, coordinator_versions, versions_in_words
from preprocessing.settings import VERSION
from shared_model.protocol import PROTOCOL
from shared_model.versions import are_versions, package_version

HERE = {"trainer": "0.1.0", "node": "0.1.0", "flwr": "1.42.0", "kit": "1"}


def test_the_coordinator_knows_its_own_versions() -> None:
    own = coordinator_versions()
    assert are_versions(own)
    assert (own["protocol"], own["preprocessing"], own["node"]) == (
        str(PROTOCOL), str(VERSION), package_version(),
    )  # fmt: skip


def test_a_hospitals_versions_are_shown_with_ours_where_they_differ() -> None:
    day = f"{datetime.now(UTC) + timedelta(days=40):%Y-%m-%d}"
    told = {"trainer": "0.1.0", "flwr": "1.41.0", "kit": "0", "certificate-until": day}
    words = "trainer 0.1.0, flwr 1.41.0 (here 1.42.0), kit 0 (here 1), certificate for 40 days"
    assert versions_in_words(told, HERE) == words
    assert versions_in_words({}, HERE) == ""
    assert versions_in_words({"certificate-until": "soon"}, HERE) == "certificate for unknown days"


def test_a_certificate_is_spoken_of_when_it_needs_to_be_renewed() -> None:
    now = datetime.now(UTC)
    assert certificate_in_words(None) == []
    assert certificate_in_words((now + timedelta(days=15)).isoformat()) == []
    (soon,) = certificate_in_words((now + timedelta(days=13)).isoformat())
    (over,) = certificate_in_words((now - timedelta(days=1)).isoformat())
    assert "expires on" in soon and "has expired" in over and "coordinator renew" in soon
