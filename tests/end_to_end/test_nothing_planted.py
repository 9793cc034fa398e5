"""Names, ids and dates are planted in scans wherever they fit; none is found in what is kept or sent.

Looked through byte by byte, also what is compressed: the store, the ledger, the model, the report, every
message of the federation, and all that was logged or printed on the way, through success and failure.
"""

import logging
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from flwr.common.serde import message_to_proto
from pydicom import Dataset, dcmread
from pydicom.config import disable_value_validation
from pydicom.datadict import DicomDictionary
from pydicom.sequence import Sequence
from pydicom.uid import SecondaryCaptureImageStorage

from client.learning.site import Site
from deploy.simulation.local_grid import LocalGrid, client_app
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from preprocessing.store.lobe_store import LobeStore
from server import messages
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.model_card import model_card
from server.report.report_files import write_report
from server.rounds import run_study
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import TrainRequest
from shared_model.saved_model import save_model
from shared_model.study import NetworkConfig, SplitConfig, StudyConfig
from shared_model.study_stage import StageConfig
from tests.support.chests import chest, write_series
from tests.support.initial_weights import initial_weights

ROOT = Path(__file__).resolve().parents[2]
NAME, DATE, TIME, UID_ROOT, NUMBER = "Zzyzx", "19470312", "112358.13", "2.25.4711471147", "1471147114"
# As bytes of ASCII, or of UTF-16.
PLANTED = re.compile(
    rb"z\0?z\0?y\0?z\0?x|1\0?9\0?4\0?7-?\0?0\0?3-?\0?1\0?2|112358\.13|2\.25\.4711471147|1471147114",
    re.IGNORECASE,
)

TEXT = {
    "AE": "ZZYZX", "AS": "047Y", "CS": "ZZYZX", "DA": DATE, "DT": f"{DATE}101112", "LO": f"{NAME} lo",
    "LT": f"{NAME} lt", "PN": f"{NAME}^Jane", "SH": f"{NAME} sh", "ST": f"{NAME} st", "TM": TIME,
    "UC": f"{NAME} uc", "UI": f"{UID_ROOT}.7", "UR": f"http://{NAME}.example/x", "UT": f"{NAME} ut",
    "IS": NUMBER, "DS": NUMBER,
}  # fmt: skip
# What the reader needs to see a CT slice at all.
NEEDED = {"SpecificCharacterSet", "SOPClassUID", "Modality", "ImageType", "PixelSpacing", "RescaleType",
          "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept",
          "PhotometricInterpretation", "NumberOfFrames", "SliceThickness", "SOPInstanceUID"}  # fmt: skip


def plant(path: Path, study: int, count: int, *, fully: bool) -> None:
    """Fill every text attribute of the standard that a file can hold (or some), private ones, a sequence."""
    data = dcmread(path)
    inner = Dataset()
    inner.PatientName, inner.PatientID, inner.StudyDate = f"{NAME}^Inner", NUMBER, DATE
    with disable_value_validation():
        for tag, (vr, _, _, retired, keyword) in DicomDictionary.items():
            some = fully or keyword.startswith(("Patient", "ScanRecord", "Series", "Institution"))
            if some and vr in TEXT and keyword not in NEEDED and not retired and 8 <= tag >> 16 < 0x5000:
                data.add_new(tag, vr, TEXT[vr])
        data.RequestAttributesSequence = Sequence([inner])
        data.SeriesInstanceUID, data.PatientID = f"{UID_ROOT}.{study}", f"{NUMBER}{study}"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{UID_ROOT}.{study}.{count}"
        for group in (0x0009, 0x0019, 0x0029):
            block = data.private_block(group, f"{NAME} private", create=True)
            block.add_new(1, "LO", f"{NAME} in private")
            block.add_new(2, "UN", f"{NAME}\0{DATE}".encode("utf-16-le"))
            block.add_new(3, "SQ", Sequence([inner]))
        data.save_as(path)


