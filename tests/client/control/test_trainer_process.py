"""The page's socket beside the node's: there while the trainer runs, and no reason to end it."""

import logging
from pathlib import Path

import pytest

from client.control.control_client import ControlClient
from client.control.look import Looker, failed_look
from client.control.recent_lines import RecentLines
from client.control.trainer_process import serving_control
from client.hospital_settings import HospitalSettings
from tests.support.controlled_hospital import written_hospital


def made_look() -> object:
    return failed_look("made")


def serve(hospital: HospitalSettings):
    return serving_control(hospital, Looker(made_look), RecentLines())  # type: ignore[arg-type]


def test_the_socket_is_there_while_it_serves(tmp_path: Path) -> None:
    hospital = written_hospital(tmp_path)
    with serve(hospital):
        assert ControlClient(hospital.control).overview().name == "north"
    assert not hospital.control.exists() and hospital.control.parent.is_dir()
    with serve(hospital):  # again, in the folder that is there
        assert ControlClient(hospital.control).overview().name == "north"


@pytest.mark.parametrize("no_folder", [True, False])
def test_where_it_cannot_listen_the_trainer_runs_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, no_folder: bool
) -> None:
    hospital = written_hospital(tmp_path)
    if no_folder:
        (tmp_path / "c").write_text("no folder")
    else:
        (tmp_path / "c" / "c.sock").mkdir(parents=True)
    with caplog.at_level(logging.WARNING), serve(hospital):
        assert "no page" in caplog.text and str(tmp_path) not in caplog.text
