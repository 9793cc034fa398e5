"""Ray's workers for a WorkerGrid: many virtual hospitals, each task in whichever worker is free.

Needs the extra `simulation`. For the same study, seed and hospitals the weights are bit for bit those of the
engine `local`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deploy.simulation.local_grid import TrainerFn
from deploy.simulation.worker_grid import Submit, answer_in_worker
from shared_model.errors import PneumofedError


@contextmanager
def ray_workers(
    trainer_fn: TrainerFn, hospitals: Sequence[str], count: int, gpus: float = 0.0
) -> Iterator[Submit]:
    """Ray on this machine alone, for as long as the block runs. Raises PneumofedError `ray-missing`.

    count: tasks at a time; gpus: share of a GPU that a task is given, 0.25 for four at a time.
    """
    try:
        import ray
    except ImportError:
        raise PneumofedError(
            "ray-missing", "Ray is not installed; install pneumofed with its extra: pneumofed[simulation]"
        ) from None
    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        task, names = ray.remote(num_cpus=1, num_gpus=gpus)(answer_in_worker), tuple(sorted(hospitals))
        yield lambda _, message: task.remote(trainer_fn, names, message).future()
    finally:
        ray.shutdown()
