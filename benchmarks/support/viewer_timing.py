"""A reading room with one scan under several names, served as a process and looked at in Chromium."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import Page

from benchmarks.diagnose import HEIGHT_MM
from benchmarks.support.diagnosis_timing import random_model
from benchmarks.support.phantom_series import write_phantom
from client.diagnosis.diagnose import diagnose
from client.diagnosis.diagnose_folder import load_for_diagnosis
from client.diagnosis.diagnosis_output import write_diagnosis
from client.diagnosis.study_files import files_digest
from client.diagnosis.viewing_output import write_viewing_file
from preprocessing.phantom.presets import SCANNERS
from preprocessing.reading.series_selection import select_series
from preprocessing.reading.volume import load_volume
from tests.support.chromium import chromium
from tests.support.processes import pneumofed, running, wait_until
from tests.support.viewed_studies import PASSWORD, read_as

READER = "ada"
# Drawing happens in a frame's callback; a message that is posted there is handled once the frame is painted.
_CLOCK = """
window.painted = () => new Promise(done => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done(performance.now());
  port2.postMessage(null);
}));
window.drawn = (isShown) => new Promise(done => {
  const look = () => {
    const canvas = document.getElementById('scan');
    if (!canvas || !isShown(canvas.dataset.drawn)) return;
    watch.disconnect();
    window.painted().then(done);
  };
  const watch = new MutationObserver(look);
  watch.observe(document, { subtree: true, childList: true, attributeFilter: ['data-drawn'] });
  look();
});
window.first = window.drawn(shown => shown && !shown.endsWith('loading'));
"""
_CHANGE = """async ([key, slice]) => {
  const canvas = document.getElementById('scan'), slider = document.getElementById('slice');
  const from = Number(canvas.dataset.drawn.split(' ')[1]);
  const to = key ? from + (key === 'ArrowUp' ? 1 : -1) : slice;
  const started = performance.now();
  if (key) canvas.dispatchEvent(new KeyboardEvent('keydown', { key }));
  else { slider.value = slice + 1; slider.dispatchEvent(new Event('input')); }
  return await window.drawn(shown => shown === `axial ${to}`) - started;
}"""


@dataclass(frozen=True)
class FilledRoom:
    """pacs: its pacs.toml. viewing_s, viewing_mb: what viewing.zip of the one scan takes."""

    pacs: Path
    names: tuple[str, ...]
    slices: int
    viewing_s: float
    viewing_mb: float


@dataclass(frozen=True)
class Server:
    """A room's server, as a process."""

    address: str
    pid: int
    room: FilledRoom


@dataclass(frozen=True)
class ViewerTiming:
    """first_ms: of each scan; change_ms: of each change of a slice."""

    first_ms: list[float]
    change_ms: list[float]
    peak_mb: float
    errors: int


def fill_room(work: Path, slices: int, scans: int) -> FilledRoom:
    """Diagnose a phantom of about `slices` slices and give it `scans` names; one reader, not blinded."""
    scanner = replace(SCANNERS[0], spacing_mm=HEIGHT_MM / slices, thickness_mm=HEIGHT_MM / slices)
    random_model(work / "model", 0.125)
    names = tuple(f"scan{number}" for number in range(scans))
    first, results = work / "inbox" / names[0], work / "results" / names[0]
    first.mkdir(parents=True)
    images = write_phantom(first / "images", "covid", scanner, 1)
    (first / "complete").touch()
    series = select_series(images).required()
    diagnosis = diagnose(series, load_for_diagnosis(work / "model", "cpu"))
    write_diagnosis(replace(diagnosis, files_sha256=files_digest(images)), results)
    started = time.perf_counter()
    write_viewing_file(results / "viewing.zip", diagnosis, load_volume(series).hu)
    seconds, size = time.perf_counter() - started, (results / "viewing.zip").stat().st_size / 1e6
    for name in names[1:]:
        shutil.copytree(first, work / "inbox" / name, copy_function=os.link)
        shutil.copytree(results, work / "results" / name)
    (work / "pacs.toml").write_text("[read]\nport = 0\nblinded = false\n")
    add = [*pneumofed("hospital", "reader", "add", READER, "--pacs", work / "pacs.toml")]
    subprocess.run(add, input=PASSWORD, text=True, check=True, capture_output=True)
    return FilledRoom(work / "pacs.toml", names, len(diagnosis.scan.images), seconds, size)


