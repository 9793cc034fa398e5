"""A real PACS: Debian's Orthanc with its DICOMweb plugin, on loopback, with a database of the test's own."""

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import running, wait_until

_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
TITLE = "ORTHANC"

needs_orthanc = pytest.mark.skipif(
    shutil.which("Orthanc") is None or not _PLUGIN.exists(),
    reason="Orthanc is not installed: Debian's packages orthanc and orthanc-dicomweb",
)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(frozen=True)
class Orthanc:
    """One that may be started and ended again with what it holds. dicom, http: its ports on loopback;
    peer: the port of the receiver that it knows as PNEUMOFED.
    """

    folder: Path
    dicom: int
    http: int
    peer: int

    @property
    def web(self) -> str:
        """Address of its DICOMweb service."""
        return f"http://127.0.0.1:{self.http}/dicom-web"

    @contextmanager
    def running(self) -> Iterator[None]:
        self.folder.mkdir(exist_ok=True)
        settings = self.folder / "orthanc.json"
        settings.write_text(json.dumps(self._settings()))
        with running(["Orthanc", str(settings)], self.folder / "log"):
            wait_until(self._answers, seconds=60, what="Orthanc")
            yield

    def _settings(self) -> dict[str, Any]:
        return {
            "Name": "test", "StorageDirectory": str(self.folder / "db"), "Plugins": [str(_PLUGIN)],
            "IndexDirectory": str(self.folder / "db"), "DicomAet": TITLE, "DicomPort": self.dicom,
            "HttpPort": self.http, "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
            "DicomAlwaysAllowStore": True, "DicomCheckCalledAet": True, "StableAge": 1,
            "DicomModalities": {"receiver": ["PNEUMOFED", "127.0.0.1", self.peer]},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }  # fmt: skip

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.http}/system", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def call(self, path: str, **post: Any) -> Any:
        """The REST answer to a GET, or to a POST of `json` or `content`."""
        url = f"http://127.0.0.1:{self.http}/{path}"
        answer = httpx.post(url, timeout=120, **post) if post else httpx.get(url, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def upload(self, folder: Path) -> None:
        """Put all files of `folder` into it."""
        for path in sorted(folder.iterdir()):
            self.call("instances", content=path.read_bytes())

    def push_all(self) -> None:
        """Send all studies to the receiver by C-STORE."""
        self.call("modalities/receiver/store", json=self.call("studies"))

    def counts(self, study_uid: str) -> dict[str, int]:
        """How many instances it has of each modality in a study."""
        found: dict[str, int] = {}
        for study in self.call(
            "tools/find", json={"Level": "Study", "Query": {"StudyInstanceUID": study_uid}}
        ):
            for series in self.call(f"studies/{study}/series"):
                modality = series["MainDicomTags"]["Modality"]
                found[modality] = found.get(modality, 0) + len(series["Instances"])
        return found
