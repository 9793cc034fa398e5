"""Diagnoses a folder of studies one after the other, resumable, into a folder of results and a worklist.

    OUT/worklist.csv    the order in which to read them: client/diagnosis/worklist.py
    OUT/STUDY/          results of the study in the folder of that name: client/diagnosis/diagnosis_output.py

A study that fails does not stop the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from client.diagnosis.diagnose import LoadedModel
from client.diagnosis.diagnose_folder import diagnose_folder
from client.diagnosis.diagnosis_output import (
    check_output_folder,
    has_dicom,
    has_viewing_file,
    remove_diagnosis,
)
from client.diagnosis.diagnosis_step import OnStep
from client.diagnosis.document import DiagnosisDocument, read_diagnosis
from client.diagnosis.earlier_scans import earlier_scans
from client.diagnosis.study_files import files_digest
from client.diagnosis.worklist import WORKLIST, WorklistRow, worklist, worklist_csv
from preprocessing.reading.plain_names import printable
from preprocessing.study_preparation.separate_studies import StudyFolder
from shared_model.errors import DISK_FULL, PneumofedError
from shared_model.file_lock import exclusive
from shared_model.files import write_atomically
from shared_model.progress import Progress


@dataclass(frozen=True)
class StudiesReport:
    """The worklist's rows, and how many of these studies an earlier call has diagnosed."""

    rows: tuple[WorklistRow, ...]
    present: int

    @property
    def failed(self) -> int:
        return sum(row.code is not None for row in self.rows)

    @property
    def diagnosed(self) -> int:
        """How many this call has diagnosed."""
        return len(self.rows) - self.failed - self.present


def diagnose_studies(
    folder: Path,
    studies: Mapping[str, StudyFolder],
    model: LoadedModel,
    out: Path,
    *,
    dicom: bool = False,
    progress: Progress | None = None,
) -> StudiesReport:
    """Diagnose the `studies` of `folder` (see `separate_studies`), each into OUT/ITS-NAME.

    A study that this model has diagnosed, of which no file has changed since, is not diagnosed again; results
    of other files or another model are removed first. A study that cannot be diagnosed is a row with its
    reason, and the rest goes on. The worklist is written after each study: after a killed call it lists those
    done so far. `progress` is called after each study. Raises PneumofedError `out-is-a-file`, `out-inside`,
    `out-busy` before any work; OSError if `out` cannot be written.
    """
    check_output_folder(out)
    if out.resolve().is_relative_to(folder.resolve()):
        raise PneumofedError("out-inside", f"{out}: lies in the folder of studies; name a place beside it")
    out.mkdir(parents=True, exist_ok=True)
    busy = PneumofedError("out-busy", f"{out}: another process writes results here; wait until it has ended")
    earlier = earlier_scans(
        {printable(name): one.identifiers for name, one in studies.items() if one.identifiers}
    )
    outcomes: dict[str, DiagnosisDocument | PneumofedError] = {}
    present = 0
    with exclusive(out, create=False, refusal=busy):
        for name, study in studies.items():
            known = known_diagnosis(study.path, model, out / name, dicom=dicom)
            outcome = known or diagnosis_or_reason(study.path, model, out / name, dicom=dicom)
            present += known is not None
            outcomes[printable(name)] = outcome
            write_atomically(out / WORKLIST, worklist_csv(worklist(outcomes, earlier)))
            if progress is not None:
                progress(len(outcomes), len(studies))
    return StudiesReport(worklist(outcomes, earlier), present)


def known_diagnosis(
    folder: Path, model: LoadedModel, out: Path, *, dicom: bool, viewing: bool = False
) -> DiagnosisDocument | None:
    """The document in `out`, without slices, if this model made it of the files that are in `folder` now.

    dicom: and if its DICOM results are there; viewing: and its viewing.zip.
    """
    known = read_diagnosis(out)
    if known is None or (dicom and not has_dicom(out)) or (viewing and not has_viewing_file(out)):
        return None
    made_of = (known.model.weights_sha256, known.model.card_sha256, known.files_sha256)
    now = (model.card.weights_sha256, model.card.card_sha256, files_digest(folder))
    return _without_slices(known) if made_of == now else None


def _without_slices(document: DiagnosisDocument) -> DiagnosisDocument:
    return document.model_copy(update={"slices": []})  # of hundreds of studies, they would fill the memory


def diagnosis_or_reason(
    folder: Path,
    model: LoadedModel,
    out: Path,
    *,
    dicom: bool,
    viewing: bool = False,
    on_step: OnStep | None = None,
) -> DiagnosisDocument | PneumofedError:
    """Diagnose the study in `folder`: its document, without slices, or why there is none.

    What an earlier diagnosis left in `out` is removed first. on_step: is told of each step. Raises
    OSError if the disk is full.
    """
    try:
        remove_diagnosis(out)
        made = diagnose_folder(folder, model, out, dicom=dicom, viewing=viewing, on_step=on_step)
        return _without_slices(DiagnosisDocument.model_validate(made))
    except PneumofedError as error:
        return PneumofedError(error.code, str(error).removeprefix(f"{folder}: "))
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        return _unexpected(error)
    except Exception as error:  # of code that meets input nobody thought of: the other studies go on
        return _unexpected(error)


def _unexpected(error: Exception) -> PneumofedError:
    reason = f"diagnosing this study failed ({type(error).__name__}); set it aside and report this"
    return PneumofedError("unexpected-fault", reason)
