"""Writes the README's pictures to docs/images/: `python -m docs.make_pictures DEMO`, the folder of a demo.

report.png: the head of the report, in Chromium; slice.png: the worst slice of a phantom with COVID-19 of a
held-out hospital; reading-room.png: the same scan's page in a reading room that is not blinded.
"""

import csv
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from client.diagnosis.diagnose_folder import diagnose_folder, load_for_diagnosis
from client.pacs.inbox import Inbox
from preprocessing.reading.file_walk import walk_files

IMAGES = Path(__file__).parent / "images"
HELD_OUT = "harbour"
REPORT_SIZE, ROOM_SIZE = (1000, 760), (1280, 900)
"""Width and height in CSS pixels."""
READER, PASSWORD = "ada", "only-for-this-picture"


def main(demo: Path) -> None:
    """Write all pictures; demo: the folder that `pneumofed demo` made."""
    IMAGES.mkdir(exist_ok=True)
    with chromium_page(REPORT_SIZE) as page:
        page.goto((demo / "report.html").resolve().as_uri())
        page.screenshot(path=IMAGES / "report.png")
    with TemporaryDirectory() as folder:
        take_slice(demo, Path(folder), IMAGES / "slice.png")
    with TemporaryDirectory() as folder:
        take_room(demo, Path(folder), IMAGES / "reading-room.png")


@contextmanager
def chromium_page(size: tuple[int, int]) -> Iterator[Page]:
    """A page of Chromium, dark, of this width and height."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        width, height = size
        yield browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark")
        browser.close()


def study_of(demo: Path) -> Path:
    """The first scan with COVID-19 of the held-out hospital."""
    hospital = demo / "hospitals" / HELD_OUT
    with (hospital / "labels.csv").open() as labels:
        name = next(row["study"] for row in csv.DictReader(labels) if row["label"] == "covid")
    return hospital / "studies" / name


def take_slice(demo: Path, folder: Path, picture: Path) -> None:
    """The slice to look at first, as `diagnose` draws it; folder: an empty one for its results."""
    diagnose_folder(study_of(demo), load_for_diagnosis(demo / "model", "cpu"), folder / "out")
    shutil.copyfile(folder / "out" / "slice-01.png", picture)


def take_room(demo: Path, folder: Path, picture: Path) -> None:
    """The scan's page, of a reading room in the empty `folder` that has received and diagnosed the scan."""
    inbox = Inbox(folder / "inbox")
    for path, _ in walk_files(study_of(demo)):
        name = inbox.take(Path(shutil.copy(path, inbox.incoming / path.name)))
    inbox.mark_complete(name)
    settings = folder / "pacs.toml"
    settings.write_text(f'model = "{(demo / "model").resolve()}"\n[read]\nblinded = false\n')
    run(settings, "diagnose", "--once")
    run(settings, "reader", "add", READER, said=PASSWORD)
    with room_address(settings) as address, chromium_page(ROOM_SIZE) as page:
        page.goto(address)
        page.fill("[name=name]", READER)
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.click(f"#row-{name} a")
        page.wait_for_selector("#loaded")
        page.wait_for_load_state("networkidle")  # all slices are there
        page.screenshot(path=picture)


def run(settings: Path, *words: str, said: str = "") -> None:
    """A command of `pneumofed hospital` to its end; said: its standard input."""
    subprocess.run([*command(*words), "--pacs", str(settings)], input=said, text=True, check=True)


def command(*words: str) -> list[str]:
    """`pneumofed hospital` with `words`."""
    return [sys.executable, "-m", "deploy.commands", "hospital", *words]


@contextmanager
def room_address(settings: Path) -> Iterator[str]:
    """The address of a reading room that runs until the block ends."""
    with subprocess.Popen(
        [*command("read"), "--pacs", str(settings)], stdout=subprocess.PIPE, text=True
    ) as room:
        assert room.stdout is not None
        yield room.stdout.readline().split()[-1]
        room.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
