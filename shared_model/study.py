"""A study: everything that the parties must agree on before the first round."""

import hashlib
import math
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.settings_file import parse_settings


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkConfig(_Part):
    """Table 1 and how it starts."""

    width: float = Field(1.0, gt=0, le=1, description="Factor on all channel counts; 1.0 is the paper's.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Dropout probability in the deciders (Table 1).")
    pooling: Literal["sum", "mean"] = Field(
        "sum",
        description="Lobe features: attention-weighted sum (the paper's), or over the summed attention.",
    )
    init: str = Field(
        "imagenet",
        description="First six convolutions: 'imagenet' (from the hub), 'random', or a VGG-16 state file.",
    )

    @model_validator(mode="after")
    def _pretrained_is_full_width(self) -> Self:
        if self.init != "random" and self.width != 1.0:
            raise ValueError("VGG-16 weights fit width 1.0 only: say init = 'random' or width = 1.0")
        return self


class SplitConfig(_Part):
    """Shares of patients, by a keyed hash of the patient id (2.7.4)."""

    train: float = Field(0.81, gt=0, lt=1, description="Share trained on.")
    validation: float = Field(0.09, gt=0, lt=1, description="Share that chooses round and operating point.")
    test: float = Field(0.10, gt=0, lt=1, description="Share that measures the hospitals that trained.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            raise ValueError("train + validation + test must be 1")
        return self

    def part_of(self, fold: float) -> Literal["train", "validation", "test"]:
        """The part of a patient whose keyed hash is `fold` in [0, 1)."""
        if fold < self.train:
            return "train"
        return "validation" if fold < self.train + self.validation else "test"


class AugmentationConfig(_Part):
    """Slight changes of each training lobe, new in each pass; none of them in the paper."""

    shift: int = Field(4, ge=0, le=16, description="At most so many pixels up or down, left or right.")
    intensity: float = Field(
        0.02, ge=0, le=0.1, description="Intensities of a scan times at most 1 +/- this, within 0..2048."
    )
    flip: bool = Field(False, description="Front and back exchanged in half of the scans.")
    breath: float = Field(
        0.0,
        ge=0,
        le=0.5,
        exclude_if=lambda value: value == 0,  # studies without it keep their fingerprints
        description="Lungs with more or less air: grey values from air to water to the power exp(+/- this).",
    )


class StageConfig(_Part):
    """One stage of training: which networks, which part of them, and how."""

    name: str = Field(description="What people call it.")
    networks: tuple[Task, ...] = Field(min_length=1, description="Networks trained in each round.")
    part: Literal["lobe", "decision", "fine"] = Field(
        "lobe",
        description="What learns: all but the fine infection decider (stage 1), of that all but the patch "
        "features, or the fine infection decider alone (stage 2).",
    )
    start_from_patches: bool = Field(
        False,
        description="Before round 1, give the lobe decisions the diseased network's features, and attention "
        "where it sees infected patches.",
    )
    rounds: int = Field(ge=1, description="Federated rounds.")
    validate_every: int = Field(
        1,
        ge=0,
        description="Validate every so many rounds, always after the last; 0: never, the last round is kept.",
    )
    average_rounds: int = Field(
        1,
        ge=1,
        exclude_if=lambda value: value == 1,  # studies without it keep their fingerprints
        description="The stage ends with the mean of the weights after its last so many rounds.",
    )
    epochs: float = Field(1.0, gt=0, description="Passes over a hospital's training scans in a round.")
    scans_per_batch: int = Field(6, ge=1, description="Scans in a training batch.")
    lobes_per_scan: int = Field(10, ge=1, description="Slice lobes drawn from a scan.")
    jitter: bool = Field(True, description="Draw each lobe at random within its share of the height.")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="Adam with torch's defaults, or plain SGD.")
    learning_rate: float = Field(1e-4, gt=0, description="At the first round.")
    final_learning_rate: float | None = Field(
        None, gt=0, description="At the last round, cosine in between; none: constant."
    )
    warm_up_rounds: float = Field(
        0.0,
        ge=0,
        exclude_if=lambda value: value == 0,  # studies without it keep their fingerprints
        description="Rounds, or parts of one, over which the learning rate rises from 0, step by step.",
    )
    augmentation: AugmentationConfig | None = Field(
        None, exclude_if=lambda value: value is None, description="None: lobes are learned from as they are."
    )
    top_share: float = Field(0.3, gt=0, le=1, description="Share of a scan's lobes with its label (2.7.1).")
    concordance_weight: float = Field(1.0, ge=0, description="Weight of the concordance loss (2.7.3).")
    patch_weight: float = Field(0.01, ge=0, description="Weight of the patch loss (2.7.2).")
    patches: Literal["crop", "lobe"] = Field(
        "crop",
        exclude_if=lambda value: value == "crop",  # studies without it keep their fingerprints
        description="Which patches the patch loss counts: all of the crop, or those that hold some lobe.",
    )

    @model_validator(mode="after")
    def _fine_is_of_the_diseased_network(self) -> Self:
        if self.part == "fine" and self.networks != ("diseased",):
            raise ValueError("part = 'fine' belongs to networks = ['diseased'] alone (2.5)")
        return self

    @model_validator(mode="after")
    def _resting_features_are_as_they_are(self) -> Self:
        if self.part == "decision" and self.augmentation is not None:
            raise ValueError("part = 'decision' sees each scan once: augmentation cannot change it")
        return self

    @model_validator(mode="after")
    def _averages_rounds_that_it_has(self) -> Self:
        if self.average_rounds > self.rounds:
            raise ValueError("average_rounds must not be more than rounds")
        return self

    @property
    def averaged_rounds(self) -> range:
        """The rounds whose weights the last round's are averaged with."""
        return range(self.rounds - self.average_rounds + 1, self.rounds)

    def learning_rates(self, round_number: int, steps: int) -> list[float]:
        """The learning rate of each of the `steps` of round 1 .. rounds at a hospital."""
        rate = self._rate_of_round(round_number)
        if self.warm_up_rounds == 0:
            return [rate] * steps
        done = (round_number - 1 + step / steps for step in range(1, steps + 1))
        return [rate * min(1.0, rounds / self.warm_up_rounds) for rounds in done]

    def _rate_of_round(self, round_number: int) -> float:
        if self.final_learning_rate is None or self.rounds == 1:
            return self.learning_rate
        share = (1 + math.cos(math.pi * (round_number - 1) / (self.rounds - 1))) / 2
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * share


