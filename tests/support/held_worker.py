"""`python -m tests.support.held_worker FOLDER`: a process with a worker that stays busy."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flwr.app import Message, RecordDict

from client.learning.site import Site
from deploy.simulation.grids import open_grid


@dataclass(frozen=True)
class BusySites:
    """Every hospital says its process in FOLDER/worker and is busy then."""

    folder: str

    def __call__(self, hospital: str) -> Site:
        path = Path(self.folder) / "worker"
        path.with_suffix(".new").write_text(str(os.getpid()))
        path.with_suffix(".new").rename(path)
        time.sleep(600)
        return cast(Site, None)


if __name__ == "__main__":
    sites = BusySites(sys.argv[1])
    with open_grid("workers", sites, ["north"]) as grid:
        (node,) = grid.get_node_ids()
        grid.push_messages([Message(RecordDict(), node, "query")])
        time.sleep(600)