def burn_in(path: Path) -> None:
    """Make the file a screenshot with a name drawn into it, and in its very bytes."""
    data = dcmread(path)
    drawn = np.zeros((data.Rows, data.Columns), np.uint8)
    cv2.putText(drawn, f"{NAME} {DATE}", (2, 40), cv2.FONT_HERSHEY_PLAIN, 0.8, 255)
    picture = np.where(drawn > 0, 3000, 0).astype(np.uint16)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.PixelData = picture.tobytes()[:-64] + f"{NAME} {DATE}".encode().ljust(64)
    data.save_as(path)


def hospital(folder: Path) -> tuple[Path, Path]:
    """Studies that can be used, and one each that fails in the headers, in the pixels, and in the lobes."""
    studies = folder / "studies"
    rows = ["study,label"]
    for number, label in enumerate(("covid", "other", "healthy", "covid", "other", "healthy")):
        name = f"{NAME}^Jane{number}_{DATE}"
        hu, _ = chest(12, 96, seed=number)
        kind = ("good", "good", "good", "no-lungs", "bad-pixels", "bad-header")[number]
        if kind == "no-lungs":
            hu = np.where(hu < -300, 40, hu).astype(np.int16)
            hu[:, :8] = -1000
        tags = {"Modality": "ZZYZX"} if kind == "bad-header" else {}
        paths = write_series(studies / name, hu, patient_id=f"{NUMBER}{number}", **tags)
        paths = [path.rename(path.with_name(f"{NAME}_{path.name}")) for path in paths]
        for count, path in enumerate(paths):  # all attributes take a while to write: one study has them
            plant(path, number, count, fully=number == 0)
        (shot,) = write_series(studies / name / f"{NAME} shots", hu[:1], patient_id=f"{NUMBER}{number}")
        burn_in(shot)
        if kind == "bad-pixels":
            data = dcmread(paths[3])
            data.BitsStored, data.HighBit = 9, 8  # the bits above do not fit
            data.save_as(paths[3])
        (studies / name / f"{NAME} {DATE}.txt").write_text(f"{NAME}, {DATE}")
        rows.append(f"{name},{label}")
    labels = folder / f"{NAME}.csv"
    labels.write_text("\n".join(rows) + "\n")
    return studies, labels


def contents(folder: Path) -> bytes:
    """Names and bytes of all files under `folder`, also unpacked."""
    parts = []
    for path in sorted(folder.rglob("*")):
        parts.append(str(path.relative_to(folder)).encode())
        if path.is_file():
            raw = path.read_bytes()
            parts.append(raw)
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as packed:
                    parts += [packed.read(name) for name in packed.namelist()]
    return b"\0".join(parts)


def unpacked(store: LobeStore) -> bytes:
    """All arrays of a store, decompressed."""
    parts = []
    for scan in store.scans():
        arrays = store.read(scan.key, range(len(scan.side)))
        parts += [arrays.images.tobytes(), arrays.distance.tobytes()]
        parts += [arrays.mask.tobytes(), arrays.semi_infection.tobytes()]
    return b"\0".join(parts)


def nothing_in(content: bytes, where: str) -> None:
    found = PLANTED.search(content)
    assert found is None, f"{where}: {content[max(0, found.start() - 60) : found.end() + 60]!r}"


def prepare(studies: Path, labels: Path, store: Path, *words: str) -> bytes:
    command = [sys.executable, "-m", "deploy.commands", "hospital", "prepare", str(studies),
               "--labels", str(labels), "--store", str(store), *words]  # fmt: skip
    run = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert run.returncode in (0, 1), run.stderr.decode()
    return run.stdout + b"\0" + run.stderr


