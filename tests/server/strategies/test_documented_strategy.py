"""The strategy that docs/strategies.md shows, run as it stands there."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from server.strategies.choice import server_step
from tests.support.fake_sites import BOTH, study_of, weights_of
from tests.support.processes import ROOT


def test_the_example_is_momentum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "strategies.md").read_text(), re.DOTALL)
    (tmp_path / "momentum.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "momentum", raising=False)
    step = server_step(study_of(BOTH), "momentum:server_momentum")
    start, mean = weights_of(0), weights_of(1)
    once, state = step(start, mean, {})
    twice, _ = step(once, once, state)  # a round that changes nothing
    for name in start:
        np.testing.assert_allclose(once[name], mean[name], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            twice[name], mean[name] + 0.9 * (mean[name] - start[name]), rtol=1e-5, atol=1e-6
        )