class PrivacyConfig(_Part):
    """Differential privacy of every patient at each hospital that trains (docs/decisions/0090)."""

    epsilon: float = Field(
        gt=0, description="The most that all private training at a hospital may ever tell of a patient."
    )
    delta: float = Field(1e-5, gt=0, lt=1, description="How likely epsilon may not hold.")
    clip_norm: float = Field(1.0, gt=0, description="The longest gradient that one patient may give.")
    noise_multiplier: float | None = Field(
        None,
        gt=0,
        description="Deviation of the noise in clip norms; none: the least with which a hospital can do "
        "all rounds within epsilon.",
    )


class StudyConfig(_Part):
    """One study. Its fingerprint is what a hospital approves."""

    name: str = Field(min_length=1, description="What people call it.")
    seed: int = Field(0, ge=0, description="Of every random draw in the study.")
    preprocessing: str = Field(min_length=1, description="Fingerprint of the settings that made the stores.")
    network: NetworkConfig = NetworkConfig()
    split: SplitConfig = SplitConfig()
    operating_point: Literal["half", "validation"] = Field(
        "half", description="Called positive from 0.5 on (2.6), or from where validation scans part best."
    )
    covid_share: float = Field(
        0.0,
        ge=0,
        le=1,
        exclude_if=lambda value: value == 0,  # studies without it keep their fingerprints
        description="COVID-19 is told from the mean over this share of a scan's softened lobes, greatest "
        "first; 0: from the greatest alone, eq. 2.",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Of activations; bfloat16 only where the device computes in it, elsewhere float32.",
    )
    stages: tuple[StageConfig, ...] = Field(min_length=1, description="In order.")
    privacy: PrivacyConfig | None = Field(
        None,
        exclude_if=lambda value: value is None,  # studies without it keep their fingerprints
        description="None: weights are sent without noise, and nothing bounds what they tell.",
    )

    @model_validator(mode="after")
    def _private_scans_choose_nothing(self) -> Self:
        if self.privacy is not None and self.operating_point != "half":
            raise ValueError("with [privacy] no validation scores leave a hospital: operating_point = 'half'")
        return self

    def scan_share(self, network: Task) -> float:
        """The share of a scan's lobes that `network` tells the scan from; 0: the greatest alone, eq. 2."""
        return self.covid_share if network == "covid" else 0.0

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all fields, first 16 hex digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def study_names() -> list[str]:
    """The studies that come with pneumofed."""
    folder = resources.files("shared_model") / "studies"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def load_study(name_or_path: str | Path) -> StudyConfig:
    """Read a study that comes with pneumofed by its name, or one's own by its TOML file.

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
