"""The store: what goes in comes out, whole or not at all, and damage is told by code."""

import hashlib
import json
import os
import pickle
import stat
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import LobeArrays, ScanRecord
from shared_model.errors import PneumofedError

SETTINGS = PreprocessingSettings()


def made_up(key: str, lobes: int = 12, seed: int = 0) -> tuple[ScanRecord, LobeArrays]:
    rng = np.random.default_rng(seed)
    scan = ScanRecord(
        key=key,
        fold=0.25,
        label="covid",
        slices=lobes,
        spacing_mm=(5.0, 0.7, 0.7),
        shape=(512, 512),
        slice_index=np.arange(lobes, dtype=np.int16),
        side=(np.arange(lobes) % 2).astype(np.uint8),
        box=rng.integers(0, 512, (lobes, 4)).astype(np.int16),
        scale=rng.random(lobes).astype(np.float32),
        offset=rng.integers(0, 128, (lobes, 2)).astype(np.int16),
        area=rng.integers(5000, 90000, lobes).astype(np.int32),
        flags=("interpolated",),
    )
    shape = (lobes, 256, 256)
    arrays = LobeArrays(
        rng.integers(0, 2049, (lobes, 3, 256, 256)).astype(np.uint16),
        rng.random(shape) > 0.5,
        rng.integers(0, 128, shape).astype(np.uint8),
        rng.random(shape) > 0.8,
    )
    return scan, arrays


@pytest.fixture
def store(tmp_path: Path) -> LobeStore:
    return LobeStore.create(tmp_path / "store", SETTINGS)


def code_of(error: pytest.ExceptionInfo[PneumofedError]) -> str:
    return error.value.code


def assert_same_lobes(found: LobeArrays, arrays: LobeArrays, lobes: list[int]) -> None:
    for name in ("images", "mask", "distance", "semi_infection"):
        ours, theirs = getattr(found, name), getattr(arrays, name)[lobes]
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_what_is_added_is_read_back_by_a_new_reader(store: LobeStore) -> None:
    scans = {key: made_up(key, seed=seed) for seed, key in enumerate(("b" * 16, "a" * 16))}
    for scan, arrays in scans.values():
        store.add(scan, arrays)
    again = LobeStore.open(store.path)
    assert again.fingerprint == SETTINGS.fingerprint
    assert [scan.key for scan in again.scans()] == sorted(scans)
    for scan in again.scans():
        assert scan.to_json() == scans[scan.key][0].to_json()
        assert scan.box.dtype == np.int16 and scan.scale.dtype == np.float32
        lobes = [7, 0, 7, 11]
        assert_same_lobes(again.read(scan.key, lobes), scans[scan.key][1], lobes)
        again.verify(scan.key)
    with pytest.raises(IndexError):
        again.read("a" * 16, [12])


