"""What the pages show of the federation: files of the coordinator's folder, and who is connected."""

import time
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import load_federation
from deploy.coordinator.status import connections, state_with
from server.app import LEDGER, STATUS
from server.ledger import read_record, record_paths
from server.study_result import RoundRecord

CONNECTIONS_S = 2.0  # how often SuperLink is asked who is connected


class FederationWatch:
    """Reads the state when asked; `mark` tells cheaply whether it may have changed.

    file: federation.toml, which is read anew each time.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._nodes: Mapping[str, str] | None = None
        self._asked = float("-inf")
        self._rounds: dict[Path, RoundRecord] = {}

    def mark(self) -> Hashable:
        """Differs when a study's status was written, or a hospital came or went."""
        federation = load_federation(self.file)
        if time.monotonic() - self._asked > CONNECTIONS_S:
            self._nodes, self._asked = connections(federation), time.monotonic()
        state = CoordinatorFolder(federation.state).state
        written = tuple(
            (path.parent.name, path.stat().st_mtime_ns) for path in sorted(state.glob(f"studies/*/{STATUS}"))
        )
        return written, self._nodes and tuple(sorted(self._nodes.items())), self.file.stat().st_mtime_ns

    def document(self) -> dict[str, Any]:
        """As `coordinator status --json`, with the connections that `mark` saw last."""
        return state_with(load_federation(self.file), self._nodes)

    def study(self, document: Mapping[str, Any], fingerprint: str | None) -> dict[str, Any] | None:
        """A study of the document by the name of its folder; None: the one that changed last, if any."""
        found = [s for s in document["studies"] if fingerprint in (None, Path(s["folder"]).name)]
        return found[-1] if found else None

    def rounds(self, folder: Path) -> list[RoundRecord]:
        """The complete rounds of the study in `folder`; each is read once."""
        paths = record_paths(folder / LEDGER)
        for path in paths:
            if path not in self._rounds:
                self._rounds[path] = read_record(path)
        return [self._rounds[path] for path in paths]
