"""A grown tree is connected and reaches every target."""

import numpy as np

from preprocessing.phantom.vessel_tree import grow_tree


def test_a_tree_hangs_together_and_reaches_every_target() -> None:
    rng = np.random.default_rng(3)
    targets = rng.uniform(-40, 40, (150, 3))
    tree, feeding = grow_tree(np.zeros(3), targets, 1.0, rng)
    assert feeding[0] == 150
    known = {(0.0, 0.0, 0.0)} | {tuple(end) for end in tree.end}
    assert all(tuple(start) in known for start in tree.start)
    leaves = tree.end[feeding == 1]
    nearest = np.linalg.norm(targets[:, None] - leaves[None], axis=2).min(1)
    assert len(leaves) == 150
    assert np.median(nearest) < 3
    assert tree.radius[0] == tree.radius.max()
