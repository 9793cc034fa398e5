"""Engine `ray`: many virtual hospitals on one machine, each request in whichever of Ray's workers is free.

Needs the extra `simulation`. The round loop and the ClientApp are those of the other engines; for the same
study, seed and hospitals the weights are, bit for bit, those of `local`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deploy.simulation.local_grid import OpenSite
from deploy.simulation.worker_grid import Start, answer_in_worker
from shared_model.errors import PneumofedError


@contextmanager
def ray_workers(
    open_site: OpenSite, hospitals: Sequence[str], count: int, gpus: float = 0.0
) -> Iterator[Start]:
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
        yield lambda _, message: answer.remote(open_site, names, message).future()
    finally:
        ray.shutdown()
