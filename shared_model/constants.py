"""Constants used by every package: tasks, labels, the grey scale, the size of a crop."""

from typing import Literal

Task = Literal["diseased", "covid"]
TASKS: tuple[Task, ...] = ("diseased", "covid")
"""The two classification tasks, each with its own network: diseased or healthy, and COVID-19 or other
pneumonia."""

TASK_WORDS: dict[str, str] = {
    "diseased": "diseased or healthy",
    "covid": "COVID-19 or other pneumonia",
}

Label = Literal["healthy", "covid", "other"]
LABELS: tuple[Label, ...] = ("healthy", "covid", "other")
LABEL_WORDS: dict[str, str] = {"healthy": "healthy", "covid": "COVID-19", "other": "other pneumonia"}

POSITIVE: dict[Task, tuple[Label, ...]] = {"diseased": ("covid", "other"), "covid": ("covid",)}
NEGATIVE: dict[Task, tuple[Label, ...]] = {"diseased": ("healthy",), "covid": ("other",)}
LABELS_OF: dict[Task, tuple[Label, ...]] = {
    "diseased": ("healthy", "covid", "other"),
    "covid": ("covid", "other"),
}
"""Labels of the scans that each network is trained on (2.7.1)."""

MANUFACTURERS: tuple[str, ...] = ("ge", "siemens", "philips", "canon", "united-imaging", "other")
"""What is kept of the manufacturer of a scanner; "other": named, and none of the rest."""

FULL_SCALE = 2048
"""The largest grey value after the batch effect is removed (2.2); air is 0."""

CROP_SIZE = 256
"""Rows and columns of a lobe's crop (2.3)."""
