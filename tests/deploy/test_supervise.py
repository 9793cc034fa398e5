"""Processes that end are started again; nothing stays behind."""

import os
import signal
import sys
from pathlib import Path

import pytest

from deploy import supervise
from deploy.supervise import Service, end
from tests.support.processes import running, wait_until


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def until_started(service: Service, after: int | None = None) -> int:
    def started() -> bool:
        service.tend()
        return service.process is not None and service.process.pid != after

    wait_until(started, seconds=20)
    return service.process.pid


def test_what_was_killed_comes_back_after_a_pause_that_grows(monkeypatch):
    monkeypatch.setattr(supervise, "FIRST_PAUSE_S", 0.01)
    service = Service("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
    service.pause = 0.01
    pids, pauses = [until_started(service)], []
    for _ in range(3):
        os.kill(pids[-1], signal.SIGKILL)
        pids.append(until_started(service, pids[-1]))
        pauses.append(service.pause)
    assert len(set(pids)) == 4 and pauses == pytest.approx([0.02, 0.04, 0.08])
    end([service])
    assert not alive(pids[-1])


def test_what_a_process_says_can_be_heard_line_by_line():
    heard = []
    code = "import sys; sys.stderr.write('one\\ntwo\\nthr'); sys.stdout.write('not this')"
    service = Service("talker", [sys.executable, "-c", code], tell=heard.append)
    until_started(service)
    wait_until(lambda: heard == ["one", "two", "thr"], seconds=20)
    end([service])


def test_a_process_that_does_not_listen_is_killed_with_all_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(supervise, "END_S", 0.2)
    code = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "child = subprocess.Popen([sys.executable, '-c', "
        "'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)']); "
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid)); time.sleep(600)"
    )
    service = Service("stubborn", [sys.executable, "-c", code])
    pid = until_started(service)
    wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text(), seconds=20)
    child = int((tmp_path / "child").read_text())
    end([service])
    wait_until(lambda: not alive(pid) and not alive(child), seconds=20)


def test_the_supervisor_ends_its_processes_when_it_is_told_to_end(tmp_path):
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text(
        f"import os, pathlib, time\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    code = (
        "import sys; from deploy.supervise import Service, supervise; "
        f"supervise([Service('one', [sys.executable, {str(sleeper)!r}])])"
    )
    with running([sys.executable, "-c", code], tmp_path / "log") as supervisor:
        wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), seconds=20)
    assert supervisor.returncode == 0, (tmp_path / "log").read_text()
    assert not alive(int((tmp_path / "pid").read_text()))
