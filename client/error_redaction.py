"""What may be disclosed of an error: its code to others, its type and line to the hospital's own log.

Never its text, which may contain a path or a name.
"""

from shared_model.errors import DISK_FULL, PneumofedError
from shared_model.protocol import INTERNAL_ERROR, is_code


def code_of(error: BaseException) -> str:
    """The code of a PneumofedError, `disk-full`, or `internal-error` for any other error."""
    if isinstance(error, PneumofedError) and is_code(error.code):
        return error.code
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return "disk-full"
    return INTERNAL_ERROR


def place_of(error: BaseException) -> str:
    """The error's type, and the module and line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    module = trace.tb_frame.f_globals.get("__name__", "?")
    return f"{type(error).__name__} in {module}, line {trace.tb_lineno}"
