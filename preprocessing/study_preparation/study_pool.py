"""Prepares studies in worker processes, and goes on when one of them dies."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import cv2

from preprocessing.processes import exit_with_parent, uninterrupted, worker_context
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.store_lock import join_writer
from preprocessing.study_preparation.prepare_study import Outcome, StudyTask, prepare_study, rejected

_DIED = "the worker process died on this study, probably for lack of memory; run again with fewer jobs"


def prepare_studies(tasks: Sequence[StudyTask], store: LobeStore, jobs: int) -> Iterator[Outcome]:
    """The outcome of each study as it is done: in this process for one job, else in `jobs` workers.

    If a worker dies, the studies that it may have had are done again, each in a worker of its own; one that
    dies again is rejected with `worker-died`.
    """
    if jobs == 1 or len(tasks) == 1:
        yield from (prepare_study(task, store) for task in tasks)
        return
    left = list(tasks)
    while left:
        done: set[int] = set()
        for outcome in _until_one_dies(left, store, jobs):
            done.add(outcome.row)
            yield outcome
        left = [task for task in left if task.study.row not in done]
        # Those handed out when it died are the first ones left.
        for task in left[: 2 * jobs]:
            outcomes = list(_until_one_dies([task], store, 1))
            yield outcomes[0] if outcomes else rejected(task.study.row, "worker-died", _DIED)
        left = left[2 * jobs :]


def _until_one_dies(tasks: Sequence[StudyTask], store: LobeStore, jobs: int) -> Iterator[Outcome]:
    count = min(jobs, len(tasks))
    pool = ProcessPoolExecutor(count, worker_context(), initializer=_start_worker, initargs=(store.path,))
    futures: list[Future[Outcome]] = []
    try:
        with uninterrupted():
            futures += [pool.submit(prepare_study, task, store) for task in tasks]
        yield from (future.result() for future in as_completed(futures))
    except BrokenProcessPool:
        return
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker(store: Path) -> None:
    """Initialise a worker: one thread, and exit with the parent process."""
    cv2.setNumThreads(1)
    join_writer(store)
    exit_with_parent()
