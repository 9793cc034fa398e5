"""One stage of a study's training: what it trains, for how long, on which batches and losses."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from shared_model.constants import Task
from shared_model.printable_text import PrintableName
from shared_model.settings_file import FrozenSettings

LEAST_BATCHES = 2
"""A round has so many batches at least, where there are scans for them."""

Part = Literal["lobe", "patches", "decision", "fine", "scan"]
"""Which layers a stage trains (StageConfig.part)."""


class AugmentationConfig(FrozenSettings):
    """Small random changes of each training lobe, drawn anew in each epoch; the paper uses none."""

    shift: int = Field(4, ge=0, le=16, description="Largest shift in pixels along rows and along columns.")
    intensity: float = Field(
        0.02,
        ge=0,
        le=0.1,
        description="Intensities of a scan are scaled by up to 1 +/- this, clipped to 0..2048.",
    )
    flip: bool = Field(False, description="Swap front and back in half of the scans.")
    breath: float = Field(
        0.0,
        ge=0,
        le=0.5,
        exclude_if=lambda value: value == 0,  # studies without it keep their fingerprints
        description="Varies the inspiration depth: grey values between air and water are raised to the power "
        "exp(+/- this).",
    )
    kernel: float = Field(
        0.0,
        ge=0,
        le=3,
        exclude_if=lambda value: value == 0,  # studies without it keep their fingerprints
        description="Varies the reconstruction kernel: half of the scans are blurred, the others sharpened, "
        "by a Gaussian of up to this many pixels.",
    )
    noise: float = Field(
        0.0,
        ge=0,
        le=200,
        exclude_if=lambda value: value == 0,  # studies without it keep their fingerprints
        description="Adds noise of up to this standard deviation in grey values, of random grain.",
    )


class StageConfig(FrozenSettings):
    """One stage of training: which networks, which of their layers, and how."""

    name: PrintableName = Field(description="Name shown to people.")
    networks: tuple[Task, ...] = Field(min_length=1, description="Networks trained in each round.")
    part: Part = Field(
        "lobe",
        description="Layers trained. 'lobe': all but the fine infection decider (stage 1 of the paper); "
        "'patches': those that coarse patch infection is computed with, by the patch loss alone; "
        "'decision': as 'lobe', with the patch feature extractor frozen; 'fine': the fine infection decider "
        "alone (stage 2); 'scan': the decision of a scan from its figures, in closed form in one round, from "
        "sums over each hospital's training scans.",
    )
    say: Literal["scans", "equal", "two-class"] = Field(
        "scans",
        exclude_if=lambda value: value == "scans",  # studies without it keep their fingerprints
        description="A hospital's weight in the average. 'scans': the training patients that it tells of; "
        "'equal': 1; 'two-class': as 'scans', but none in a network's decision unless it has enough training "
        "patients of both labels of the task; it then trains patch infection alone, if the stage does.",
    )
    start_from_patches: bool = Field(
        False,
        description="Before round 1, copy the diseased network's feature layers to the trained networks and "
        "its patch infection decider into their attention.",
    )
    rounds: int = Field(ge=1, le=100_000, description="Federated rounds.")
    validate_every: int = Field(
        1,
        ge=0,
        description="Validate every this many rounds and always after the last; 0: never, and the last round "
        "is kept.",
    )
    average_rounds: int = Field(
        1,
        ge=1,
        exclude_if=lambda value: value == 1,  # studies without it keep their fingerprints
        description="The stage ends with the mean of the weights of its last this many rounds.",
    )
    epochs: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="Passes over a hospital's training scans in a round; however few, a round takes two "
        "batches, and of each class the hospital's least number of patients, or all scans.",
    )
    scans_per_batch: int = Field(6, ge=1, le=4096, description="Scans in a training batch.")
    lobes_per_scan: int = Field(10, ge=1, le=4096, description="Slice lobes drawn from a scan.")
    jitter: bool = Field(
        True, description="Draw each lobe at random within its stratum of slices instead of at the middle."
    )
    optimizer: Literal["adam", "sgd"] = Field("adam", description="Adam with torch's defaults, or plain SGD.")
    optimizer_state: Literal["reset", "kept"] = Field(
        "reset",
        exclude_if=lambda value: value == "reset",  # studies without it keep their fingerprints
        description="The optimiser's moments begin anew in each round, or are kept at the hospital.",
    )
    learning_rate: float = Field(1e-4, gt=0, description="Learning rate of the first round.")
    final_learning_rate: float | None = Field(
        None,
        gt=0,
        description="Learning rate of the last round, with cosine annealing in between; none: constant.",
    )
    warm_up_rounds: float = Field(
        0.0,
        ge=0,
        exclude_if=lambda value: value == 0,  # studies without it keep their fingerprints
        description="Rounds, also fractions, of linear warm-up of the learning rate from 0, step by step.",
    )
    augmentation: AugmentationConfig | None = Field(
        None, exclude_if=lambda value: value is None, description="None: lobes are not augmented."
    )
    top_share: float = Field(
        0.3, gt=0, le=1, description="Share of a scan's lobes that are given the scan's label (2.7.1)."
    )
    concordance_weight: float = Field(1.0, ge=0, description="Weight of the concordance loss (2.7.3).")
    patch_weight: float = Field(0.01, ge=0, description="Weight of the patch loss (2.7.2).")
    ridge: float = Field(
        0.1,
        gt=0,
        exclude_if=lambda value: value == 0.1,  # studies without it keep their fingerprints
        description="Of part 'scan': this share of each figure's variance is added to it.",
    )
    patches: Literal["crop", "lobe"] = Field(
        "crop",
        exclude_if=lambda value: value == "crop",  # studies without it keep their fingerprints
        description="Patches in the patch loss: all of the crop, or only those that overlap the lobe.",
    )

    @model_validator(mode="after")
    def _infection_is_the_diseased_networks(self) -> Self:
        if self.part in ("fine", "patches") and self.networks != ("diseased",):
            raise ValueError(
                f"part = {self.part!r} needs networks = ['diseased']: only that network has it (2.5)"
            )
        return self

    @model_validator(mode="after")
    def _closed_form_takes_one_round(self) -> Self:
        if self.part == "scan" and self.rounds != 1:
            raise ValueError("part = 'scan' needs rounds = 1: nothing is iterated")
        return self

    @model_validator(mode="after")
    def _frozen_features_are_not_augmented(self) -> Self:
        if self.part == "decision" and self.augmentation is not None:
            raise ValueError(
                "part = 'decision' computes each scan's features once: remove the stage's augmentation"
            )
        return self

    @model_validator(mode="after")
    def _averages_its_own_rounds(self) -> Self:
        if self.average_rounds > self.rounds:
            raise ValueError("average_rounds must not be more than rounds")
        return self

    def part_trained(self, task: Task, *, two_class: bool) -> Part | None:
        """The part of the network of `task` that a hospital trains, None for none.

        two_class: whether the hospital has enough training patients of both labels of the task.
        """
        if two_class or self.say != "two-class" or self.part in ("fine", "patches", "scan"):
            return self.part
        return "patches" if self.part == "lobe" and task == "diseased" else None

    @property
    def averaged_rounds(self) -> range:
        """The rounds whose weights are averaged with those of the last round."""
        return range(self.rounds - self.average_rounds + 1, self.rounds)

    def validates(self, round: int) -> bool:
        """Whether `round`, from 1 to `rounds`, is followed by a validation."""
        every = self.validate_every
        return every > 0 and (round % every == 0 or round == self.rounds)

    def scans_of_pass(self, number: int, scans: int) -> int:
        """How many of a hospital's `scans` the pass `number`, from 0, takes.

        All, or of the last pass the share that is left of `epochs`; of the first one two batches at least.
        """
        share = round(min(1.0, self.epochs - number) * scans)
        return min(scans, max(share, LEAST_BATCHES * self.scans_per_batch if number == 0 else 1))

    def batches(self, scans: int, *, least: int = 1) -> int:
        """Batches of a round at a hospital with so many training scans, of which it takes `least` or more."""
        passes = [self.scans_of_pass(number, scans) for number in range(math.ceil(self.epochs))]
        passes[0] = max(passes[0], min(least, scans))
        return sum(math.ceil(taken / self.scans_per_batch) for taken in passes)

    def learning_rates(self, round_number: int, steps: int) -> list[float]:
        """The learning rate of each of a hospital's `steps` in `round_number`, from 1 to `rounds`."""
        rate = self._learning_rate_of_round(round_number)
        if self.warm_up_rounds == 0:
            return [rate] * steps
        rounds_done = (round_number - 1 + step / steps for step in range(1, steps + 1))
        return [rate * min(1.0, rounds / self.warm_up_rounds) for rounds in rounds_done]

    def _learning_rate_of_round(self, round_number: int) -> float:
        if self.final_learning_rate is None or self.rounds == 1:
            return self.learning_rate
        share = (1 + math.cos(math.pi * (round_number - 1) / (self.rounds - 1))) / 2
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * share
