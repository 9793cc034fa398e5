"""A clock that is ahead for the processes of one hospital, by seconds that a test sets while they run."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) {
    static const char *path;
    char text[24] = {0};
    if (!path) path = getenv("CLOCK_AHEAD");
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
    close(file);
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, now);
    if (!code && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    int code = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return code;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
"""


@dataclass(frozen=True)
class Clock:
    """The clock of all processes that start with `environment`."""

    shim: Path
    setting: Path

    @property
    def environment(self) -> list[str]:
        """The start of a command that goes by this clock."""
        return ["env", f"LD_PRELOAD={self.shim}", f"CLOCK_AHEAD={self.setting}"]

    def ahead(self, seconds: int) -> None:
        self.setting.write_text(str(seconds))


def built(folder: Path) -> Clock:
    """A right clock for now; a skip where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is here to build a wrong clock with")
    source, clock = folder / "clock.c", Clock(folder / "clock.so", folder / "clock")
    source.write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", clock.shim, source, "-ldl"], check=True)
    clock.ahead(0)
    return clock
