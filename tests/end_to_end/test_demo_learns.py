"""The whole demo learns on seed 0, whose phantoms chose its settings: a regression test, no proof. Slow."""

import pytest

from deploy.demo import full_plan, run_demo
from deploy.progress import Steps


@pytest.mark.slow
def test_the_demo_tells_the_classes_apart_at_hospitals_that_never_trained(tmp_path) -> None:
    out = tmp_path / "demo"
    plan = full_plan("demo", None)
    document = run_demo(out, plan=plan, seed=0, command="pneumofed demo", steps=Steps(quiet=True))
    unseen = document["pooled"]["unseen"]
    assert unseen["diseased"]["n"] == 90 and unseen["covid"]["n"] == 60
    assert unseen["diseased"]["within_auc"]["value"] >= 0.90
    assert unseen["covid"]["within_auc"]["value"] >= 0.85
