"""`pneumofed coordinator` in this process, and a federation's settings to give it."""

import pytest

from deploy.commands.root import main

FEDERATION = """
name = "lungs"
hosts = ["fed.example.org", "192.0.2.7"]
port = 8443
quorum = 2
[[hospitals]]
name = "north"
[[hospitals]]
name = "south"
[[hospitals]]
name = "east"
role = "held-out"
"""


def coordinator(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code and all that it prints."""
    with pytest.raises(SystemExit) as ending:
        main(["coordinator", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(ending.value.code or 0), captured.out + captured.err
