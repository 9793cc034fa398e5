import pytest

from client.hospital_settings import load_hospital_settings
from shared_model.errors import PneumofedError

GOOD = """
name = "north"
device = "cuda:1"

[coordinator]
address = "fed.example.org:443"
"""


def written(tmp_path, text: str):
    path = tmp_path / "hospital.toml"
    path.write_text(text)
    return path


def refused(path) -> str:
    with pytest.raises(PneumofedError) as caught:
        load_hospital_settings(path)
    assert caught.value.code == "site-invalid"
    return str(caught.value)


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    path = written(tmp_path, GOOD + 'key = "/etc/pneumofed/key"\n')
    monkeypatch.chdir("/")
    hospital = load_hospital_settings(path)
    assert hospital.store == tmp_path / "store" and hospital.socket == tmp_path / "run/trainer.sock"
    assert hospital.coordinator.ca == tmp_path / "ca.crt"
    assert str(hospital.coordinator.key) == "/etc/pneumofed/key"
    assert hospital.role == "training" and hospital.limits.count_floor == 10


def test_every_problem_is_named_at_once(tmp_path):
    text = """
    name = "North Hospital"
    device = "tpu"
    stroe = "x"
    [coordinator]
    address = "https://fed.example.org"
    [limits]
    count_floor = 0
    """
    message = refused(written(tmp_path, text))
    for words in (
        "`name` 'North Hospital': small letters",
        "`device` 'tpu': 'cpu', 'cuda' or 'cuda:1'",
        "no setting `stroe`, do you mean `store`?",
        "`coordinator.address` 'https://fed.example.org': write host:port",
        "`limits.count_floor` is 0, it must be at least 1",
    ):
        assert words in message
    assert "write host:port" in message and "\n" not in message


def test_a_socket_path_that_linux_cannot_bind_is_refused_before_anything_starts(tmp_path):
    deep = "d" * 100
    assert "socket" in refused(written(tmp_path, f'socket = "{deep}/t.sock"\n' + GOOD))


def test_no_file_and_no_toml(tmp_path):
    with pytest.raises(PneumofedError, match="no such file") as caught:
        load_hospital_settings(tmp_path / "none.toml")
    assert caught.value.code == "site-missing"
    assert "not TOML" in refused(written(tmp_path, "name = "))
