"""What a job takes, by a clock of our own."""

import pytest

from client.trainer import cost_meter
from client.trainer.cost_meter import CostMeter, coarse_mb


def metered(monkeypatch: pytest.MonkeyPatch, steps: list[tuple[int, float]]) -> CostMeter:
    """After steps, each with its number and the time at its end; the job begins at 0."""
    times = iter([0.0, *(time for _, time in steps)])
    monkeypatch.setattr(cost_meter.time, "monotonic", lambda: next(times))
    told: list[int] = []
    meter = CostMeter(lambda done, total: told.append(done))
    for done, _ in steps:
        meter(done, 9)
    assert told == [done for done, _ in steps]
    return meter


def test_a_step_takes_the_mean_of_those_after_each_networks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [(1, 50.0), (2, 51.0), (3, 52.0), (1, 90.0), (2, 93.0)]
    cost = metered(monkeypatch, steps).cost()
    assert cost is not None and cost.step_ms == 1667 and cost.gpu_mb == 0


def test_a_single_step_takes_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = metered(monkeypatch, [(1, 2.5)]).cost()
    assert cost is not None and cost.step_ms == 2500
    assert metered(monkeypatch, []).cost() is None


@pytest.mark.parametrize(
    ("megabytes", "told"),
    [(0, 0), (1, 64), (64, 64), (65, 96), (96, 96), (97, 128), (700, 768), (800, 1024), (5000, 6144)],
)
def test_memory_is_told_in_coarse_steps_and_never_too_low(megabytes: int, told: int) -> None:
    assert coarse_mb(megabytes * 2**20) == told


def test_the_peak_is_at_least_what_this_process_holds_now(monkeypatch: pytest.MonkeyPatch) -> None:
    held = bytearray(200 * 2**20)
    held[::4096] = b"x" * len(held[::4096])
    cost = metered(monkeypatch, [(1, 1.0)]).cost()
    assert cost is not None and cost.memory_mb >= 200
