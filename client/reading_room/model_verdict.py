"""What a list of studies shows of a diagnosis, without its slices."""

from dataclasses import dataclass

from client.diagnosis.document import DiagnosisDocument
from client.diagnosis.worklist import priority_of
from shared_model.constants import Label


@dataclass(frozen=True)
class ModelVerdict:
    """A diagnosis in short.

    made_of: files of the study, weights and card of the model: another one is another diagnosis. model: name
    of the study that trained it. priority: as in worklist.csv. words: verdict with all that limits it.
    limits: codes of what limits it. flags: of the series. probabilities are calibrated, 0 to 1.
    """

    made_of: str
    model: str
    weights_sha256: str
    priority: int
    label: Label
    words: str
    uncertain: bool
    research_use_only: bool
    limits: tuple[str, ...]
    flags: tuple[str, ...]
    probability_diseased: float
    probability_covid: float
    infected_ml: float | None
    infected_percent: float | None


def model_verdict(document: DiagnosisDocument) -> ModelVerdict:
    """The document in short."""
    model, infected = document.model, document.infected.all
    return ModelVerdict(
        made_of=f"{document.files_sha256} {model.weights_sha256} {model.card_sha256}",
        model=model.study,
        weights_sha256=model.weights_sha256,
        priority=priority_of(document),
        label=document.label,
        words=document.verdict,
        uncertain=document.uncertain,
        research_use_only=document.research_use_only,
        limits=tuple(limit.code for limit in document.limits),
        flags=tuple(document.flags),
        probability_diseased=document.diseased.probability,
        probability_covid=document.covid.probability,
        infected_ml=infected.infected_ml,
        infected_percent=infected.percent,
    )
