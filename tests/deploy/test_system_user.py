"""Users of the operating system. What they may reach is asked for real, so root runs these."""

import os
import pwd
import subprocess
import sys

import pytest

from deploy.system_user import SystemUser
from shared_model.errors import PneumofedError
from tests.support.processes import ROOT


@pytest.mark.parametrize("user", ["root", 0])
def test_a_user_is_found_by_name_and_by_number(user):
    root = pwd.getpwuid(0)
    assert SystemUser.find(user) == SystemUser(root.pw_name, 0, root.pw_gid)


def test_a_number_without_an_account_is_a_user_and_a_name_without_one_is_none():
    assert SystemUser.find(2**30 + 12345) == SystemUser(str(2**30 + 12345), 2**30 + 12345, 2**30 + 12345)
    for unknown in ("no such user", -1, 2**40):
        with pytest.raises(PneumofedError) as caught:
            SystemUser.find(unknown)
        assert caught.value.code == "user-unknown"


def test_what_this_user_may_reach(tmp_path):
    me = SystemUser("me", os.geteuid(), os.getegid())
    (tmp_path / "there").write_text("")
    asked = [(tmp_path / "there", os.R_OK), (tmp_path / "absent", os.R_OK), (tmp_path, os.X_OK)]
    if os.geteuid() != 0:
        pytest.skip("only root may start processes as a user")
    assert me.may(asked) == [True, False, True]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start processes as a user")
def test_the_groups_of_who_starts_a_process_are_not_taken_along():
    """A node with root's further groups could read what those may: a disk, or the trainer's files."""
    start = (
        "import os, subprocess, sys\n"
        "from deploy.system_user import SystemUser\n"
        "os.setgroups([6, 4242])\n"
        "subprocess.run(sys.argv[1:], check=True, **SystemUser('node', 2**30, 2**30 + 1).rights())"
    )
    shown = subprocess.run(
        [sys.executable, "-c", start, "id", "-G"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if "setgroups" in shown.stderr and "PermissionError" in shown.stderr:
        pytest.skip("this root may not set groups")
    assert shown.stdout.split() == [str(2**30 + 1)]


def test_a_user_who_cannot_run_python_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(PneumofedError) as caught:
        SystemUser("me", os.geteuid(), os.getegid()).may([])
    assert caught.value.code == "user-unfit"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_is_made_once_and_stays_as_it_is(tmp_path):
    user = SystemUser("somebody", 2**30, 2**30 + 1)
    user.make_folder(tmp_path / "new", mode=0o2750, gid=7)
    SystemUser("another", 5, 5).make_folder(tmp_path / "new", mode=0o700)
    found = (tmp_path / "new").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (2**30, 7, 0o2750)
