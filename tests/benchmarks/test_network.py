"""benchmarks/network.py and step_profile.py run on a machine that has torch but not Flower."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORT = """
import sys
sys.modules.update(dict.fromkeys(("flwr", "grpc", "cryptography", "typer")))  # None: an import fails
import benchmarks.network, benchmarks.step_profile
"""


def test_neither_imports_flower() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
