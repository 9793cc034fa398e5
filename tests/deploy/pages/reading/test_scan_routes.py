"""A scan's images as bytes, and who is given what the model found in them."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from client.pacs.failure import Failure, write_failure
from client.reading_room.reading_log import Answer
from tests.support.marked_lungs import LEFT, LESION, RIGHT, marked_chest
from tests.support.page_client import stranger
from tests.support.viewed_studies import PASSWORD, ViewedRoom, add_study, viewed_room

OF_THE_MODEL = ("model.json", "labels/4", "attention/diseased/4", "attention/covid/4")
WORDS = ("uncertain", "infected", "probability", "Attention", "by-slice", "thumbnail", "cm²", "0.731", "62.8")
"""What stands on the page of a scan only because of its diagnosis."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("room")
    add_study(made, "seen", lesion_side=1)
    add_study(made, "other", lesion_side=2)
    return made


@pytest.fixture(scope="module")
def blinded(folder: Path) -> Iterator[ViewedRoom]:
    with viewed_room(folder, blinded=True) as room:
        room.room.answer("ada", "seen", Answer("covid", 4))
        yield room


@pytest.fixture(scope="module")
def ada(blinded: ViewedRoom) -> Iterator[httpx.Client]:
    with reader(blinded.address, "ada") as client:
        yield client


@contextmanager
def reader(address: str, name: str) -> Iterator[httpx.Client]:
    with stranger(address) as client:
        assert client.post("/login", data={"name": name, "password": PASSWORD}).status_code == 303
        yield client


def pixels(client: httpx.Client, path: str, dtype: str) -> np.ndarray:
    answer = client.get(f"/scans/seen/{path}")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/octet-stream"
    return np.frombuffer(answer.content, dtype).reshape(96, 96)


def test_slices_and_what_the_model_found(ada: httpx.Client) -> None:
    hu = marked_chest(lesion_side=1)
    for index in (0, 4, 11):
        np.testing.assert_array_equal(pixels(ada, f"slices/{index}", "<i2"), hu[index])
    lung = np.select([hu[4] == RIGHT, hu[4] == LEFT, hu[4] == LESION], [1, 2, 3], 0)
    np.testing.assert_array_equal(pixels(ada, "labels/4", "u1"), lung)
    across, down = (pixels(ada, f"attention/{task}/4", "u1") for task in ("diseased", "covid"))
    assert ((across > 0) == (lung > 0)).all() and ((down > 0) == (lung > 0)).all()
    assert (np.diff(across[48][lung[48] == 2].astype(int)) >= 0).all() and (across != down).any()
    model = ada.get("/scans/seen/model.json").json()
    rows, columns = np.nonzero(hu[4] == LESION)
    assert model["boxes"][4] == [[rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]]
    area = np.count_nonzero(hu[4] == LESION) * 0.25**2
    assert model["curves"]["infected_cm2"]["right"][4] == pytest.approx(area)
    assert model["curves"]["infected_cm2"]["left"][4] == 0
    assert model["full_attention"]["diseased"] == pytest.approx(255 * 0.9, abs=0.2)


def test_geometry_says_nothing_of_the_model(ada: httpx.Client) -> None:
    scan = ada.get("/scans/other/scan.json").json()
    assert scan.keys() == {"format", "shape", "spacing_mm", "z_mm"}
    assert scan["shape"] == [12, 96, 96] and scan["spacing_mm"] == [6.0, 2.5, 2.5]


@pytest.mark.parametrize("path", OF_THE_MODEL)
def test_the_model_is_refused_to_each_reader_until_they_have_answered(
    blinded: ViewedRoom, ada: httpx.Client, path: str
) -> None:
    assert ada.get(f"/scans/seen/{path}").status_code == 200
    assert ada.get(f"/scans/other/{path}").status_code == 403
    with reader(blinded.address, "bela") as bela:
        assert bela.get(f"/scans/seen/{path}").status_code == 403
        assert bela.get("/scans/seen/slices/4").status_code == 200


def test_the_page_before_and_after_the_answer(ada: httpx.Client) -> None:
    before, after = ada.get("/scans/other").text, ada.get("/scans/seen").text
    found = before.split("<main")[1].split('<section id="reading"')[0]
    assert [word for word in WORDS if word in found] == []
    assert all(word in after for word in WORDS)
    # The reader's own words stand right after the verdict, before the figures.
    order = [after.index(f'<section id="{one}"') for one in ("model", "reading", "why")]
    assert order == sorted(order) and '<section id="why"' not in before
    assert 'data-model="hidden"' in before and 'data-model="shown"' in after
    # Where the viewer starts would tell which slice the model finds worst.
    assert 'data-start="6"' in before and 'data-start="5"' in after


def test_without_blinding_all_is_shown_at_once(folder: Path) -> None:
    with viewed_room(folder, blinded=False) as room, reader(room.address, "bela") as bela:
        for path in OF_THE_MODEL:
            assert bela.get(f"/scans/other/{path}").status_code == 200
        assert 'data-model="shown"' in bela.get("/scans/other").text


def test_what_is_not_there(blinded: ViewedRoom, ada: httpx.Client) -> None:
    for path in ("seen/slices/12", "seen/slices/-1", "none/slices/0", "none", "..%2Fresults/slices/0"):
        assert ada.get(f"/scans/{path}").status_code == 404, path
    for path in ("seen/slices/first", "seen/attention/third/0"):
        assert ada.get(f"/scans/{path}").status_code == 422, path
    with stranger(blinded.address) as nobody:
        for path in ("slices/0", "scan.json", *OF_THE_MODEL):
            assert nobody.get(f"/scans/seen/{path}").status_code == 401
        assert nobody.get("/scans/seen", headers={"accept": "text/html"}).headers["location"] == "/login"


def test_scans_that_are_not_diagnosed_say_why(folder: Path, tmp_path: Path) -> None:
    for name in ("waiting", "failed"):
        shutil.copytree(folder / "inbox" / "seen", tmp_path / "inbox" / name)
    with viewed_room(tmp_path) as room, reader(room.address, "ada") as ada:
        waiting = ada.get("/scans/waiting")
        assert waiting.status_code == 200 and "waits for its diagnosis" in waiting.text
        made_of = json.loads((folder / "results" / "seen" / "diagnosis.json").read_text())["files_sha256"]
        (tmp_path / "results" / "failed").mkdir(parents=True)
        failure = Failure(made_of=f"{made_of} w c", begun=1, code="no-lungs", reason="no lung <b>is</b> seen")
        write_failure(tmp_path / "results" / "failed", failure)
        page = ada.get("/scans/failed").text
        assert "no lung &lt;b&gt;is&lt;/b&gt; seen" in page and "viewer/main.js" not in page
        assert ada.get("/scans/waiting/slices/0").status_code == 404
