"""The stubs that are committed are those of the service's definition."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_generating_the_stubs_again_gives_the_same(tmp_path):
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", *outputs, "client/wire/trainer.proto"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    made = sorted(path.name for path in (tmp_path / "client/wire").iterdir())
    assert made == ["trainer_pb2.py", "trainer_pb2.pyi", "trainer_pb2_grpc.py"]
    for name in made:
        committed = (ROOT / "client/wire" / name).read_text()
        assert (tmp_path / "client/wire" / name).read_text() == committed, name