def test_reading_from_many_threads(store: LobeStore) -> None:
    scan, arrays = made_up("c" * 16)
    store.add(scan, arrays)
    wrong: list[int] = []

    def read(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(15):
            lobes = rng.integers(0, 12, 4).tolist()
            if not np.array_equal(store.read(scan.key, lobes).images, arrays.images[lobes]):
                wrong.append(seed)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert_same_lobes(pickle.loads(pickle.dumps(store)).read(scan.key, [3]), arrays, [3])


def test_the_secret_is_for_its_owner_only(store: LobeStore) -> None:
    assert stat.S_IMODE((store.path / "secret.key").stat().st_mode) == 0o600
    other = LobeStore.create(store.path.with_name("other"), SETTINGS)
    names, others = store.pseudonyms, other.pseudonyms
    assert names.key("1.2", "p") != others.key("1.2", "p")
    assert names.fold("p") == LobeStore.open(store.path).pseudonyms.fold("p")
    assert names.key("1.2", "3") != names.key("1", "2.3")


@pytest.mark.parametrize("damage", ["flipped", "another", "short", "empty"])
def test_another_secret_is_noticed(store: LobeStore, damage: str) -> None:
    """With it, each scan would be added again under another key and fold."""
    path = store.path / "secret.key"
    secret = bytearray(path.read_bytes())
    secret[7] ^= 4
    content = {"flipped": bytes(secret), "another": bytes(32), "short": bytes(secret[:31]), "empty": b""}
    path.write_bytes(content[damage])
    with pytest.raises(PneumofedError, match="backup") as error:
        LobeStore.open(store.path)
    assert code_of(error) == "store-damaged"


@pytest.mark.parametrize("mac", [None, 7, "\u00e9", "0" * 64])
def test_a_store_without_its_mac_is_damaged(store: LobeStore, mac: object) -> None:
    record = json.loads((store.path / "store.json").read_text())
    (store.path / "store.json").write_text(json.dumps(record | {"secret_mac": mac}))
    with pytest.raises(PneumofedError) as error:
        LobeStore.open(store.path)
    assert code_of(error) == "store-damaged"


def test_a_store_that_is_none_or_another_is_refused(tmp_path: Path, store: LobeStore) -> None:
    with pytest.raises(PneumofedError) as error:
        LobeStore.open(tmp_path / "nothing")
    assert code_of(error) == "store-missing"
    with pytest.raises(PneumofedError) as error:
        LobeStore.create(store.path, SETTINGS)
    assert code_of(error) == "store-exists"
    record = json.loads((store.path / "store.json").read_text())
    for change in ({"format": 99}, {"fingerprint": "0" * 16}, {"settings": {"unknown": 1}}):
        (store.path / "store.json").write_text(json.dumps({**record, **change}))
        with pytest.raises(PneumofedError) as error:
            LobeStore.open(store.path)
        assert code_of(error) == "store-version"
    (store.path / "store.json").write_text("{")
    with pytest.raises(PneumofedError) as error:
        LobeStore.open(store.path)
    assert code_of(error) == "store-damaged"


def test_a_store_is_made_in_an_empty_folder_and_nothing_beside_it(tmp_path: Path) -> None:
    """As a container's mount is; by a user who may not write beside it."""
    folder = tmp_path / "mount" / "store"
    folder.mkdir(parents=True)
    inode = folder.stat().st_ino
    before = folder.parent.stat().st_mtime_ns
    LobeStore.create(folder, SETTINGS)
    assert folder.stat().st_ino == inode and folder.parent.stat().st_mtime_ns == before
    assert LobeStore.open(folder).keys() == []


@pytest.mark.parametrize("written", [0, 1])
def test_a_store_whose_making_was_interrupted_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    rename, done = os.replace, []

    def stop(source: Path, target: Path) -> None:
        if len(done) == written:
            raise KeyboardInterrupt
        done.append(target)
        rename(source, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(os, "replace", stop)
        LobeStore.create(tmp_path / "store", SETTINGS)
    with pytest.raises(PneumofedError) as error:
        LobeStore.open(tmp_path / "store")
    assert code_of(error) == "store-missing"
    assert LobeStore.create(tmp_path / "store", SETTINGS).keys() == []


@pytest.mark.parametrize("damage", ["record", "label", "short", "gone"])
def test_damage_is_seen_when_studies_are_listed(store: LobeStore, damage: str) -> None:
    scan, arrays = made_up("d" * 16)
    store.add(scan, arrays)
    folder = store.path / "studies" / scan.key
    record, images = folder / "study.json", folder / "lobes.blosc"
    match damage:
        case "record":
            record.write_bytes(record.read_bytes()[:-9])
        case "label":
            record.write_text(record.read_text().replace("covid", "other"))
        case "short":
            images.write_bytes(images.read_bytes()[:-1])
        case "gone":
            images.unlink()
    with pytest.raises(PneumofedError) as error:
        store.scans()
    assert code_of(error) == "store-damaged"


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("place", [0, 3, 4, 8, 15, 23, 40, 1000, -1])
def test_a_flipped_bit_is_seen_by_verify_and_by_whoever_reads_the_lobe(store: LobeStore, place: int) -> None:
    scan, arrays = made_up("e" * 16, lobes=2)
    store.add(scan, arrays)
    flip(store.path / "studies" / scan.key / "lobes.blosc", place)
    store.scans()
    with pytest.raises(PneumofedError) as error:
        store.verify(scan.key)
    assert code_of(error) == "store-damaged"
    with pytest.raises(PneumofedError) as error:
        store.read(scan.key, [0, 1])
    assert code_of(error) == "store-damaged"
    assert scan.key in str(error.value)


def test_damage_of_one_lobe_leaves_the_others_readable(store: LobeStore) -> None:
    scan, arrays = made_up("e" * 16, lobes=3)
    store.add(scan, arrays)
    flip(store.path / "studies" / scan.key / "lobes.blosc", -1)
    assert_same_lobes(store.read(scan.key, [1, 0]), arrays, [1, 0])
    with pytest.raises(PneumofedError) as error:
        store.read(scan.key, [2])
    assert code_of(error) == "store-damaged"


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 5, b"\0" * 4096, b"\xff" * 4096, b"nonsense" * 100],
    ids=["empty", "cut", "zeros", "ones", "text"],
)
def test_a_file_that_is_none_of_ours_has_a_code(store: LobeStore, content: bytes) -> None:
    scan, arrays = made_up("e" * 16, lobes=2)
    store.add(scan, arrays)
    (store.path / "studies" / scan.key / "lobes.blosc").write_bytes(content)
    with pytest.raises(PneumofedError) as error:
        store.read(scan.key, [0])
    assert code_of(error) == "store-damaged"


