"""glibc malloc settings that keep freed memory in the process.

Without them a third of a training step on the CPU is page faults.
"""

import ctypes
import ctypes.util

# glibc's malloc.h: parameters of mallopt(3).
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_MAX = -4
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Make glibc reuse large blocks instead of returning them to the kernel after every tensor.

    Peak memory does not change; it is returned when the process ends. Returns whether the C library accepted
    the settings (only glibc has them); only speed depends on it.
    """
    mallopt = getattr(ctypes.CDLL(ctypes.util.find_library("c")), "mallopt", None)
    if mallopt is None:
        return False
    settings = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _LARGEST_INT, _M_TOP_PAD: 512 * 2**20}
    return all(mallopt(name, value) == 1 for name, value in settings.items())
