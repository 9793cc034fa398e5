"""The steps of a diagnosis, as whoever waits for it is told of them."""

from collections.abc import Callable
from typing import Literal

DiagnosisStep = Literal["headers", "lungs", "networks", "results"]
"""Reading headers, finding lungs, running the networks over the lobes, writing the results."""

OnStep = Callable[[DiagnosisStep, int, int], None]
"""Called with the step, how much of it is done, and how much there is: files, then lobes; 1 where unknown."""
