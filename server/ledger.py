"""The coordinator's durable memory: each complete round's record and weights; where to go on from.

    LEDGER/study.json                the study, and the fingerprint of the weights that it began with
    LEDGER/00-0001.safetensors       global weights after stage 0, round 1
    LEDGER/00-0001.state             what the strategy remembers, if it remembers anything
    LEDGER/00-0001.json              the round's record: written last, so a round counts once this is there
    LEDGER/result.json               the study's result without rounds and weights: partial after each round,
                                     whole in the end

Weights are kept for the last round, for the best ones and for those that the stage's end is averaged with;
records are kept for all.
"""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from server.model_selection import Best, Score, with_best
from server.strategies.server_step import State
from server.study_result import RoundRecord, StudyResult
from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.study import StudyConfig
from shared_model.weights import Weights, fingerprint, only

T = TypeVar("T", bound=BaseModel)

RESULT = "result.json"


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    study: StudyConfig
    initial_sha256: str
    strategy: str | None = None


class Ledger:
    """The rounds of one study in one folder.

    strategy: the dotted path of a researcher's own, if the rounds are run with one.

    Raises PneumofedError `ledger-of-another-study` if the folder holds another study, strategy or initial
    weights, `ledger-damaged` if a file cannot be read.
    """

    def __init__(
        self, folder: Path, study: StudyConfig, initial: Weights, strategy: str | None = None
    ) -> None:
        self.folder, self.study, self.names, self.strategy = folder, study, list(initial), strategy
        head = _Head(study=study, initial_sha256=fingerprint(initial), strategy=strategy)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "study.json"
        if not path.exists():
            write_atomically(path, head.model_dump_json(indent=2).encode())
        elif _read(path, _Head) != head:
            raise PneumofedError(
                "ledger-of-another-study",
                f"{folder} holds the rounds of another study, strategy or initial weights; name an empty "
                "folder",
            )
        self.records = _records(folder)
        self._check_complete()

    def write(self, record: RoundRecord, weights: Weights, state: State) -> None:
        """Make the round durable, then drop weights and states that are no longer needed.

        state: the strategy's, for the next round.
        """
        write_atomically(self._weights_path(record.stage, record.round), save(weights))
        if state:
            write_atomically(self._path(record.stage, record.round, "state"), save(state))
        text = record.model_dump_json(indent=2) + "\n"
        write_atomically(self._path(record.stage, record.round, "json"), text.encode())
        self.records.append(record)
        stage = self.study.stages[record.stage]
        needed = {record.round, *record.best.values()}
        needed |= set(stage.averaged_rounds if record.round < stage.rounds else ())
        for path in self.folder.glob(f"{record.stage:02d}-*.safetensors"):
            if int(path.stem.split("-")[1]) not in needed:
                path.unlink()
        for path in self.folder.glob("*.state"):
            if path != self._path(record.stage, record.round, "state"):
                path.unlink()

    def result(self) -> StudyResult | None:
        """The result that was written last; None before the first round."""
        return read_result(self.folder)

    def write_result(self, result: StudyResult) -> None:
        """Durable when this returns."""
        text = result.model_dump_json(indent=1, exclude={"rounds"}) + "\n"
        write_atomically(self.folder / RESULT, text.encode())

    def final_weights(self) -> Weights:
        """The weights of a study whose rounds are all complete. Raises as `weights_of`."""
        last = len(self.study.stages) - 1
        return with_best(self.weights_after(last), self.best_of(last))

    def drop_weights(self) -> None:
        """Delete all weights and states; the records stay."""
        for path in (*self.folder.glob("*.safetensors"), *self.folder.glob("*.state")):
            path.unlink()

    def rounds_done(self, stage: int) -> int:
        """Complete rounds of the stage."""
        return sum(record.stage == stage for record in self.records)

    def weights_after(self, stage: int) -> Weights:
        """The global weights after the stage's last complete round."""
        return self.weights_of(stage, self.rounds_done(stage))

    def state_after(self, stage: int) -> State:
        """The strategy's state after the stage's last complete round; empty if it has none."""
        done = self.rounds_done(stage)
        record = next(r for r in self.records if (r.stage, r.round) == (stage, done))
        if record.state_sha256 is None:
            return {}
        path = self._path(stage, done, "state")
        try:
            state: State = load(path.read_bytes())
        except (OSError, SafetensorError) as error:
            raise _damaged(path) from error
        if fingerprint(state) != record.state_sha256:
            raise _damaged(path)
        return state

    def best_of(self, stage: int) -> dict[Task, Best]:
        """Each network's best round in the stage so far."""
        records = {record.round: record for record in self.records if record.stage == stage}
        best: dict[Task, Best] = {}
        for network, round_number in records[max(records)].best.items():
            record = records[round_number]
            score = Score(record.accuracy.get(network), record.within_auc.get(network))
            best[network] = Best(round_number, score, only(self.weights_of(stage, round_number), network))
        return best

    def weights_of(self, stage: int, round_number: int) -> Weights:
        """The global weights after a round, as long as they are needed."""
        path = self._weights_path(stage, round_number)
        record = next(r for r in self.records if (r.stage, r.round) == (stage, round_number))
        try:
            weights: Weights = load(path.read_bytes())
        except (OSError, SafetensorError) as error:
            raise _damaged(path) from error
        if fingerprint(weights) != record.weights_sha256:
            raise _damaged(path)
        return {name: weights[name] for name in self.names}  # a file does not keep their order

    def _check_complete(self) -> None:
        for record in self.records:
            rounds = [r.round for r in self.records if r.stage == record.stage]
            if rounds != list(range(1, len(rounds) + 1)):
                raise _damaged(self.folder)

    def _path(self, stage: int, round_number: int, suffix: str) -> Path:
        return self.folder / f"{stage:02d}-{round_number:04d}.{suffix}"

    def _weights_path(self, stage: int, round_number: int) -> Path:
        return self._path(stage, round_number, "safetensors")


def check_strategy(folder: Path, strategy: str | None) -> None:
    """Raises PneumofedError `ledger-of-another-study` if the rounds in `folder` have another strategy.

    strategy: as for Ledger. `ledger-damaged` if the file cannot be read.
    """
    path = folder / "study.json"
    if path.exists() and (found := _read(path, _Head).strategy) != strategy:
        run_with = "the study's own strategy" if found is None else f"the strategy {found!r}"
        raise PneumofedError(
            "ledger-of-another-study",
            f"its rounds were run with {run_with}; run it with that one, or name a new study",
        )


def read_result(folder: Path) -> StudyResult | None:
    """The result in the ledger `folder`, with its rounds; None if there is none.

    Raises PneumofedError `ledger-damaged` if a file cannot be read.
    """
    path = folder / RESULT
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_bytes())
        return StudyResult.model_validate({**document, "rounds": _records(folder)})
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(path) from error


def record_paths(folder: Path) -> list[Path]:
    """The files of the complete rounds in the ledger `folder`, in order."""
    return sorted(folder.glob("[0-9]*-[0-9]*.json"))


def read_record(path: Path) -> RoundRecord:
    """One complete round. Raises PneumofedError `ledger-damaged`."""
    return _read(path, RoundRecord)


def _records(folder: Path) -> list[RoundRecord]:
    return [read_record(path) for path in record_paths(folder)]


def _read(path: Path, model: type[T]) -> T:
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> PneumofedError:
    return PneumofedError("ledger-damaged", f"{path} cannot be read; bring it back from a copy or begin anew")
