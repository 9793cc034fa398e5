"""People's wish that a running study ends: a file in its folder, which the round loop looks for."""

from dataclasses import dataclass
from pathlib import Path

from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

STOPPED = "study-stopped"
_AFTER_ROUND, _NOW = b"after the round\n", b"now\n"


@dataclass(frozen=True)
class StopFlag:
    """path: of the file; None: a study that nobody can ask to end, as in a simulation."""

    path: Path | None

    def raise_flag(self, *, now: bool = False) -> None:
        """Have the study end after the round in progress, or `now`, which throws that round away."""
        if self.path is not None:
            write_atomically(self.path, _NOW if now else _AFTER_ROUND, mode=0o600)

    def clear(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    @property
    def raised(self) -> bool:
        return self.path is not None and self.path.exists()

    def check_between_rounds(self) -> None:
        """Raises PneumofedError STOPPED if the study is to end."""
        if self.raised:
            raise PneumofedError(STOPPED, "stopped; the same command goes on after the last complete round")

    def check_in_round(self) -> None:
        """Raises PneumofedError STOPPED if the study is to end now."""
        if self.path is None:
            return
        try:
            now = self.path.read_bytes() == _NOW
        except FileNotFoundError:
            return
        if now:
            self.check_between_rounds()


NOBODY_STOPS = StopFlag(None)
