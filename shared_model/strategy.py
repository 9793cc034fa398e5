"""How a round's updates become the next global weights: strategies by name, for the study."""

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


StrategyConfig = Annotated[FedAvgConfig | FedProxConfig | FedAdamConfig, Field(discriminator="name")]
