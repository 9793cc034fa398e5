"""Results are read as a whole or not at all."""

from pathlib import Path

import pytest

from client.pacs import result_set as module
from client.pacs.result_set import read_results, studies_with_results
from tests.support.pacs import write_results


def test_all_objects_are_read_in_the_order_in_which_they_are_sent(tmp_path: Path) -> None:
    write_results(tmp_path / "a")
    found = read_results(tmp_path / "a", label_map=False)
    assert found is not None
    assert [str(one.SOPInstanceUID) for one in found.objects] == ["1.9.0", "1.9.2", "1.9.3", "1.9.4"]
    more = read_results(tmp_path / "a", label_map=True)
    assert more is not None and len(more.objects) == 5 and more.digest != found.digest
    write_results(tmp_path / "b")
    same = read_results(tmp_path / "b", label_map=False)
    assert same is not None and same.digest == found.digest
    (tmp_path / "c").mkdir()
    assert [one.name for one in studies_with_results(tmp_path)] == ["a", "b"]


def test_results_that_are_not_all_there_are_none(tmp_path: Path) -> None:
    write_results(tmp_path / "a")
    (tmp_path / "a" / "dicom" / "report.dcm").unlink()
    assert read_results(tmp_path / "a", label_map=False) is None
    write_results(tmp_path / "a")
    (tmp_path / "a" / "diagnosis.json").unlink()
    assert read_results(tmp_path / "a", label_map=False) is None


def test_results_that_change_while_they_are_read_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results(tmp_path / "a")
    read = module._read

    def replaced(path: Path) -> object:
        (tmp_path / "a" / "diagnosis.json").touch()
        return read(path)

    monkeypatch.setattr(module, "_read", replaced)
    assert read_results(tmp_path / "a", label_map=False) is None
