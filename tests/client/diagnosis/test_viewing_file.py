"""viewing.zip is read slice by slice, by several threads, and anew once it was replaced."""

import gzip
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from client.diagnosis.viewing_file import LAYERS, open_viewing_file
from client.diagnosis.viewing_output import write_viewing_file
from shared_model.errors import PneumofedError
from tests.support.diagnosed_scans import diagnosed, observation, two_lungs


def written(folder: Path, seed: int = 0) -> np.ndarray:
    """viewing.zip of a scan of noise; its HU."""
    scan = two_lungs(6)
    hu = np.random.default_rng(seed).integers(-1024, 3071, scan.images.shape).astype(np.int16)
    folder.mkdir(exist_ok=True)
    write_viewing_file(folder / "viewing.zip", diagnosed(scan, observation(scan)), hu)
    return hu


def refusal(results: Path, layer: str = "hu", index: int = 0) -> PneumofedError:
    with pytest.raises(PneumofedError) as caught:
        open_viewing_file(results).gzipped(layer, index)
    assert caught.value.code == "not-found" and str(results) not in str(caught.value)
    return caught.value


def test_every_layer_is_what_another_reader_of_zip_finds(tmp_path: Path) -> None:
    written(tmp_path)
    viewing = open_viewing_file(tmp_path)
    with zipfile.ZipFile(tmp_path / "viewing.zip") as other:
        names = {f"{layer}/{index:04d}" for layer in LAYERS for index in range(6)}
        assert set(other.namelist()) == names | {"scan.json"} and other.testzip() is None
        for layer in LAYERS:
            for index in range(6):
                found = gzip.decompress(viewing.gzipped(layer, index))  # checks length and CRC-32
                assert found == other.read(f"{layer}/{index:04d}")


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    hu = written(tmp_path)

    def read(number: int) -> bool:
        data = gzip.decompress(open_viewing_file(tmp_path).gzipped("hu", number % 6))
        return data == hu[number % 6].tobytes()

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(read, range(300)))


def test_a_file_that_was_replaced_is_read_anew_while_the_old_one_is_in_use(tmp_path: Path) -> None:
    before = written(tmp_path)
    held = open_viewing_file(tmp_path)
    assert open_viewing_file(tmp_path) is held
    after = written(tmp_path, seed=1)
    assert gzip.decompress(open_viewing_file(tmp_path).gzipped("hu", 2)) == after[2].tobytes()
    assert gzip.decompress(held.gzipped("hu", 2)) == before[2].tobytes()


def test_files_that_nobody_reads_are_closed(tmp_path: Path) -> None:
    for number in range(12):
        written(tmp_path / str(number))
        open_viewing_file(tmp_path / str(number))
    links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert sum(link.startswith(str(tmp_path)) for link in links) <= 8


def test_slices_and_files_that_are_not_there(tmp_path: Path) -> None:
    refusal(tmp_path / "none")
    written(tmp_path)
    for layer, index in (("hu", 6), ("hu", -1), ("attention/other", 0), ("../hu", 0)):
        refusal(tmp_path, layer, index)
    whole = (tmp_path / "viewing.zip").read_bytes()
    for content in (b"", b"no zip", whole[: len(whole) // 2]):
        (tmp_path / "viewing.zip").write_bytes(content)
        assert "diagnosed" in str(refusal(tmp_path))
    with zipfile.ZipFile(tmp_path / "viewing.zip", "w") as other:
        other.writestr("scan.json", '{"format": 2}')
    refusal(tmp_path)


def test_it_is_read_without_torch() -> None:
    code = (
        "import sys, client.diagnosis.viewing_file; print({'torch', 'highdicom', 'cv2'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
