"""The app that SuperLink pushes."""

from deploy.coordinator.run import APP
from deploy.coordinator.superlink import App


def test_the_pushed_app_only_points_to_installed_code_and_keeps_its_hash():
    assert App.of(APP).sha256 == App.of(APP).sha256
    for file in (APP / "pneumofed_app").glob("*.py"):
        code = [line for line in file.read_text().splitlines() if line and not line.startswith('"""')]
        assert code in ([], [code[0], '__all__ = ["app"]'] if code else [])
        assert not code or code[0] in (
            "from client.node.deployed import app",
            "from server.app import app",
        )
