"""A federated study: everything that the parties agree on before the first round."""

import hashlib
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.printable_text import PrintableName, PrintableText
from shared_model.scan_figures import FigureSet
from shared_model.settings_file import FrozenSettings, parse_settings
from shared_model.strategy import FedAvgConfig, FedProxConfig, GuardConfig, StrategyConfig
from shared_model.study_stage import StageConfig
from shared_model.subgroups import Division


class NetworkConfig(FrozenSettings):
    """The architecture of Table 1 and its initial weights."""

    width: float = Field(1.0, gt=0, le=1, description="Factor on all channel counts; 1.0 is the paper's.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Dropout probability in the deciders (Table 1).")
    pooling: Literal["sum", "mean"] = Field(
        "sum",
        description="Pools patch features into lobe features: attention-weighted sum (the paper's) or mean.",
    )
    scan_figures: FigureSet | None = Field(
        None,
        exclude_if=lambda value: value is None,  # studies without it keep their fingerprints
        description="The figures of a scan that a stage of part 'scan' computes its decision from "
        "(shared_model/scan_figures.py); none: a scan is decided by eq. 2.",
    )
    init: PrintableText = Field(
        "imagenet",
        description="Initial weights of the first six convolutions: 'imagenet' (from torchvision's hub), "
        "'random', or the path of a VGG-16 state file.",
    )

    @model_validator(mode="after")
    def _pretrained_is_full_width(self) -> Self:
        if self.init != "random" and self.width != 1.0:
            raise ValueError("VGG-16 weights fit width 1.0 only: set init = 'random' or width = 1.0")
        return self


class SplitConfig(FrozenSettings):
    """Shares of patients in each split, assigned by a keyed hash of the patient id (2.7.4)."""

    train: float = Field(0.81, gt=0, lt=1, description="Share used for training.")
    validation: float = Field(0.09, gt=0, lt=1, description="Share that selects round and operating point.")
    test: float = Field(0.10, gt=0, lt=1, description="Share for the final evaluation of training hospitals.")

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            raise ValueError("train + validation + test must be 1")
        return self

    def part_of(self, fold: float) -> Literal["train", "validation", "test"]:
        """The split of a patient whose keyed hash is `fold` in [0, 1)."""
        if fold < self.train:
            return "train"
        return "validation" if fold < self.train + self.validation else "test"


class PrivacyConfig(FrozenSettings):
    """Patient-level differential privacy at each training hospital (docs/decisions/0090)."""

    epsilon: float = Field(
        gt=0, description="Budget of all private training at a hospital together, per patient."
    )
    delta: float = Field(1e-5, gt=0, lt=1, description="Probability with which epsilon may not hold.")
    clip_norm: float = Field(1.0, gt=0, description="L2 norm to which each patient's gradient is clipped.")
    noise_multiplier: float | None = Field(
        None,
        gt=0,
        description="Standard deviation of the noise in units of clip_norm; none: the smallest with which a "
        "hospital completes all rounds within epsilon.",
    )


WEAK_EPSILON = 20.0
"""With a larger epsilon one outcome can be a hundred million times as likely as without a patient."""


