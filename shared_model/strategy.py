"""How a round's updates become the next global weights: strategies by name, for the study.

What guards the mean against a few hospitals that return wrong weights is chosen beside the strategy.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared_model.settings_file import FrozenSettings


class FedAvgConfig(FrozenSettings):
    """The mean of the hospitals' weights (McMahan et al. 2017)."""

    name: Literal["fedavg"] = "fedavg"


class FedProxConfig(FrozenSettings):
    """FedAvg; a term of each hospital's loss keeps its weights near the global ones (Li et al. 2020)."""

    name: Literal["fedprox"]
    mu: float = Field(0.01, gt=0, description="The term is mu / 2 times the squared distance.")


class FedAdamConfig(FrozenSettings):
    """Adam at the coordinator, with the mean change as its gradient (Reddi et al. 2021)."""

    name: Literal["fedadam"]
    learning_rate: float = Field(0.01, gt=0, description="The coordinator's learning rate.")
    beta_1: float = Field(0.9, ge=0, lt=1, description="Decay of the mean change.")
    beta_2: float = Field(0.99, ge=0, lt=1, description="Decay of the squared change.")
    tau: float = Field(1e-3, gt=0, description="Degree of adaptivity: added to the root of the square.")


class NormBoundConfig(FrozenSettings):
    """A change that is much longer than the others' is shortened (Sun et al. 2019)."""

    name: Literal["norm-bound"]
    factor: float = Field(2.0, ge=1, le=100, description="Longest change, in medians of the others'.")

    @property
    def least_hospitals(self) -> int:
        """With two, the other one may be the wrong one."""
        return 3


class TrimmedMeanConfig(FrozenSettings):
    """The mean of each value without its largest and smallest ones (Yin et al. 2018)."""

    name: Literal["trimmed-mean"]
    trim: int = Field(1, ge=1, le=100, description="Values dropped at either end.")

    @property
    def least_hospitals(self) -> int:
        """With fewer nothing is left."""
        return 2 * self.trim + 1


GuardConfig = Annotated[NormBoundConfig | TrimmedMeanConfig, Field(discriminator="name")]

StrategyConfig = Annotated[FedAvgConfig | FedProxConfig | FedAdamConfig, Field(discriminator="name")]
