"""A real Orthanc, and listener, worker and delivery as real processes: in both directions, through kills."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread

from tests.support.diagnosed_scans import PATIENT, write_series
from tests.support.orthanc import Orthanc, free_port, needs_orthanc
from tests.support.pacs import call, listening, small_dataset, write_model, write_settings
from tests.support.processes import ROOT, pneumofed, running, wait_until

pytestmark = [pytest.mark.ci, needs_orthanc]

STUDY = PATIENT["StudyInstanceUID"]
SLICES = 14
RESULTS = {"CT": SLICES, "SEG": 1, "SR": 1, "OT": 4}  # OT: the pictures, Secondary Capture
PLANTED = [*PATIENT.values(), "Quillfeather", "Ottoline"]


class Hospital:
    """A hospital's folder, and the Orthanc that is its PACS."""

    def __init__(self, folder: Path, method: str = "c-store") -> None:
        self.folder = folder
        self.orthanc = Orthanc(folder / "orthanc", free_port(), free_port(), free_port())
        self.configure(method)

    def configure(self, method: str = "c-store", **changes: object) -> None:
        ports = {"port": self.orthanc.peer, "dicom": self.orthanc.dicom, "http": self.orthanc.http}
        self.pacs = write_settings(self.folder, method=method, **{**ports, **changes})  # type: ignore[arg-type]

    def command(self, name: str, *words: object) -> list[str]:
        return pneumofed("hospital", name, "--pacs", self.pacs, *words)

    def run(self, name: str, *words: object, typed: str = "") -> str:
        """A command to its end; what it wrote, also in `NAME.log`."""
        done = subprocess.run(
            self.command(name, *words), cwd=ROOT, capture_output=True, text=True, timeout=300, input=typed
        )
        with (self.folder / f"{name}.log").open("a") as log:
            log.write(done.stdout + done.stderr)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def complete(self) -> list[Path]:
        return [mark.parent for mark in (self.folder / "inbox").glob("*/complete")]

    def images(self) -> list[Path]:
        return sorted((self.folder / "inbox").glob("*/images/*.dcm"))

    def check_logs(self) -> None:
        """Nothing of the patient is in any log, nor in a name."""
        for log in self.folder.glob("*.log"):
            said = log.read_text()
            assert not [word for word in PLANTED if word in said], log.name
        names = " ".join(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
        assert not [word for word in PLANTED if word in names]


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A study that Orthanc sent by C-STORE and the worker diagnosed."""
    hospital = Hospital(tmp_path_factory.mktemp("hospital"))
    scan = write_series(tmp_path_factory.mktemp("scan") / "scan", slices=SLICES)
    write_model(hospital.folder / "model")
    with hospital.orthanc.running(), listening(hospital.pacs):
        hospital.orthanc.upload(scan)
        hospital.orthanc.push_all()
        assert len(hospital.images()) == SLICES
        wait_until(lambda: hospital.complete, seconds=30, what="the study")
    hospital.run("diagnose", "--once")
    return hospital


@pytest.fixture(params=["c-store", "stow-rs"])
def delivering(diagnosed: Hospital, tmp_path: Path, request: pytest.FixtureRequest) -> Hospital:
    """A copy with results that were not delivered yet, and a PACS of its own that has the study."""
    return copy_of(diagnosed, tmp_path, request.param)


def copy_of(diagnosed: Hospital, folder: Path, method: str = "c-store") -> Hospital:
    for name in ("results", "orthanc", "inbox", "model"):
        shutil.copytree(diagnosed.folder / name, folder / name)
    return Hospital(folder, method)


@pytest.fixture
def orthanc(delivering: Hospital) -> Iterator[Orthanc]:
    with delivering.orthanc.running():
        yield delivering.orthanc


def test_results_come_back_into_the_study_once(delivering: Hospital, orthanc: Orthanc) -> None:
    assert orthanc.counts(STUDY) == {"CT": SLICES}
    delivering.run("deliver", "--once")
    assert orthanc.counts(STUDY) == RESULTS
    assert [study["MainDicomTags"]["StudyInstanceUID"] for study in studies(orthanc)] == [STUDY]
    made = {dcmread(path).SOPInstanceUID for path in delivering.folder.glob("results/*/dicom/*.dcm")}
    there = {one["MainDicomTags"]["SOPInstanceUID"] for one in orthanc.call("instances?expand")}
    assert len(made - there) == 1  # the label map, which older viewers do not know
    # The same scan diagnosed again, by a worker and a delivery that remember nothing.
    shutil.rmtree(delivering.folder / "results")
    shutil.rmtree(delivering.folder / "delivery")
    delivering.run("diagnose", "--once")
    delivering.run("deliver", "--once")
    assert orthanc.counts(STUDY) == RESULTS
    delivering.check_logs()


def studies(orthanc: Orthanc) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = orthanc.call("studies?expand")
    return found


def test_a_pacs_that_is_down_gets_its_results_when_it_is_up(delivering: Hospital) -> None:
    log = delivering.folder / "deliver.log"
    with running(delivering.command("deliver"), log):
        wait_until(lambda: log.read_text().count("not delivered (unreachable)") >= 2, seconds=120)
        with delivering.orthanc.running():
            wait_until(lambda: "delivered, 6 objects" in log.read_text(), seconds=60)
            assert delivering.orthanc.counts(STUDY) == RESULTS
    delivering.check_logs()


def test_what_the_pacs_refuses_is_a_dead_letter_until_people_try_it_again(
    diagnosed: Hospital, tmp_path: Path
) -> None:
    hospital = copy_of(diagnosed, tmp_path)
    hospital.pacs.write_text(
        hospital.pacs.read_text().replace('called_ae_title = "ORTHANC"', 'called_ae_title = "NO"')
    )
    log = tmp_path / "deliver.log"
    with hospital.orthanc.running():
        with running(hospital.command("deliver"), log):
            wait_until(lambda: "dead letter" in log.read_text(), seconds=120)
        said = hospital.run("undelivered")
        assert "dead" in said and "3 attempts  rejected" in said and "1 study undelivered" in said
        hospital.configure()
        hospital.run("deliver", "--once")
        assert hospital.orthanc.counts(STUDY) == {"CT": SLICES}
        hospital.run("undelivered", "--retry-all")
        hospital.run("deliver", "--once")
        assert hospital.orthanc.counts(STUDY) == RESULTS
    assert "0 studies undelivered" in hospital.run("undelivered")
    hospital.check_logs()


def test_a_study_is_fetched_by_dicomweb_as_it_is(diagnosed: Hospital, tmp_path: Path) -> None:
    hospital = copy_of(diagnosed, tmp_path)
    shutil.rmtree(tmp_path / "inbox")
    with hospital.orthanc.running():
        assert "1 study complete, 0 not" in hospital.run("fetch", typed=f"{STUDY}\n")
    assert len(hospital.complete) == 1
    came, sent = (
        {image.SOPInstanceUID: image for image in map(dcmread, one.images())} for one in (hospital, diagnosed)
    )
    assert came.keys() == sent.keys() and len(came) == SLICES
    assert all((came[uid].pixel_array == sent[uid].pixel_array).all() for uid in sent)
    hospital.check_logs()


def test_a_killed_listener_has_every_image_that_it_answered(tmp_path: Path) -> None:
    """Killed while a peer sends; the peer sends all again afterwards, as a PACS does."""
    hospital = Hospital(tmp_path)
    objects = [small_dataset(number, PixelData=bytes([number]) * 32) for number in range(60)]
    answered: list[str] = []
    log = tmp_path / "listen.log"
    with running(hospital.command("listen"), log) as listener:
        wait_until(lambda: "listening on port" in log.read_text(), seconds=60)
        association = call(hospital.orthanc.peer)
        for number, one in enumerate(objects):
            if number == 30:
                os.kill(listener.pid, signal.SIGKILL)
            try:
                if association.send_c_store(one).get("Status") == 0:
                    answered.append(str(one.SOPInstanceUID))
            except RuntimeError:  # the association has ended
                break
        listener.wait()
    assert len(answered) >= 30
    assert set(answered) <= {str(dcmread(path).SOPInstanceUID) for path in hospital.images()}
    with listening(hospital.pacs):
        again = call(hospital.orthanc.peer)
        assert [again.send_c_store(one).Status for one in objects] == [0] * 60
        again.release()
        wait_until(lambda: hospital.complete, seconds=30)
    kept = {str(image.SOPInstanceUID): image.PixelData for image in map(dcmread, hospital.images())}
    assert kept == {str(one.SOPInstanceUID): one.PixelData for one in objects}
    assert len(hospital.images()) == 60
    hospital.check_logs()


def test_a_killed_worker_goes_on_and_shows_nothing_twice(diagnosed: Hospital, tmp_path: Path) -> None:
    hospital = copy_of(diagnosed, tmp_path)
    expected = results_of(hospital)
    shutil.rmtree(tmp_path / "results")
    log = tmp_path / "diagnose.log"
    with running(hospital.command("diagnose"), log) as worker:
        wait_until(lambda: list(tmp_path.glob("results/*/failure.json")), seconds=120, what="the diagnosis")
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert not list(tmp_path.glob("results/*/diagnosis.json"))
    hospital.run("diagnose", "--once")
    assert results_of(hospital) == expected
    assert len((tmp_path / "results" / "worklist.csv").read_text().splitlines()) == 2
    hospital.check_logs()


def results_of(hospital: Hospital) -> dict[str, str]:
    """The name of each result, and the identifier of those that are DICOM."""
    files = [path for path in hospital.folder.glob("results/*/**/*") if path.is_file()]
    return {path.name: str(dcmread(path).SOPInstanceUID) if path.suffix == ".dcm" else "" for path in files}


def test_late_images_are_diagnosed_with_the_others(diagnosed: Hospital, tmp_path: Path) -> None:
    """The study opens again, and its results are those of all images."""
    hospital = copy_of(diagnosed, tmp_path)
    hospital.configure(quiet_s=3600)
    before = results_of(hospital)
    images = hospital.images()
    late = dcmread(images[0])
    with listening(hospital.pacs):
        association = call(hospital.orthanc.peer)
        late.SOPInstanceUID = late.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
        late.ImagePositionPatient = [-192.0, -192.0, 12.0 * SLICES]
        late.InstanceNumber = SLICES + 1
        assert association.send_c_store(late).Status == 0
        association.release()
        assert hospital.complete == []
        hospital.run("diagnose", "--once")
        assert results_of(hospital) == before
        os.utime(images[0].parent, (0, 0))  # as if an hour had passed
        wait_until(lambda: hospital.complete, seconds=30)
    hospital.run("diagnose", "--once")
    after = results_of(hospital)
    assert after.keys() == before.keys() and after["report.dcm"] != before["report.dcm"]
    hospital.check_logs()


def test_the_receiver_answers_an_echo_of_orthanc(tmp_path: Path) -> None:
    hospital = Hospital(tmp_path)
    with hospital.orthanc.running(), listening(hospital.pacs):
        url = f"http://127.0.0.1:{hospital.orthanc.http}/modalities/receiver/echo"
        assert httpx.post(url, json={}, timeout=30).status_code == 200
