"""Makes the Site of a study in the worker process, which is the first to load torch."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from client.trainer.approvals import Approvals
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import Role

if TYPE_CHECKING:
    from client.learning.site import Site


@dataclass(frozen=True)
class SiteFactory:
    """Makes the Site of a study; a picklable value, as it is sent to the worker process.

    store: path of the lobe store; state: the hospital's state folder, for what must outlive the process;
    threads: of torch, None for one per core.
    """

    store: Path
    state: Path
    role: Role
    device: str
    count_floor: int
    threads: int | None = None

    def load(self) -> None:
        """Import torch and the training code ahead of the first job: it takes seconds."""
        import client.learning.site  # noqa: F401

    def approval_of(self, proposal: Proposal) -> tuple[str, float | None]:
        """The study's fingerprint and when it was last approved."""
        known = Approvals(self.state, self.count_floor).find(proposal.fingerprint)
        return proposal.fingerprint, None if known is None else known.approved_at

    def __call__(self, proposal: Proposal) -> "Site":
        """Raises PneumofedError `no-device`, `architecture-mismatch`, `scans-changed`, the store's and Site's
        own."""
        import torch

        from client.learning.device_choice import choose_device
        from client.learning.malloc_settings import keep_freed_memory
        from client.learning.site import Site
        from client.privacy.hospital_training import hospital_training
        from client.trainer.study_scans import scans_of_study
        from preprocessing.store.lobe_store import LobeStore
        from shared_model.network_weights import to_weights

        device = choose_device(self.device)
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        keep_freed_memory()
        store = LobeStore.open(self.store)
        site = Site(
            store,
            proposal.study,
            role=self.role,
            device=device,
            count_floor=self.count_floor,
            training=partial(hospital_training, state=self.state),
            scratch=self.state,
            scans=scans_of_study(
                self.state, *self.approval_of(proposal), store.scans(), proposal.study.subgroups
            ),
        )
        if Proposal.of(proposal.study, to_weights(site.networks)).arrays != proposal.arrays:
            raise PneumofedError(
                "architecture-mismatch",
                "this version builds other networks; install the coordinator's version",
            )
        return site
