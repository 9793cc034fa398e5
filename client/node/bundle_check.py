"""Refuses every bundle but the installed one, before anything of it is kept, read or written."""

import hashlib
import logging
from collections.abc import Callable

from flwr.supercore.fab import Fab
from flwr.supercore.run import Run

from shared_model.bundle import check_bundle
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed.node")

Record = Callable[[], None]
"""Is called for each bundle that was refused."""


class BundleCheck:
    """Asks the coordinator for the bundle of each run, once, and looks whether it is the installed one.

    get_run, get_fab: Flower's calls. Flower's own check (`trusted_entities`) asks for signatures that the
    coordinator itself passes on.
    """

    def __init__(
        self, get_run: Callable[[int], Run], get_fab: Callable[[str, int], Fab], record: Record
    ) -> None:
        self._get_run, self._get_fab, self._record = get_run, get_fab, record
        self._passed: set[int] = set()

    def check(self, run_id: int) -> None:
        """Raises PneumofedError `bundle-refused` if the run brings another bundle."""
        if run_id in self._passed:
            return
        announced = self._get_run(run_id).fab_hash
        content = self._get_fab(announced, run_id).content
        try:
            check_bundle(content, announced)
        except PneumofedError as refusal:
            sha256 = hashlib.sha256(content).hexdigest()
            log.error("run %d, bundle with SHA-256 %s: %s", run_id, sha256, refusal.code)
            self._record()
            raise
        self._passed.add(run_id)
