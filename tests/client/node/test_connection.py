"""What a node tells of its connection is read back while it runs, and not believed afterwards."""

import subprocess
import sys

import pytest

from client.node.connection import FILE, read_connection, write_connection


def test_a_running_node_tells_its_connection(tmp_path):
    assert read_connection(tmp_path) is None
    for state in ("trying", "connected", "refused"):
        write_connection(tmp_path, state)
        assert read_connection(tmp_path).state == state


def test_a_node_that_ended_is_not_connected(tmp_path):
    code = "import sys; from pathlib import Path; from client.node.connection import write_connection; "
    code += "write_connection(Path(sys.argv[1]), 'connected')"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert (tmp_path / FILE).exists() and read_connection(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", '{"state": "connected"}', '{"state": "x", "since": 1}'])
def test_a_damaged_file_tells_nothing(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    assert read_connection(tmp_path) is None