class ListeningGrid(LocalGrid):
    """Keeps the bytes of all messages that cross."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.crossed: list[bytes] = []

    def answer(self, message: object) -> object:
        reply = super().answer(message)  # type: ignore[arg-type]
        for one in (message, reply):
            self.crossed.append(message_to_proto(one).SerializeToString())  # type: ignore[arg-type]
            self.crossed.append(repr(one.content if one.has_content() else one.error).encode())  # type: ignore[attr-defined]
        return reply


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return hospital(tmp_path_factory.mktemp("archive"))


def test_nothing_planted_is_kept_logged_or_sent(archive, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    studies, labels = archive
    assert len(PLANTED.findall(contents(studies))) > 10_000  # the search finds what is there

    printed = prepare(studies, labels, tmp_path / "store")
    printed += prepare(studies, labels, tmp_path / "store", "--json", "--jobs", "2")
    store = LobeStore.open(tmp_path / "store")
    assert len(store.scans()) == 3
    rejected = (tmp_path / "store" / "rejected.csv").read_text()
    assert "stray-bits" in rejected and "wrong-modality" in rejected
    assert "no-lungs" in rejected or "no-background" in rejected
    arrays = unpacked(store)
    for shot in studies.rglob("* shots/*.dcm"):
        picture = dcmread(shot).pixel_array
        burned = picture[np.flatnonzero((picture == 3000).any(1))[0]]
        assert burned.tobytes() not in arrays

    study = StudyConfig(
        name="test", seed=3, preprocessing=store.fingerprint,
        network=NetworkConfig(width=0.0625, dropout=0.0, pooling="mean", init="random"),
        split=SplitConfig(train=0.98, validation=0.01, test=0.01),  # secrets are random
        stages=(StageConfig(name="one", networks=("diseased", "covid"), rounds=1, scans_per_batch=3,
                            lobes_per_scan=2),),
    )  # fmt: skip
    site = Site(store, study, role="training", count_floor=1)
    grid = ListeningGrid(client_app(lambda _: site), ["a"])
    weights = initial_weights(study)
    ledger = Ledger(tmp_path / "ledger", study, weights)
    result = run_study(
        grid, study, weights, ledger=ledger, policy=RoundPolicy(poll_s=0), trained_on="phantoms"
    )
    save_model(tmp_path / "model", result.weights, model_card(result))
    (tmp_path / "report").mkdir()
    write_report(tmp_path / "report", result)
    assert len(grid.crossed) >= 4

    # A forced error: the store's arrays are broken, and the hospital is asked to train again.
    for path in (tmp_path / "store" / "studies").rglob("*"):
        if path.is_file() and path.suffix != ".json":
            path.write_bytes(b"broken")
    (node,) = grid.get_node_ids()
    request = messages.train_request(Proposal.of(study, weights), weights, TrainRequest(0, 1))
    (reply,) = grid.send_and_receive([grid.create_message(request, "train", node, "1")])
    assert reply.has_error()

    nothing_in(printed, "what prepare printed")
    nothing_in(arrays, "the store's arrays")
    nothing_in(contents(tmp_path / "store"), "the store")
    nothing_in(contents(tmp_path / "ledger"), "the ledger")
    for folder in ("model", "report"):
        assert len(list((tmp_path / folder).rglob("*"))) >= 2
        nothing_in(contents(tmp_path / folder), f"the {folder}")
    nothing_in(b"\0".join(grid.crossed), "the messages")
    nothing_in(caplog.text.encode(), "the log")
    nothing_in("\0".join(capfd.readouterr()).encode(), "what training printed")


def test_an_exception_names_a_code_and_nothing_of_the_file(archive):
    errors = 0
    for folder in archive[0].iterdir():
        report = find_series(folder)
        nothing_in("\0".join(one.reason + one.code for one in report.refused).encode(), "reasons")
        for series in report.accepted:
            try:
                load_volume(series)
            except PneumofedError as error:
                errors += 1
                nothing_in(f"{error!r} {error}".encode(), "an exception")
                assert error.__cause__ is None and error.__suppress_context__
    assert errors == 1
