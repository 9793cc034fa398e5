"""What a node tells of its connection is read back while it runs, and not believed afterwards."""

import subprocess
import sys

import pytest

from client.node.connection import FILE, read_connection, write_connection, write_start


def test_a_running_node_tells_its_connection(tmp_path):
    assert read_connection(tmp_path) is None
    for state in ("trying", "connected", "refused"):
        write_connection(tmp_path, state)
        assert read_connection(tmp_path).state == state


def test_a_node_that_ended_is_not_connected(tmp_path):
    write_elsewhere(tmp_path, "connected")
    assert (tmp_path / FILE).exists() and read_connection(tmp_path) is None


def test_a_node_that_was_refused_and_starts_again_is_still_refused(tmp_path):
    write_elsewhere(tmp_path, "refused")
    assert read_connection(tmp_path).state == "refused"
    for state in ("refused", "connected"):
        write_start(tmp_path)
        assert read_connection(tmp_path).state == "refused"
        write_connection(tmp_path, state)
    write_start(tmp_path)
    assert read_connection(tmp_path).state == "trying"


def write_elsewhere(folder, state):
    """By a node that has ended since."""
    code = "import sys; from pathlib import Path; from client.node.connection import write_connection; "
    code += "write_connection(Path(sys.argv[1]), sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, str(folder), state], check=True)


@pytest.mark.parametrize("content", ["", "{", '{"state": "connected"}', '{"state": "x", "since": 1}'])
def test_a_damaged_file_tells_nothing(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    assert read_connection(tmp_path) is None