@contextmanager
def served(room: FilledRoom) -> Iterator[Server]:
    """`hospital read` as a process, from when it tells its address."""
    log = room.pacs.parent / "read.log"
    with running(pneumofed("hospital", "read", "--pacs", room.pacs), log) as process:
        wait_until(
            lambda: log.exists() and "open http" in log.read_text(), seconds=60, what="the reading room"
        )
        address = re.search(r"http://[\d.:]+", log.read_text())
        if address is None:
            raise ValueError("the reading room told no address")
        yield Server(address[0], process.pid, room)


def time_viewer(server: Server, changes: int, requests: int) -> ViewerTiming:
    """Open all scans of the room in tabs, change slices in each, then ask for many pages at once."""
    names, first_ms, change_ms = server.room.names, [], []
    with chromium() as browser:
        context = read_as(browser, server.address, "/", reader=READER).page.context
        context.add_init_script(_CLOCK)
        for number, name in enumerate(names):
            page = context.new_page()
            page.goto(f"{server.address}/scans/{name}")
            first_ms.append(page.evaluate("() => window.first"))
            change_ms += _changes(page, server.room.slices, changes // len(names), number)
        errors = _parallel_errors(server, requests)
        peak_mb = _peak_mb(server.pid)
    return ViewerTiming(first_ms, change_ms, peak_mb, errors)


def _changes(page: Page, slices: int, count: int, seed: int) -> list[float]:
    """A third of steps by a key at once, a third of jumps, a third of steps when all slices are loaded."""
    rng, third = np.random.default_rng(seed), count // 3
    steps, jumps = [["ArrowDown", 0]] * third, [["", int(one)] for one in rng.integers(0, slices, third)]
    times = [page.evaluate(_CHANGE, one) for one in (*steps, *jumps)]
    page.wait_for_selector("#loaded:empty", state="attached", timeout=120_000)
    page.evaluate(_CHANGE, ["", slices // 2])
    return times + [page.evaluate(_CHANGE, one) for one in [["ArrowUp", 0]] * third]


def _parallel_errors(server: Server, requests: int) -> int:
    """How many of so many requests at once, for pages of scans, are not answered with the page."""
    with httpx.Client(base_url=server.address, headers={"origin": server.address}) as client:
        client.post("/login", data={"name": READER, "password": PASSWORD})
        cookies = dict(client.cookies)

    def is_wrong(number: int) -> bool:
        path = f"/scans/{server.room.names[number % len(server.room.names)]}"
        try:
            answer = httpx.get(server.address + path, cookies=cookies, timeout=60)
        except httpx.HTTPError:
            return True
        return answer.status_code != 200 or 'id="viewer"' not in answer.text

    with ThreadPoolExecutor(requests) as threads:
        return sum(threads.map(is_wrong, range(requests)))


def _peak_mb(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise ValueError("the system tells no peak memory")
    return int(found[1]) / 1024


def figures_of(room: FilledRoom, timing: ViewerTiming) -> dict[str, float | None]:
    return {
        "first_picture_ms": max(timing.first_ms),
        "slice_change_ms": float(np.median(timing.change_ms)),
        "slice_change_p95_ms": float(np.percentile(timing.change_ms, 95)),
        "server_peak_mb": timing.peak_mb,
        "parallel_errors": float(timing.errors),
        "viewing_s": 100 * room.viewing_s / room.slices,
        "viewing_mb": 100 * room.viewing_mb / room.slices,
    }
