"""`pneumofed try`: real processes, the approval shown, a report, and nothing left running."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from deploy.try_federation import HOSPITALS, try_federation
from shared_model.errors import PneumofedError
from tests.support.processes import pneumofed


def still_running(folder: Path) -> list[str]:
    """Command lines of processes that name the folder."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has just ended
    return [command for command in commands if str(folder) in command]


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(PneumofedError, match="not empty"):
        try_federation(tmp_path, say=print, approve_all=True)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.ci
def test_the_whole_of_it(tmp_path):
    out = tmp_path / "try"
    done = subprocess.run(
        pneumofed("try", "--out", out, "--yes"), capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    document = json.loads((out / "report.json").read_text())
    assert {(h["name"], h["role"]) for h in document["hospitals"]} == {(h.name, h.role) for h in HOSPITALS}
    assert not document["partial"] and (out / "report.html").stat().st_size > 10_000
    for shown in ("What leaves the hospital", "$ pneumofed hospital join --site north/hospital.toml &"):
        assert shown in done.stdout
    assert len(re.findall(r"^approved \S+$", done.stdout, re.MULTILINE)) == len(HOSPITALS)
    assert still_running(out) == []
    logs = [path.read_text() for path in (out / "logs").iterdir()]
    assert len(logs) == 4 and not any("\x1b" in log or "Traceback" in log for log in logs)


@pytest.mark.ci
def test_who_does_not_approve_ends_it(tmp_path):
    out = tmp_path / "try"
    done = subprocess.run(
        pneumofed("try", "--out", out), capture_output=True, text=True, timeout=600, input="n\n"
    )
    assert done.returncode == 1 and "not approved" in done.stdout
    assert "error [command-failed]: `pneumofed hospital approve`" in done.stderr
    assert still_running(out) == []