def test_a_failed_write_leaves_nothing(store: LobeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    scan, arrays = made_up("f" * 16)
    with monkeypatch.context() as patched:
        patched.setattr("preprocessing.store.lobe_store._encode", fail)
        with pytest.raises(OSError, match="No space"):
            store.add(scan, arrays)
    assert list((store.path / "studies").iterdir()) == []
    store.add(scan, arrays)
    with pytest.raises(PneumofedError) as error:
        store.add(scan, arrays)
    assert code_of(error) == "study-exists"


def test_the_slower_of_two_workers_with_one_scan_is_told(
    store: LobeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, arrays = made_up("f" * 16, lobes=2)
    store.add(scan, arrays)
    monkeypatch.setattr(LobeStore, "has", lambda *_: False)  # as it was when the slower one asked
    with pytest.raises(PneumofedError) as error:
        store.add(replace(scan, label="healthy"), arrays)
    assert code_of(error) == "study-exists"
    assert [one.label for one in store.scans()] == ["covid"]
    assert [path.name for path in (store.path / "studies").iterdir()] == [scan.key]


def test_a_label_can_be_corrected(store: LobeStore) -> None:
    scan, arrays = made_up("a" * 16)
    store.add(scan, arrays)
    store.update(replace(scan, label="healthy"))
    assert store.scans()[0].to_json() == replace(scan, label="healthy").to_json()
    store.verify(scan.key)


def test_a_store_of_format_3_is_read_and_says_nothing_of_scanners(store: LobeStore) -> None:
    scan, arrays = made_up("a" * 16)
    store.add(scan, arrays)
    place = store.path / "studies" / scan.key / "study.json"
    record = json.loads(place.read_text())
    del record["study"]["manufacturer"], record["study"]["thickness_mm"]
    content = json.dumps([record["study"], record["lobes"]], sort_keys=True)
    record["checksum"] = hashlib.sha256(content.encode()).hexdigest()
    place.write_text(json.dumps(record))
    whole = json.loads((store.path / "store.json").read_text())
    (store.path / "store.json").write_text(json.dumps({**whole, "format": 3}))
    old = LobeStore.open(store.path)
    assert [(one.manufacturer, one.thickness_mm) for one in old.scans()] == [(None, None)]
    assert_same_lobes(old.read(scan.key, [0, 3]), arrays, [0, 3])
    old.upgrade()
    old.update(replace(old.scan(scan.key), manufacturer="ge", thickness_mm=1.25))
    assert json.loads((store.path / "store.json").read_text()) == whole and whole["format"] == 4
    found = LobeStore.open(store.path).scan(scan.key)
    assert found.to_json() == replace(scan, manufacturer="ge", thickness_mm=1.25).to_json()
