"""Three baselines on phantoms: whether the task is learnable, and whether it is trivial.

`python -m benchmarks.baselines DEMO [--json]`, DEMO being the folder that `pneumofed demo --out DEMO` wrote.
All learn from the training hospitals' scans pooled and are measured at the held-out hospitals:

- intensity: the share of bright lung, its threshold chosen on training scans. It should not solve the task.
- cnn: four convolutions on lobes of 64 x 64, patches pooled to lobes and lobes to scans. Scan labels only.
- truth: logistic regression on amount, side, depth and place of the true infection. A network that learns
  from scan labels cannot be expected to do much better.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.support.phantom_baselines import (
    SIZE,
    STEPS,
    THRESHOLDS,
    Part,
    Scan,
    cnn_auc,
    intensity_auc,
    truth_auc,
    truth_features,
)
from benchmarks.support.result import print_result
from preprocessing.store.lobe_store import LobeStore
from shared_model.constants import FULL_SCALE, TASKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    train, held_out = (read_part(chosen.demo, role) for role in ("training", "held-out"))
    figures: dict[str, float] = {}
    for task in TASKS:
        figures[f"auc_{task}_intensity"] = intensity_auc(task, train.scans, held_out.scans)
        figures[f"auc_{task}_cnn"] = cnn_auc(task, train.scans, held_out.scans)
        figures[f"auc_{task}_truth"] = truth_auc(task, train, held_out)
    settings = {"scans": len(train.scans), "held_out": len(held_out.scans), "steps": STEPS}
    print_result(figures, settings, as_json=chosen.json)


def read_part(demo: Path, role: str) -> Part:
    """The scans of the hospitals with that role."""
    folders = sorted(path.parent for path in (demo / "hospitals").glob("*/hospital.json"))
    folders = [f for f in folders if json.loads((f / "hospital.json").read_text())["role"] == role]
    scans = [scan for f in folders for scan in _read_scans(LobeStore.open(demo / "stores" / f.name))]
    rows, labels = [], []
    for folder in folders:
        with (folder / "labels.csv").open(newline="") as table:
            for row in csv.DictReader(table):
                rows.append(truth_features(folder / "truth" / f"{row['study']}.npz"))
                labels.append(row["label"])
    return Part(scans, np.array(rows), labels)


def _read_scans(store: LobeStore) -> list[Scan]:
    scans = []
    for record in store.scans():
        arrays = store.read(record.key, range(len(record.side)))
        lung = arrays.images[:, 1][arrays.mask]
        bright = np.array([(lung > threshold).mean() for threshold in THRESHOLDS])
        images = torch.from_numpy(arrays.images.astype(np.float32) / FULL_SCALE)
        scans.append(Scan(record.label, F.interpolate(images, size=(SIZE, SIZE), mode="area"), bright))
    return scans


if __name__ == "__main__":
    main()
