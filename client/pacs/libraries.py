"""The libraries of the extra `pacs`: whether they are there, and that they log nothing of a patient."""

import logging
import warnings
from importlib.util import find_spec

from shared_model.errors import PneumofedError

_QUOTING = ("pynetdicom", "pydicom", "dicomweb_client", "urllib3", "requests", "highdicom")


def check_pacs_libraries() -> None:
    """Raises PneumofedError `pacs-missing`."""
    if find_spec("pynetdicom") is None or find_spec("dicomweb_client") is None:
        raise PneumofedError(
            "pacs-missing",
            "pynetdicom or dicomweb-client is missing; install pneumofed with its extra: pneumofed[pacs]",
        )


def quiet_libraries() -> None:
    """For the rest of this process: they quote what they read. What matters is logged by a code."""
    for name in _QUOTING:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore")  # pydicom warns with the value
