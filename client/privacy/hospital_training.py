"""Chooses private or plain training by `study.privacy`."""

from pathlib import Path

from client.learning.local_training import LocalTraining, PlainTraining, TrainingScans
from client.privacy.ledger import PrivacyLedger
from shared_model.study import StudyConfig


def hospital_training(study: StudyConfig, scans: TrainingScans, state: Path) -> LocalTraining:
    """Private training with the ledger in `state`, the hospital's state folder, if the study is private.

    Otherwise plain training, with its checkpoints in `state`.
    """
    if study.privacy is None:
        return PlainTraining(study, scans, state)
    from client.privacy.private_training import PrivateTraining  # loading Opacus takes seconds

    return PrivateTraining(study, study.privacy, scans, PrivacyLedger(state))
