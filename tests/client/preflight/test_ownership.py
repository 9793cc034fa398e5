"""Whose files are whose: for real where root may give files away and be somebody else."""

import os

import pytest

from client.preflight.ownership import check_owners

OWNER, OTHER = 2**30 + 1, 2**30 + 2

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def owned(hospital):
    """Store, state and keys of OWNER's, in a folder that all may enter; the store is of two levels."""
    (hospital.store / "studies").mkdir(parents=True)
    (hospital.state / "studies").mkdir(parents=True)
    (hospital.state / "audit.jsonl").touch()
    keys = (hospital.coordinator.key, hospital.coordinator.certificate_key)
    for path in (*keys, hospital.store, hospital.state, *hospital.store.glob("*"), *hospital.state.glob("*")):
        os.chown(path, OWNER, OWNER)
    for path in (hospital.store, hospital.state):
        path.chmod(0o700)
    return hospital


@pytest.fixture
def as_user():
    """Makes this process another user, who passes through pytest's closed folders, for the test."""

    def change(uid: int) -> None:
        os.seteuid(uid)

    yield change
    os.seteuid(0)


def opened(folder):
    """The folders above, which pytest closes to others, opened; they are the test's own or /tmp."""
    for parent in folder.parents:
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)


def test_files_of_their_user(owned, as_user, tmp_path):
    opened(tmp_path / "x")
    tmp_path.chmod(0o755)
    as_user(OWNER)
    (row,) = check_owners(owned)
    assert row.state == "ok" and str(OWNER) in row.found


def test_what_is_closed_to_this_user_is_named_with_its_remedy(owned, as_user, tmp_path):
    opened(tmp_path / "x")
    tmp_path.chmod(0o755)
    as_user(OTHER)
    rows = check_owners(owned)
    assert [row.found.split()[0] for row in rows] == ["hospital.key", "client.key", "store", "state"]
    for row in rows:
        assert row.state == "fail" and f"user {OWNER}'s" in row.found
        assert f"chown -R {OTHER}" in row.remedy and "as root" in row.remedy


def test_what_root_left_in_a_users_folder(owned):
    (owned.state / "studies" / "approval").touch()
    (row,) = check_owners(owned)
    assert row.state == "warn" and row.found.startswith("1 entries of state")
    assert f"chown -R {OWNER} {owned.state}" in row.remedy
    os.chown(owned.state / "studies" / "approval", OWNER, OWNER)
    assert check_owners(owned)[0].state == "ok"


def test_a_hospital_that_has_only_its_kit(hospital):
    assert [row.state for row in check_owners(hospital)] == ["ok"]
