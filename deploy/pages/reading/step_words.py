"""How far a diagnosis is, in words."""

from client.diagnosis.diagnosis_step import DiagnosisStep


def step_words(step: DiagnosisStep, done: int, total: int) -> str:
    """Of a step of which `done` of `total` is done: files or lobes."""
    of = f"{done} of {total}"
    words: dict[DiagnosisStep, str] = {
        "headers": f"reading files, {of}",
        "lungs": "finding the lungs",
        "networks": f"networks, {of} lobes",
        "results": "writing the results",
    }
    return words[step]