class StudyConfig(FrozenSettings):
    """One federated study. A hospital approves its fingerprint."""

    name: PrintableName = Field(description="Name shown to people.")
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of every random draw in the study.")
    preprocessing: str = Field(
        pattern=r"^[0-9a-z]{1,64}$", description="Fingerprint of the stores' preprocessing settings."
    )
    network: NetworkConfig = NetworkConfig()
    split: SplitConfig = SplitConfig()
    operating_point: Literal["half", "validation"] = Field(
        "half",
        description="Threshold of a positive scan: probability 0.5 (2.6), or the best on validation scans.",
    )
    covid_share: float = Field(
        0.0,
        ge=0,
        le=1,
        exclude_if=lambda value: value == 0,  # studies without it keep their fingerprints
        description="A scan's COVID-19 score is the mean over this share of its softened lobes, greatest "
        "first; 0: the greatest alone, eq. 2.",
    )
    slab_mm: float = Field(
        0.0,
        ge=0,
        le=20,
        exclude_if=lambda value: value == 0,  # studies without it keep their fingerprints
        description="Thinner slices are averaged into slabs of about this height, in mm, before a scan is "
        "decided by eq. 2: the maximum over many thin slices is greater by chance. 0: over slices, as in the "
        "paper.",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Type of the patch feature extractor's activations, all that follows is float32; "
        "bfloat16 only on devices that support it, otherwise float32.",
    )
    strategy: StrategyConfig = Field(
        FedAvgConfig(),
        exclude_if=lambda value: value.name == "fedavg",  # studies without it keep their fingerprints
        description="How a round's updates become the next global weights.",
    )
    max_share: float = Field(
        0.6,
        gt=0,
        le=1,
        exclude_if=lambda value: value == 0.6,  # studies without it keep their fingerprints
        description="The largest share of say that one hospital has in an average, or of scans in a class of "
        "a scan decision; 1: no cap. Among n hospitals a share below 1 / n makes all count alike.",
    )
    guard: GuardConfig | None = Field(
        None,
        exclude_if=lambda value: value is None,  # studies without it keep their fingerprints
        description="What keeps a few hospitals with wrong weights from moving the average; none: the cap "
        "alone.",
    )
    subgroups: Division | None = Field(
        None,
        exclude_if=lambda value: value is None,  # studies without it keep their fingerprints
        description="The division of scans by which hospitals tell of subgroups when the model is measured, "
        "where their floors allow it: 'manufacturer' of the scanner, or 'slice-thickness'; none: they tell "
        "of none. A hospital tells by one division ever.",
    )
    stages: tuple[StageConfig, ...] = Field(min_length=1, description="Training stages, in order.")
    privacy: PrivacyConfig | None = Field(
        None,
        exclude_if=lambda value: value is None,  # studies without it keep their fingerprints
        description="None: weights are sent without noise and without a privacy guarantee.",
    )

    @model_validator(mode="after")
    def _private_study_has_no_validation_scores(self) -> Self:
        if self.privacy is not None and self.operating_point != "half":
            raise ValueError("with [privacy] no validation score is sent: set operating_point = 'half'")
        return self

    @model_validator(mode="after")
    def _scan_decisions_have_figures(self) -> Self:
        parts = [stage.part for stage in self.stages]
        if "scan" not in parts and self.network.scan_figures is not None:
            raise ValueError("network.scan_figures needs a stage of part 'scan'")
        if "scan" in parts and self.network.scan_figures is None:
            raise ValueError("a stage of part 'scan' needs network.scan_figures")
        if "scan" in parts and not set(parts[parts.index("scan") :]) <= {"scan", "fine"}:
            raise ValueError("only stages of part 'fine' may follow part 'scan': others change its figures")
        return self

    @model_validator(mode="after")
    def _private_study_has_no_scan_decision(self) -> Self:
        if self.privacy is not None and any(stage.part == "scan" for stage in self.stages):
            raise ValueError("with [privacy] no stage of part 'scan' works: its sums are sent without noise")
        return self

    @model_validator(mode="after")
    def _private_training_is_plain(self) -> Self:
        kept = any(stage.optimizer_state == "kept" for stage in self.stages)
        if self.privacy is not None and (self.proximal_mu or kept):
            raise ValueError(
                "with [privacy] neither strategy 'fedprox' nor optimizer_state = 'kept' is trained"
            )
        return self

    @model_validator(mode="after")
    def _guards_are_for_averages(self) -> Self:
        if self.guard is not None and any(stage.part == "scan" for stage in self.stages):
            raise ValueError("guard works on averages only: remove it, or the stage of part 'scan'")
        return self

    @property
    def proximal_mu(self) -> float:
        """FedProx's mu; 0 for other strategies."""
        return self.strategy.mu if isinstance(self.strategy, FedProxConfig) else 0.0

    def scan_share(self, task: Task) -> float:
        """The share of a scan's lobes that the score of `task` averages; 0: the greatest alone, eq. 2."""
        return self.covid_share if task == "covid" else 0.0

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all fields, first 16 hex digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def study_names() -> list[str]:
    """The studies that come with pneumofed."""
    folder = resources.files("shared_model") / "studies"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def load_study(name_or_path: str | Path) -> StudyConfig:
    """Read a study that comes with pneumofed by its name, or another one from its TOML file.

    Raises PneumofedError `study-missing` or `study-invalid`, the latter with every problem named.
    """
    content = _study_content(name_or_path)
    return parse_settings(content, StudyConfig, name=f"study {name_or_path}", code="study-invalid")


def _study_content(name_or_path: str | Path) -> bytes:
    if str(name_or_path) in study_names():
        return (resources.files("shared_model") / "studies" / f"{name_or_path}.toml").read_bytes()
    try:
        return Path(name_or_path).read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        names = ", ".join(study_names())
        raise PneumofedError(
            "study-missing", f"{name_or_path}: no such study file; name a file or one of: {names}"
        ) from error
