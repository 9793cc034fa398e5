"""What may be said of an error: a code to others, kind and line to the hospital's own log. Never its text."""

from shared_model.errors import DISK_FULL, PneumofedError
from shared_model.protocol import INTERNAL_ERROR, is_code


def code_of(error: BaseException) -> str:
    """The error's own code where it is one of ours, `disk-full`, or `internal-error` for any other."""
    if isinstance(error, PneumofedError) and is_code(error.code):
        return error.code
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return "disk-full"
    return INTERNAL_ERROR


def place_of(error: BaseException) -> str:
    """Kind and line of the fault, without the exception's text: it may hold a path or a name."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    module = trace.tb_frame.f_globals.get("__name__", "?")
    return f"{type(error).__name__} in {module}, line {trace.tb_lineno}"
