"""What an archive announces: each law against archives written byte by byte."""

import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.reading_room.zip_directory import checked_files, opened_zip
from shared_model.errors import PneumofedError
from tests.support.raw_zips import Entry, raw_zip

MOST_FILES, MOST_BYTES = 50, 1 << 20


def checked(archive: bytes, folder: Path) -> list[str]:
    """The names of its files; the code of the refusal in brackets."""
    path = folder / "archive"
    path.write_bytes(archive)
    try:
        with opened_zip(path, most_files=MOST_FILES) as opened:
            found = checked_files(
                opened, archive_bytes=len(archive), most_files=MOST_FILES, most_bytes=MOST_BYTES
            )
            return [entry.filename for entry in found]
    except PneumofedError as error:
        return [f"[{error.code}]"]


def test_files_are_found_and_folders_are_none(tmp_path: Path) -> None:
    entries = [
        Entry("a/", mode=0o40755),
        Entry("a/one", b"1"),
        Entry("a/two", b"2", method=0),
        Entry("dot./..x"),
    ]
    assert checked(raw_zip(entries), tmp_path) == ["a/one", "a/two", "dot./..x"]


@pytest.mark.parametrize(
    ("code", "entries"),
    [
        ("unsafe-path", [Entry("../../etc/cron.d/x", b"1")]),
        ("unsafe-path", [Entry("a/..", b"1")]),
        ("unsafe-path", [Entry("a\\..\\..\\x", b"1")]),
        ("unsafe-path", [Entry("/etc/passwd", b"1")]),
        ("unsafe-path", [Entry("\\\\server\\share", b"1")]),
        ("unsafe-path", [Entry("C:\\x", b"1")]),
        ("unsafe-path", [Entry("a\0/../../x", b"1")]),
        ("zip-link", [Entry("a", b"/etc/passwd", mode=0o120777)]),
        ("zip-device", [Entry("a", mode=0o20666)]),
        ("zip-device", [Entry("a", mode=0o60666)]),
        ("zip-device", [Entry("a", mode=0o10666)]),
        ("zip-device", [Entry("a", mode=0o140666)]),
        ("zip-encrypted", [Entry("a", b"1", flags=0x801)]),
        ("zip-encrypted", [Entry("a", b"1", flags=0x841)]),
        ("zip-method", [Entry("a", b"1", method=9)]),
        ("zip-method", [Entry("a", b"1", method=12)]),
        ("zip-method", [Entry("a", b"1", method=14)]),
        ("names-not-utf8", [Entry("Müller".encode("cp1252"), b"1", flags=0)]),
        ("names-not-utf8", [Entry(b"\xff\xfe", b"1")]),
        ("duplicate-names", [Entry("a", b"1"), Entry("a", b"2")]),
        ("duplicate-names", [Entry("b/a", b"1"), Entry("b\\.\\a", b"2")]),
        ("duplicate-names", [Entry("\u00e9", b"1"), Entry("e\u0301", b"2")]),
        ("too-many-files", [Entry(f"{number}") for number in range(MOST_FILES + 1)]),
        ("unpacked-too-large", [Entry("a", declared=MOST_BYTES + 1)]),
        ("zip-bomb", [Entry("a", declared=(64 << 20) + 1)]),
    ],
)  # fmt: skip
def test_what_may_not_be_unpacked_is_refused_by_its_code(
    code: str, entries: list[Entry], tmp_path: Path
) -> None:
    assert checked(raw_zip([Entry("good", b"1"), *entries]), tmp_path) == [f"[{code}]"]


def test_names_without_the_mark_may_be_utf8(tmp_path: Path) -> None:
    assert len(checked(raw_zip([Entry("Müller".encode(), b"1", flags=0)]), tmp_path)) == 1
    assert not checked(raw_zip([Entry("Müller".encode(), b"1", flags=0)]), tmp_path)[0].startswith("[")


def test_entries_that_overlap_are_a_bomb(tmp_path: Path) -> None:
    """Many directory entries for one local file (D. Fifield, "A better zip bomb")."""
    data = bytes(range(256)) * 20
    one = raw_zip([Entry("a", data, method=0)])
    at = one.index(b"PK\1\2")
    entry = one[at : one.index(b"PK\5\6")]
    directory = b"".join(entry[:-1] + bytes([97 + number]) for number in range(20))
    end = struct.pack("<HHHHIIH", 0, 0, 20, 20, len(directory), at, 0)
    assert checked(one[:at] + directory + b"PK\5\6" + end, tmp_path) == ["[zip-bomb]"]


def test_what_stands_before_an_archive_is_not_overlooked(tmp_path: Path) -> None:
    one = raw_zip([Entry("a", b"1")])
    assert checked(raw_zip([Entry("b", b"2")]) + one, tmp_path) == ["[zip-broken]"]
    assert checked(b"#!/bin/sh\n" + one, tmp_path) == ["[zip-broken]"]


@pytest.mark.parametrize("archive", [b"", b"PK", b"a letter" * 100, bytes(1000)])
def test_what_is_no_archive_is_refused(archive: bytes, tmp_path: Path) -> None:
    assert checked(archive, tmp_path) == ["[not-a-zip]"]


def test_a_directory_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    size = 100 << 20
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, size, 0, 0))
    tracemalloc.start()
    with pytest.raises(PneumofedError) as caught, opened_zip(path, most_files=MOST_FILES):
        pass
    assert caught.value.code == "too-many-files" and tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


GOOD = raw_zip([Entry("a", bytes(range(200))), Entry("b/c", b"2" * 500)])


@given(place=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_by_a_code_or_harmless(
    place: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    changed = GOOD[:place] + bytes([value]) + GOOD[place + 1 :]
    assert isinstance(checked(changed, tmp_path_factory.mktemp("one")), list)


@given(length=st.integers(0, len(GOOD) - 1))
def test_an_archive_that_is_cut_short_is_refused(
    length: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    code = "[not-a-zip]" if length < 4 else "[zip-broken]"
    assert checked(GOOD[:length], tmp_path_factory.mktemp("one")) == [code]
