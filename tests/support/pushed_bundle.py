"""A bundle with code in it, and a coordinator that lets it run at its own side.

`python -m tests.support.pushed_bundle FEDERATION_FILE` serves as `pneumofed coordinator serve` does, with
Flower's own process of a ServerApp, which installs what a run brings (pushed_server.py).
"""

import sys
import time
from pathlib import Path

from flwr.cli.build import build_fab_from_files
from flwr.common.serde import fab_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import StartRunRequest
from flwr.supercore.fab import Fab

from deploy.coordinator.serve import serve
from deploy.coordinator.settings import Federation
from deploy.coordinator.superlink import SuperLink
from deploy.environment import COORDINATOR_EXECUTOR

SIGN = "PUSHED-CODE"
"""In every file of the bundle, to be looked for on a disk."""

_PROJECT = """
[project]
name = "evil"
version = "1.0.0"
description = "PUSHED-CODE"
license = "Apache-2.0"
[tool.flwr.app]
publisher = "pneumofed"
[tool.flwr.app.components]
serverapp = "evil.server:app"
clientapp = "evil.client:app"
[tool.flwr.app.config]
settings = ""
"""

_CLIENT = """
# PUSHED-CODE
from pathlib import Path
from flwr.app import Message, RecordDict
from flwr.clientapp import ClientApp
Path({marker!r}).write_text("ran at a hospital")
app = ClientApp()

@app.query()
def query(message, context):
    return Message(RecordDict(), reply_to=message)
"""

_SERVER = """
# PUSHED-CODE
from pathlib import Path
from flwr.app import Message, RecordDict
from flwr.serverapp import ServerApp
Path({marker!r}).write_text("ran at the coordinator")
app = ServerApp()

@app.main()
def main(grid, context):
    asked = [Message(RecordDict(), node, "query") for node in grid.get_node_ids()]
    replies = grid.send_and_receive(asked, timeout=120)
    said = [reply.error.reason if reply.has_error() else "answered" for reply in replies]
    Path({replies!r}).write_text(" ".join(said))
"""


def bundle_of(*, client_marker: Path, server_marker: Path, replies: Path) -> bytes:
    """A bundle whose parts write their markers when they are imported, and note what nodes reply."""
    files = {
        "pyproject.toml": _PROJECT,
        "evil/__init__.py": f"# {SIGN}\n",
        "evil/client.py": _CLIENT.format(marker=str(client_marker)),
        "evil/server.py": _SERVER.format(marker=str(server_marker), replies=str(replies)),
    }
    return build_fab_from_files({name: text.encode() for name, text in files.items()})[0]


def run_to_its_end(federation: Federation, bundle: bytes, *, seconds: float = 180) -> str:
    """Start a run of `bundle` as any program on the coordinator's machine can; how Flower says it ended."""
    request = StartRunRequest(
        fab=fab_to_proto(Fab("", bundle, {})), override_config=user_config_to_proto({"settings": "{}"})
    )
    with SuperLink(federation) as superlink:
        run_id = superlink._client.StartRun(request).run_id
        end = time.monotonic() + seconds
        while (status := superlink.run(run_id).status).status != "finished":
            assert time.monotonic() < end, "the run does not end"
            time.sleep(0.5)
    return f"{status.sub_status}: {status.details}"


if __name__ == "__main__":
    COORDINATOR_EXECUTOR[:] = ["-m", "deploy.executor", "tests.support.pushed_server"]
    serve(Path(sys.argv[1]))
