"""Ray's workers for a WorkerGrid: many virtual hospitals, each request in whichever worker is free.

Needs the extra `simulation`. For the same study, seed and hospitals the weights are bit for bit those of the
engine `workers`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deploy.simulation.local_grid import SiteFn
from deploy.simulation.worker_grid import Submit, answer_in_worker
from shared_model.errors import PneumofedError


@contextmanager
def ray_workers(site_fn: SiteFn, hospitals: Sequence[str], count: int, gpus: float = 0.0) -> Iterator[Submit]:
    """Ray on this machine alone, for as long as the block runs. Raises PneumofedError `ray-missing`.

    count: requests at a time; gpus: share of a GPU that one is given, 0.25 for four at a time.
    """
    try:
        import ray
    except ImportError:
        raise PneumofedError(
            "ray-missing", "Ray is not installed; install pneumofed with its extra: pneumofed[simulation]"
        ) from None
    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        answer, names = ray.remote(num_cpus=1, num_gpus=gpus)(answer_in_worker), tuple(sorted(hospitals))
        yield lambda _, message: answer.remote(site_fn, names, message).future()
    finally:
        ray.shutdown()
