"""What is checked before the two zones start as two users: with a stand-in that knows who may reach what."""

import os
from pathlib import Path

import pytest

from client.hospital_settings import HospitalSettings, load_hospital_settings
from deploy.system_user import SystemUser
from deploy.zone_users import zone_users
from shared_model.errors import PneumofedError

NODE, TRAINER = 2**30 + 1, 2**30 + 2


def allowed(user: SystemUser, path: Path, mode: int) -> bool:
    """By the mode bits of the path alone, as POSIX has them."""
    found = path.stat()
    shift = 6 if user.uid == found.st_uid else 3 if user.gid == found.st_gid else 0
    return (found.st_mode >> shift) & mode == mode


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A hospital whose files are as they must be."""
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    monkeypatch.setattr(SystemUser, "may", lambda user, asked: [allowed(user, *one) for one in asked])
    tmp_path.chmod(0o755)
    site = tmp_path / "hospital.toml"
    site.write_text(
        'name = "north"\n[coordinator]\naddress = "127.0.0.1:9"\n'
        f"[users]\nnode = {NODE}\ntrainer = {TRAINER}\n"
    )
    shown = (("ca.crt", 0, 0o644), ("client.crt", 0, 0o644))
    for name, uid, mode in (*shown, ("hospital.key", NODE, 0o600), ("client.key", NODE, 0o600)):
        (tmp_path / name).write_text("")
        os.chown(tmp_path / name, uid, uid)
        (tmp_path / name).chmod(mode)
    (tmp_path / "store").mkdir(mode=0o700)
    os.chown(tmp_path / "store", TRAINER, TRAINER)
    return site


def problem(site: Path) -> str:
    with pytest.raises(PneumofedError) as caught:
        zone_users(load_hospital_settings(site), site)
    assert caught.value.code == "zones-open"
    return str(caught.value)


def test_the_folders_are_made_for_their_users(site):
    hospital = load_hospital_settings(site)
    for _ in range(2):
        users = zone_users(hospital, site)
        assert users is not None and (users.node.uid, users.trainer.uid) == (NODE, TRAINER)
    folders = (hospital.node, hospital.state, hospital.socket.parent, hospital.control.parent)
    found = {path: path.stat() for path in folders}
    modes = [(one.st_uid, one.st_gid, one.st_mode & 0o7777) for one in found.values()]
    assert modes == [
        (NODE, NODE, 0o700),
        (TRAINER, TRAINER, 0o700),
        (TRAINER, NODE, 0o2750),
        (TRAINER, TRAINER, 0o750),
    ]


@pytest.mark.parametrize(
    ("path", "mode", "said"),
    [
        ("store", 0o755, f"{NODE} can reach store"),
        ("store", 0o701, f"{NODE} can reach store"),
        ("store", 0o300, f"{TRAINER} needs store"),
        ("hospital.key", 0o644, f"{TRAINER} can reach hospital.key"),
        ("hospital.key", 0o200, f"{NODE} needs hospital.key"),
        ("client.key", 0o644, f"{TRAINER} can reach client.key"),
        ("client.key", 0o200, f"{NODE} needs client.key"),
        ("hospital.toml", 0o666, f"{NODE} can reach hospital.toml; {TRAINER} can reach hospital.toml"),
        ("hospital.toml", 0o600, f"{NODE} needs hospital.toml; {TRAINER} needs hospital.toml"),
        (".", 0o777, f"{NODE} can reach"),
    ],
)
def test_rights_that_join_the_zones_or_stop_them_are_named(site, path, mode, said):
    (site.parent / path).chmod(mode)
    assert said in problem(site)


def test_a_state_folder_of_another_user_is_refused(site):
    (site.parent / "state").mkdir(mode=0o755)
    found = problem(site)
    assert f"{NODE} can reach state" in found and f"{TRAINER} needs state" in found


def test_a_control_folder_that_the_node_may_enter_is_refused(site):
    (site.parent / "control").mkdir(mode=0o750)
    os.chown(site.parent / "control", TRAINER, NODE)
    assert f"{NODE} can reach control" in problem(site)


def test_a_socket_folder_from_before_is_refused_with_its_remedy(site):
    (site.parent / "run").mkdir()
    os.chown(site.parent / "run", TRAINER, TRAINER)
    assert f"run needs the group of {NODE} and mode 2750" in problem(site)


@pytest.mark.parametrize("users", [{"node": NODE, "trainer": NODE}, {"node": 0, "trainer": TRAINER}])
def test_two_users_are_two_and_not_root(site, users):
    hospital = HospitalSettings.model_validate(load_hospital_settings(site).model_dump() | {"users": users})
    with pytest.raises(PneumofedError) as caught:
        zone_users(hospital, site)
    assert caught.value.code == "zones-open" and "must be two users" in str(caught.value)


def test_only_root_can_start_both_and_nobody_need_name_any(site, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    hospital = load_hospital_settings(site)
    with pytest.raises(PneumofedError) as caught:
        zone_users(hospital, site)
    assert caught.value.code == "not-root"
    assert zone_users(hospital.model_copy(update={"users": None}), site) is None
