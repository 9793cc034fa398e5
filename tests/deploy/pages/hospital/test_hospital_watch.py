"""The watch asks the trainer seldom, for all viewers together."""

import pytest

from client.control.control_client import ControlClient
from deploy.pages.hospital import hospital_watch
from deploy.pages.hospital.hospital_watch import HospitalWatch
from shared_model.errors import PneumofedError


class Silent(ControlClient):
    """A trainer that does not answer; counts who asks."""

    def __init__(self) -> None:
        self.asked = 0

    def overview(self):  # type: ignore[no-untyped-def]
        self.asked += 1
        raise PneumofedError("trainer-unreachable", f"no answer {self.asked}")


def test_marks_ask_once_in_a_while_and_a_person_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    trainer = Silent()
    watch = HospitalWatch(trainer)
    assert watch.mark() == watch.mark() == ("no answer 1", None)
    now[0] += hospital_watch.POLL_S
    assert watch.mark() == ("no answer 2", None)
    watch.ask()
    assert watch.mark() == ("no answer 3", None)
    with pytest.raises(PneumofedError) as caught:
        watch.now()
    assert str(caught.value) == "no answer 4"
