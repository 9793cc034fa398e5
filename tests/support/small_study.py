"""A study of small networks, for tests of learning."""

from preprocessing.settings import PreprocessingSettings
from shared_model.study import NetworkConfig, PrivacyConfig, StudyConfig
from shared_model.study_stage import StageConfig

LOBES = StageConfig(
    name="lobes", networks=("diseased", "covid"), rounds=2, scans_per_batch=2, lobes_per_scan=2
)
FINE = StageConfig(
    name="fine", networks=("diseased",), part="fine", rounds=1, scans_per_batch=2, lobes_per_scan=2
)
STUDY = StudyConfig(
    name="test",
    seed=5,
    preprocessing=PreprocessingSettings().fingerprint,
    network=NetworkConfig(width=0.0625, dropout=0.5, pooling="mean", init="random"),
    stages=(LOBES, FINE),
)
PRIVACY = PrivacyConfig(epsilon=20.0, delta=1e-3, noise_multiplier=1.0)


def private_study(**choices: object) -> StudyConfig:
    """STUDY, trained with noise; `choices` change PRIVACY."""
    return STUDY.model_copy(update={"privacy": PRIVACY.model_copy(update=choices)})
