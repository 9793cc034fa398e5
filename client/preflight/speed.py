"""Preflight checks of clock, latency and bandwidth, by the coordinator's replies to empty requests."""

import http.client
import socket
import time
from email.utils import parsedate_to_datetime
from statistics import median

from client.preflight.check_result import CheckResult, fail, ok, warn

WARN_SKEW_S, FAIL_SKEW_S = 3.0, 8.0  # Flower's node ends when its clock is more than about 8 s ahead
PINGS, SLOW_PING_S = 5, 0.5
UPLOAD_BYTES, UPLOAD_S, PIECE = 4_000_000, 5.0, 65_536
SLOW_BYTES_PER_S, WEIGHTS_BYTES = 500_000, 13_000_000


def check_speed(channel: http.client.HTTPSConnection) -> list[CheckResult]:
    """Clock, latency and bandwidth, over one connection. Raises OSError or HTTPException if it breaks."""
    seconds, skews = [], []
    for _ in range(PINGS):
        sent, begun = time.time(), time.monotonic()
        channel.request("GET", "/")
        answer = channel.getresponse()
        answer.read()
        seconds.append(time.monotonic() - begun)
        if answer.getheader("Date"):
            skews.append(sent + seconds[-1] / 2 - _midpoint(answer.getheader("Date", "")))
    return [_clock(skews), _latency(median(seconds)), _bandwidth(channel)]


def _midpoint(date: str) -> float:
    """The middle of the second that an HTTP Date header gives, in seconds since 1970."""
    return parsedate_to_datetime(date).timestamp() + 0.5


def _clock(skews: list[float]) -> CheckResult:
    if not skews:
        return warn("clock", "the coordinator does not send its time", "compare both clocks by hand")
    skew = median(skews)
    found = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the coordinator's"
    remedy = "synchronise this machine's clock (NTP); if it is right, tell the coordinator"
    if abs(skew) > FAIL_SKEW_S:
        return fail("clock", found, remedy)
    return warn("clock", found, remedy) if abs(skew) > WARN_SKEW_S else ok("clock", found)


def _latency(seconds: float) -> CheckResult:
    found = f"{1000 * seconds:.0f} ms round trip"
    remedy = "training works; ask your network administrators about the latency"
    return warn("latency", found, remedy) if seconds > SLOW_PING_S else ok("latency", found)


def _bandwidth(channel: http.client.HTTPSConnection) -> CheckResult:
    """Sends zeros for at most UPLOAD_S; the coordinator's proxy discards them."""
    channel.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)  # else a buffer takes most of it
    channel.putrequest("POST", "/")
    channel.putheader("Content-Length", str(UPLOAD_BYTES))
    channel.endheaders()
    begun, sent = time.monotonic(), 0
    while sent < UPLOAD_BYTES and time.monotonic() - begun < UPLOAD_S:
        try:
            channel.sock.sendall(bytes(PIECE))
        except OSError:
            break
        sent += PIECE
    rate = sent / (time.monotonic() - begun)
    if sent < 4 * PIECE:
        return warn("bandwidth", "not measured: the connection was closed", "measure it with another tool")
    found = f"{rate / 1e6:.2f} MB/s up: a round's 13 MB take {WEIGHTS_BYTES / rate:.0f} s"
    remedy = "training works, rounds wait for this hospital; ask for a faster line"
    return warn("bandwidth", found, remedy) if rate < SLOW_BYTES_PER_S else ok("bandwidth", found)
