"""What is unpacked is what was packed, under numbers, in bounded size; nothing lands elsewhere."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.reading_room.unpacking import unpack
from shared_model.errors import PneumofedError
from tests.support.raw_zips import Entry, raw_zip


def unpacked(archive: bytes, folder: Path, most_bytes: int = 1 << 20) -> list[Path]:
    (folder / "archive").write_bytes(archive)
    return unpack(
        folder / "archive", folder / "files", most_files=50, most_bytes=most_bytes, alive=lambda: None
    )


def code_of(archive: bytes, folder: Path, **bounds: int) -> str:
    with pytest.raises(PneumofedError) as caught:
        unpacked(archive, folder, **bounds)
    return caught.value.code


def test_files_are_unpacked_as_they_were_under_numbers(tmp_path: Path) -> None:
    contents = [b"", b"1", bytes(range(256)) * 9000]
    archive = raw_zip([Entry("a/"), *(Entry(f"a/{len(one)}", one) for one in contents)])
    files = unpacked(archive, tmp_path, most_bytes=3 << 20)
    assert [file.read_bytes() for file in files] == contents
    assert [file.name for file in files] == ["000000", "000001", "000002"]


class Unseekable(BytesIO):
    """As a pipe: sizes then follow the data (APPNOTE 4.3.9)."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError


@pytest.mark.parametrize("file", [BytesIO, Unseekable])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("zip64", [False, True])
def test_archives_of_another_writer_are_unpacked(
    file: type[BytesIO], method: int, zip64: bool, tmp_path: Path
) -> None:
    content, target = bytes(range(256)) * 100, file()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name in ("a/ü", "a/2"):
            with archive.open(name, "w", force_zip64=zip64) as one:
                one.write(content)
        archive.comment = b"packed on a Friday"
    assert [one.read_bytes() for one in unpacked(target.getvalue(), tmp_path)] == [content] * 2


@pytest.mark.parametrize(
    "entry",
    [
        Entry("a", b"1" * 100, declared=99),  # more than it says
        Entry("a", b"1" * 100, declared=101),
        Entry("a", b"1" * 100, method=0, declared=99),
        Entry("a", b"1" * 100, crc=7),
        Entry("a", b"1" * 200_000, declared=100),  # a bomb that announces little
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(entry: Entry, tmp_path: Path) -> None:
    assert code_of(raw_zip([entry]), tmp_path) == "zip-broken"
    assert sum(file.stat().st_size for file in (tmp_path / "files").iterdir()) <= 101


def test_a_deflate_stream_that_is_none_is_refused(tmp_path: Path) -> None:
    archive = bytearray(raw_zip([Entry("a", bytes(range(256)))]))
    archive[31:60] = b"\xff" * 29
    assert code_of(bytes(archive), tmp_path) == "zip-broken"


def test_a_file_under_another_name_than_the_directory_s_is_refused(tmp_path: Path) -> None:
    archive = raw_zip([Entry("good", b"1")]).replace(b"good", b"evil", 1)
    assert code_of(archive, tmp_path) == "zip-broken"


def test_it_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(raw_zip([Entry("a", bytes(5 << 20), method=0)]))
    pieces: list[int] = []

    def alive() -> None:
        pieces.append(1)
        if len(pieces) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(tmp_path / "archive", tmp_path / "files", most_files=1, most_bytes=9 << 20, alive=alive)
    assert (tmp_path / "files" / "000000").stat().st_size == 3 << 20


NAMES = st.one_of(st.text(max_size=12), st.text("./\\ab:\0~", max_size=12))
ENTRIES = st.lists(
    st.builds(
        Entry,
        name=NAMES.map(lambda name: name.encode("utf-8", "surrogatepass")),
        data=st.binary(max_size=40),
        flags=st.sampled_from([0, 0x800]),
        method=st.sampled_from([0, 8, 12]),
        mode=st.sampled_from([0, 0o100644, 0o100644, 0o40755, 0o120777, 0o20666]),
        declared=st.sampled_from([None, None, None, 0, 3, 1 << 31]),
    ),
    max_size=5,
)


@given(entries=ENTRIES)
def test_whatever_is_in_an_archive_nothing_lands_outside(
    entries: list[Entry], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("one")
    staging = folder / "staging"
    staging.mkdir()
    try:
        files = unpacked(raw_zip(entries), staging)
    except PneumofedError:
        files = []
    else:
        whole = [one.data for one in entries if not one.stored_name.endswith(b"/")]
        assert [file.read_bytes() for file in files] == whole
    present = {path for path in folder.rglob("*") if not path.is_dir()} - {staging / "archive"}
    assert all(path.parent == staging / "files" and path.name.isdecimal() for path in present)
    assert not any(path.is_symlink() for path in present) and set(files) <= present
