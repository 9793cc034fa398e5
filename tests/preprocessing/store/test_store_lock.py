"""One writer per store, and the workers of a killed writer are waited for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from preprocessing.store.store_lock import locked, only_writer
from shared_model.errors import PneumofedError

ROOT = Path(__file__).resolve().parents[3]
_WORKER = """
import sys
from pathlib import Path
from preprocessing.store.store_lock import join_writer
join_writer(Path(sys.argv[1]))
print("joined", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "store" / "studies").mkdir(parents=True)
    return tmp_path / "store"


def code_of_writing(store: Path) -> str:
    with pytest.raises(PneumofedError) as error, only_writer(store):
        pass
    return error.value.code


def test_a_second_writer_is_refused_until_the_first_ends(store: Path) -> None:
    with only_writer(store):
        assert code_of_writing(store) == "store-busy"
    with only_writer(store):
        pass


def test_the_lock_ends_with_an_error_inside(store: Path) -> None:
    with pytest.raises(RuntimeError), only_writer(store):
        raise RuntimeError
    with only_writer(store):
        pass


def test_workers_left_behind_are_waited_for(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(store)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as worker:  # fmt: skip
        assert worker.stdout is not None and worker.stdout.readline() == "joined\n"
        with monkeypatch.context() as patched:
            patched.setattr("preprocessing.store.store_lock._WORKERS_END_S", 0.1)
            assert code_of_writing(store) == "store-busy"
        worker.kill()
        with only_writer(store):  # waits until it has ended
            pass
    with locked(store):
        pass
