"""Libraries that quote what they read are silent in these processes."""

import subprocess
import sys

import pytest

from client.pacs import libraries as module
from client.pacs.libraries import check_pacs_libraries
from shared_model.errors import PneumofedError
from tests.support.processes import ROOT

_SCRIPT = """
import logging
from client.pacs.libraries import quiet_libraries
from deploy.logs import log_to_stderr
log_to_stderr()
quiet_libraries()
for name in ("pynetdicom.dul", "pydicom", "dicomweb_client.web", "urllib3.connectionpool"):
    logging.getLogger(name).critical("Quillfeather")
logging.getLogger("pneumofed").info("counted")
"""


def test_they_say_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 and "counted" in done.stderr
    assert "Quillfeather" not in done.stdout + done.stderr


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    check_pacs_libraries()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(PneumofedError, match=r"pneumofed\[pacs\]") as caught:
        check_pacs_libraries()
    assert caught.value.code == "pacs-missing"
