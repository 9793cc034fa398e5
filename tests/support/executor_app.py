"""An app for the executor's test: it says which process loaded it and which runs it."""

import json
import os
import signal
from pathlib import Path

from flwr.supercore.superexec.executor import ExecutionSpec

LOADED_BY = os.getpid()
STAYS = 7
"""The task that does not end by itself."""


def run(spec: ExecutionSpec) -> None:
    print("said", spec.task_id, flush=True)
    told = {"loaded_by": LOADED_BY, "run_by": os.getpid(), "started_by": os.getppid(), "task": spec.task_id}
    file = Path(spec.token)
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(told))
    unfinished.rename(file)
    if spec.task_id == STAYS:
        signal.pause()
