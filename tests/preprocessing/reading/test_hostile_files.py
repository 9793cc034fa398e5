"""No file takes more than 512 MiB, much time, or the command down; each is refused by its code."""

import json
import os
import resource
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from preprocessing.reading.series import find_series
from tests.support.chests import chest, write_series

ROOT = Path(__file__).resolve().parents[3]


HU, _ = chest(10, 32)


def code_of(path: Path) -> str:
    report = find_series(path)
    assert not report.accepted
    (refusal,) = report.refused
    return refusal.code


def changed(path: Path, **tags: object) -> Path:
    data = dcmread(path)
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.save_as(path)
    return path


def compressed(path: Path, syntax: UID, codestream: bytes, **tags: object) -> Path:
    data = dcmread(path)
    data.file_meta.TransferSyntaxUID = syntax
    data.PixelData = encapsulate([codestream])
    data["PixelData"].is_undefined_length = True
    data.save_as(path)
    return changed(path, **tags)


def jpeg_2000(rows: int, columns: int) -> bytes:
    sizes = struct.pack(">8L", columns, rows, 0, 0, columns, rows, 0, 0)
    return b"\xff\x4f\xff\x51" + struct.pack(">HH", 41, 0) + sizes + b"\0\1\x0b\1\1\xff\xd9"


def hostile(folder: Path) -> None:
    """Small files that ask for gigabytes, in one folder each."""

    def one(name: str) -> Path:
        return write_series(folder / name, HU[:1])[0]

    changed(one("dimensions"), Rows=65535, Columns=65535)
    changed(one("frames"), SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=2_000_000)
    compressed(one("jpeg-2000"), JPEG2000Lossless, jpeg_2000(65000, 65000), Rows=2048, Columns=2048)
    lossless = struct.pack(">HBHHB", 11, 12, 65000, 65000, 1) + bytes(3)
    compressed(one("jpeg"), JPEGLosslessSV1, b"\xff\xd8\xff\xc3" + lossless + b"\xff\xd9")
    runs = struct.pack("<16L", 2, 64, 64 + 4_000_000, *[0] * 13) + b"\x81\x00" * 4_000_000
    compressed(one("rle"), RLELossless, runs, Rows=2048, Columns=2048)
    path = one("deflated")
    data = dcmread(path)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.PixelData = b""
    data.save_as(path)
    squeeze = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = path.read_bytes()[: 132 + 12 + struct.unpack("<L", path.read_bytes()[140:144])[0]]
    bomb = b"".join(squeeze.compress(bytes(1 << 24)) for _ in range(5)) + squeeze.flush()  # 80 MiB and no end
    path.write_bytes(head + bomb)
    path = one("items")
    changed(path, SOPClassUID=EnhancedCTImageStorage)
    plain = path.read_bytes()
    at = plain.index(b"\xe0\x7f\x10\x00OW")
    items = struct.pack("<HHL", 0xFFFE, 0xE000, 0) * 300_000
    groups = struct.pack("<HH2sHL", 0x5200, 0x9230, b"SQ", 0, len(items)) + items
    path.write_bytes(plain[:at] + groups + plain[at:])


_LOOK = """
import json, sys
from pathlib import Path
from preprocessing.reading.elements import open_elements
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.series import find_series
codes = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    codes[folder.name] = [one.code for one in find_series(folder).refused]
    for path in folder.iterdir():
        try:
            with open_elements(path) as elements:
                list(stored_frames(elements, PixelFormat.from_elements(elements), [0]))
            codes[folder.name].append("read")
        except FileRefusedError as refusal:
            codes[folder.name].append(refusal.code)
# Not ru_maxrss: a child of a large process starts with that one's.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps([codes, int(status["VmHWM"].split()[0]) // 1024]))
"""


def test_memory_stays_below_512_mib_and_time_below_a_few_seconds(tmp_path: Path) -> None:
    hostile(tmp_path)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    run = subprocess.run([sys.executable, "-c", _LOOK, str(tmp_path)], capture_output=True, text=True,
                         env={**os.environ, "PYTHONPATH": str(ROOT)}, preexec_fn=limit)  # fmt: skip
    assert run.returncode == 0, run.stderr
    codes, most_mib = json.loads(run.stdout)
    assert codes == {
        "deflated": ["implausible-size", "implausible-size"],
        "dimensions": ["implausible-size", "implausible-size"],
        "frames": ["implausible-size", "implausible-size"],
        "items": ["implausible-size", "read"],  # the pixels are fine, the header is not
        "jpeg": ["too-few-slices", "unreadable-pixels"],
        "jpeg-2000": ["too-few-slices", "unreadable-pixels"],
        "rle": ["too-few-slices", "unreadable-pixels"],
    }
    assert most_mib < 512


def test_a_dicomdir_is_an_index_whatever_its_name(tmp_path: Path) -> None:
    data = dcmread(write_series(tmp_path, HU[:1])[0])
    data.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    for path in tmp_path.iterdir():
        path.unlink()
    data.save_as(tmp_path / "index")
    assert code_of(tmp_path) == "dicomdir"


def test_a_file_that_is_gone_when_pixels_are_read_is_named(tmp_path: Path) -> None:
    from preprocessing.reading.volume import load_volume
    from shared_model.errors import PneumofedError

    paths = write_series(tmp_path, HU)
    (series,) = find_series(tmp_path).accepted
    paths[5].unlink()
    with pytest.raises(PneumofedError) as error:
        load_volume(series)
    assert error.value.code == "file-unreadable"
    assert str(tmp_path) not in str(error.value)


@pytest.mark.slow
def test_headers_are_read_at_a_thousand_files_a_second(tmp_path: Path) -> None:
    """The rate on 1,000 small files; docs/decisions/0061 has those of real ones."""
    write_series(tmp_path, np.repeat(HU, 10, axis=0), heights=6.0 * np.arange(100))
    for copy in range(9):
        for path in list(tmp_path.glob("*.dcm")):
            content = path.read_bytes().replace(b"patient ", b"patien%d " % copy)
            (tmp_path / str(copy)).mkdir(exist_ok=True)
            (tmp_path / str(copy) / path.name).write_bytes(content)
    seen = []
    start = time.process_time()  # of this process: what else the machine does is left out
    find_series(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert 1000 / (time.process_time() - start) > 1000
    assert seen[-1] == (1000, 1000)
