"""`pneumofed hospital install-pacs`: units by their text, and done for real on accounts of the test's own."""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

import httpx
import pytest

from deploy import pacs_install, service_units
from deploy.pacs_install import PLACE, PacsPlan, install_pacs, plan_pacs_install
from shared_model.errors import PneumofedError
from tests.support.orthanc import free_port
from tests.support.pacs import call, settings_in, small_dataset, write_model, write_settings
from tests.support.private_system import private_system, service_command
from tests.support.processes import ROOT, running, wait_until

ALL = tuple(f"pneumofed-{name}.service" for name in ("listen", "diagnose", "deliver", "read"))
COMMAND = "import sys\nfrom deploy import service_units\nservice_units.HIDDEN = ()\n"
COMMAND += "from deploy.commands.root import main\nmain(sys.argv[1:])"
"""Without the refusal of programs below /home, /root and /tmp, where a checkout may be."""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PacsPlan:
    """Of settings with a model, whose steps are never done."""
    write_model(tmp_path / "model")
    monkeypatch.setattr(service_units, "HIDDEN", ())
    monkeypatch.setattr(pacs_install, "do_steps", lambda steps, say: pytest.fail("steps were done"))
    return PacsPlan(tmp_path / "pacs.toml", settings_in(tmp_path), Path(sys.executable))


def changed(plan: PacsPlan, **changes: object) -> PacsPlan:
    return PacsPlan(plan.file, plan.settings.model_copy(update=changes), plan.program)


def test_the_packaged_units_are_those_of_the_usual_places(plan: PacsPlan) -> None:
    place = Path(PLACE)
    names = ("inbox", "results", "delivery", "reading", "model")
    usual = plan.settings.model_copy(update={name: place / name for name in names})
    script = PacsPlan(place / "pacs.toml", usual, Path("/opt/pneumofed/bin/pneumofed")).script()
    assert plan.units == ALL
    for name in ALL:
        assert (resources.files("deploy") / "hospital" / name).read_text() in script


def test_no_service_is_left_with_a_place_of_another_machine(plan: PacsPlan) -> None:
    script = plan.script()
    assert PLACE not in script and "/opt/" not in script
    assert f"InaccessiblePaths=-{plan.settings.inbox} " in script


def test_only_what_is_set_is_installed_and_a_gpu_is_the_workers_alone(plan: PacsPlan) -> None:
    alone = changed(plan, listen=None, deliver=None, device="cuda")
    assert alone.units == ("pneumofed-diagnose.service", "pneumofed-read.service")
    assert alone.start == "systemctl enable --now pneumofed-diagnose.service pneumofed-read.service"
    assert alone.script().count("DeviceAllow=char-nvidia* rw") == 1
    assert "DeviceAllow" not in plan.script()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": Path("/nowhere/model")}, "put a model there"),
        ({"inbox": Path("/var/lib/my inbox")}, "which units cannot hold"),
    ],
)
def test_what_would_end_in_services_that_cannot_work_is_refused(
    plan: PacsPlan, change: dict[str, Path], words: str
) -> None:
    with pytest.raises(PneumofedError, match=words) as caught:
        install_pacs(changed(plan, **change), print)
    assert caught.value.code == "install-unfit"


def test_a_place_that_units_hide_is_refused(plan: PacsPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_units, "HIDDEN", (plan.settings.results,))
    with pytest.raises(PneumofedError, match="hidden from services"):
        install_pacs(plan, print)


def test_systemd_accepts_the_units(plan: PacsPlan, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    texts = {step.words.removeprefix("The unit "): step.shell for step in plan.steps()}
    for name in plan.units:
        text = texts[name].split("\n", 1)[1].rsplit("\n", 1)[0]
        (tmp_path / name).write_text(text + "\n")
    command = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in plan.units)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_plan_is_of_the_files_own_folder(tmp_path: Path) -> None:
    found = plan_pacs_install(write_settings(tmp_path))
    assert found.file == tmp_path / "pacs.toml" and found.settings.reading == tmp_path / "reading"


@pytest.mark.ci
def test_the_services_run_as_their_users_and_reach_no_more_than_they_need() -> None:
    folder = Path(tempfile.mkdtemp())  # that every user may enter, as none of pytest's is
    folder.chmod(0o755)
    try:
        _install_and_use(folder)
    finally:
        shutil.rmtree(folder)


def _install_and_use(folder: Path) -> None:
    prefix = private_system(folder)
    place, units, page, port = folder / "lib" / "pneumofed-pacs", folder / "etc/systemd/system", *_ports()
    settings = write_settings(place, port=port, method="c-store", quiet_s=1)
    settings.write_text(f"{settings.read_text()}\n[read]\nport = {page}\n")
    write_model(place / "model")

    def run(*command: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        words = [*prefix, *map(str, command)]
        return subprocess.run(words, cwd="/", env=environment, capture_output=True, text=True)

    for _ in range(2):  # it may be repeated
        done = run(sys.executable, "-c", COMMAND, "hospital", "install-pacs", "--pacs", f"{PLACE}/pacs.toml")
        assert done.returncode == 0, done.stderr
    assert "systemctl enable --now pneumofed-listen.service" in done.stdout
    rights = run("sh", "-c", f"cd {PLACE} && find . -maxdepth 1 -printf '%p %u %g %m\\n'").stdout
    expected = {
        "./pacs.toml root root 644",
        "./model root pneumofed-reading 750",
        "./inbox pneumofed-pacs pneumofed-reading 2750",
        "./results pneumofed-reading pneumofed-deliver 2750",
        "./delivery pneumofed-deliver pneumofed-deliver 700",
        "./reading pneumofed-reading pneumofed-reading 700",
    }
    assert expected <= set(rights.splitlines())

    def service(name: str) -> list[str]:
        return service_command(units / f"pneumofed-{name}.service")

    logs = {name: folder / f"{name}.log" for name in ("listen", "diagnose", "read")}
    with (
        running(service("listen"), logs["listen"], prefix=prefix),
        running(service("diagnose"), logs["diagnose"], prefix=prefix),
        running(service("read"), logs["read"], prefix=prefix),
    ):
        wait_until(lambda: "listening on port" in logs["listen"].read_text(), seconds=60)
        association = call(port)
        assert association.send_c_store(small_dataset()).Status == 0
        association.release()
        wait_until(lambda: list(place.glob("results/*/failure.json")), seconds=120, what="the worker")
        wait_until(lambda: _answers(page), seconds=60, what="the reading room")
    for name, path in (
        ("listen", "results"),
        ("listen", "reading"),
        ("read", "delivery"),
        ("deliver", "inbox"),
    ):
        user = service(name)[:4] if name != "diagnose" else service(name)[2:6]
        refused = run(*user, "ls", f"{PLACE}/{path}")
        assert refused.returncode != 0 and "Permission denied" in refused.stderr, (name, path)


def _ports() -> tuple[int, int]:
    return free_port(), free_port()


def _answers(port: int) -> bool:
    try:
        return "password" in httpx.get(f"http://127.0.0.1:{port}/login", timeout=5).text
    except httpx.TransportError:
        return False
