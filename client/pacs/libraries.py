"""The libraries of the extra `pacs`: whether they are there, and that they log nothing of a patient."""

import logging
from importlib.util import find_spec

from shared_model.errors import PneumofedError


def check_pacs_libraries() -> None:
    """Raises PneumofedError `pacs-missing`."""
    if find_spec("pynetdicom") is None or find_spec("dicomweb_client") is None:
        raise PneumofedError(
            "pacs-missing",
            "pynetdicom or dicomweb-client is missing; install pneumofed with its extra: pneumofed[pacs]",
        )


def quiet_libraries() -> None:
    """After `log_to_stderr`: log for the rest of this process what pneumofed says, and of no library a word.

    They quote what they read. What matters of it is counted, and logged by a code. Their warnings are off in
    every command.
    """
    for handler in logging.getLogger().handlers:
        handler.addFilter(logging.Filter("pneumofed"))
