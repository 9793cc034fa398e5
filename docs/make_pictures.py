"""Writes the README's pictures to docs/images/: `python -m docs.make_pictures DEMO`, the folder of a demo.

report.png: the head of the report, in Chromium; slice.png: the worst slice of a phantom with COVID-19 of a
held-out hospital.
"""

import csv
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from client.diagnosis.diagnose_folder import diagnose_folder, load_for_diagnosis

IMAGES = Path(__file__).parent / "images"
HELD_OUT = "harbour"
WIDTH, HEIGHT = 1000, 760
"""Of the report's picture, in CSS pixels."""


def main(demo: Path) -> None:
    IMAGES.mkdir(exist_ok=True)
    _report(demo / "report.html", IMAGES / "report.png")
    _slice(demo, IMAGES / "slice.png")


def _report(page_file: Path, picture: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(page_file.resolve().as_uri())
        page.screenshot(path=picture)
        browser.close()


def _slice(demo: Path, picture: Path) -> None:
    hospital = demo / "hospitals" / HELD_OUT
    with (hospital / "labels.csv").open() as labels:
        study = next(row["study"] for row in csv.DictReader(labels) if row["label"] == "covid")
    with TemporaryDirectory() as folder:
        out = Path(folder) / "diagnosis"
        diagnose_folder(hospital / "studies" / study, load_for_diagnosis(demo / "model", "cpu"), out)
        shutil.copyfile(out / "slice-01.png", picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
