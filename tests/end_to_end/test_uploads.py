"""`hospital read` and `hospital diagnose` as real processes: an upload becomes a diagnosis, through kills."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from client.pacs.inbox import complete_studies
from tests.support.diagnosed_scans import PATIENT, write_series
from tests.support.orthanc import free_port
from tests.support.pacs import write_model, write_settings
from tests.support.processes import ROOT, pneumofed, running, wait_until
from tests.support.raw_zips import Entry, raw_zip, study_zip

pytestmark = pytest.mark.ci

PASSWORD = "kanarienvogel 7"
READ = "[read]\nport = {port}\nmin_free_gb = 0\nblinded = {blinded}\n"


class Hospital:
    """A hospital's folder with a reading room."""

    def __init__(self, folder: Path, *, blinded: bool = True) -> None:
        self.folder, self.uploads, self.results = folder, folder / "reading" / "uploads", folder / "results"
        self.pacs = write_settings(folder)
        with self.pacs.open("a") as file:
            file.write(READ.format(port=free_port(), blinded=str(blinded).lower()))
        (folder / "inbox").mkdir()
        self.run("reader", "add", "ada", typed=f"{PASSWORD}\n")

    def run(self, *words: str, typed: str = "") -> str:
        done = subprocess.run(
            pneumofed("hospital", *words, "--pacs", self.pacs),
            cwd=ROOT, capture_output=True, text=True, timeout=300, input=typed,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def reading(self) -> Iterator[tuple[subprocess.Popen, httpx.Client]]:
        """The room's process, and a client of its API."""
        log = self.folder / f"read-{time.monotonic_ns()}.log"
        with running(pneumofed("hospital", "read", "--pacs", self.pacs), log) as process:
            wait_until(lambda: re.search(r"http://\S+", log.read_text()), seconds=60, what="the room")
            found = re.search(r"http://[^/\s]+", log.read_text())
            assert found
            with httpx.Client(base_url=f"{found[0]}/api", auth=("ada", PASSWORD), timeout=60) as client:
                yield process, client

    def check_logs(self) -> None:
        """Nothing of the patient is in a log, nor in a name."""
        said = " ".join(log.read_text() for log in self.folder.glob("*.log"))
        said += " ".join(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
        assert not [word for word in (*PATIENT.values(), "Ottoline", "brief") if word in said]


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A chest in an archive, with a letter beside it."""
    folder = write_series(tmp_path_factory.mktemp("scan") / "images")
    entries = [Entry(f"Ottoline/{path.name}", path.read_bytes()) for path in sorted(folder.iterdir())]
    return raw_zip([*entries, Entry("brief an Ottoline.txt", b"Quillfeather")])


def test_an_upload_is_diagnosed_and_its_deletion_takes_the_results_along(tmp_path: Path, scan: bytes) -> None:
    hospital = Hospital(tmp_path, blinded=False)
    write_model(tmp_path / "model")
    with hospital.reading() as (_, api):
        upload = api.post("/uploads", content=scan).json()
        assert (upload["images"], upload["not_kept"]) == (14, {"not-dicom": 1})
        name, steps = upload["study"]["name"], set()
        diagnose = pneumofed("hospital", "diagnose", "--pacs", hospital.pacs)
        with running(diagnose, tmp_path / "diagnose.log"):

            def diagnosed() -> bool:
                study = api.get(f"/studies/{name}").json()
                assert study["state"] in ("waiting", "diagnosing", "diagnosed"), study
                steps.add((study["progress"] or {}).get("step"))
                return bool(study["state"] == "diagnosed")

            wait_until(diagnosed, seconds=240, what="the diagnosis")
            assert steps & {"headers", "lungs", "networks", "results"}
            document = api.get(f"/studies/{name}/diagnosis").json()
            assert len(document["slices"]) == 14 and not (hospital.results / name / "dicom").exists()
            again = api.post("/uploads", content=scan).json()
            assert again["study"] == api.get(f"/studies/{name}").json() and again["id"] != upload["id"]
            assert api.delete(f"/uploads/{upload['id']}").status_code == 204
            assert api.get(f"/studies/{name}").status_code == 200
            assert api.delete(f"/uploads/{again['id']}").status_code == 204
            wait_until(lambda: not (hospital.results / name).exists(), seconds=60, what="the deletion")
    assert name in (tmp_path / "diagnose.log").read_text()
    hospital.check_logs()


def test_a_second_room_does_not_start(tmp_path: Path) -> None:
    hospital = Hospital(tmp_path)
    with hospital.reading():
        second = subprocess.run(
            pneumofed("hospital", "read", "--pacs", hospital.pacs), cwd=ROOT, capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip
        assert second.returncode == 1 and "room-busy" in second.stderr


def test_killed_while_an_upload_arrives_it_leaves_nothing_that_is_diagnosed(
    tmp_path: Path, scan: bytes
) -> None:
    hospital = Hospital(tmp_path)
    with hospital.reading() as (process, api), half_sent(api, scan):
        wait_until(lambda: list(hospital.uploads.glob(".incoming/*/archive")), seconds=20, what="the upload")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert complete_studies(hospital.uploads) == {}
    with hospital.reading() as (_, api):
        assert not list((hospital.uploads / ".incoming").iterdir())
        assert api.get("/uploads").json() == {"uploads": []}
        assert api.post("/uploads", content=scan).status_code == 201
    hospital.check_logs()


def test_a_room_that_is_asked_to_end_does_not_wait_for_an_upload(tmp_path: Path, scan: bytes) -> None:
    hospital = Hospital(tmp_path)
    with hospital.reading() as (process, api), half_sent(api, scan):
        wait_until(lambda: list(hospital.uploads.glob(".incoming/*/archive")), seconds=20, what="the upload")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) is not None
    hospital.check_logs()


def test_senders_that_go_away_or_send_nonsense_cost_the_room_nothing(tmp_path: Path, scan: bytes) -> None:
    hospital = Hospital(tmp_path)
    with hospital.reading() as (process, api):
        for _ in range(5):
            half_sent(api, scan).close()
        for archive in (b"", b"PK", scan[:-100], study_zip() + scan):
            assert api.post("/uploads", content=archive).status_code in (415, 422)
        wait_until(lambda: not list((hospital.uploads / ".incoming").iterdir()), seconds=20)
        assert api.get("/uploads").json() == {"uploads": []} and process.poll() is None
    hospital.check_logs()
    assert not [log for log in tmp_path.glob("read-*.log") if "Traceback" in log.read_text()]


def half_sent(api: httpx.Client, archive: bytes) -> socket.socket:
    """A connection over which the first half of an upload was sent."""
    request = api.build_request("POST", "/uploads")
    auth = next(httpx.BasicAuth("ada", PASSWORD).auth_flow(request)).headers["authorization"]
    address = urlsplit(str(api.base_url)).netloc
    head = f"POST /api/uploads HTTP/1.1\r\nHost: {address}\r\nAuthorization: {auth}\r\n"
    connection = socket.create_connection(tuple(address.split(":")), timeout=20)  # type: ignore[arg-type]
    connection.sendall(f"{head}Content-Length: {len(archive)}\r\n\r\n".encode())
    connection.sendall(archive[: len(archive) // 2])
    return connection
