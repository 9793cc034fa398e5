"""`pneumofed coordinator healthy` before a real SuperLink and a real proxy, each of them missing in turn."""

from collections.abc import Iterator

import pytest

from deploy.coordinator.provision import renew
from deploy.coordinator.serve import services
from deploy.coordinator.settings import load_federation
from deploy.join import free_port
from deploy.supervise import Service, end
from tests.support.coordinator_command import coordinator
from tests.support.deployed_study import DEPLOYED
from tests.support.deployment import let_certificate_expire
from tests.support.processes import wait_until

pytestmark = DEPLOYED

TOML = """
name = "test"
hosts = ["localhost"]
port = {}
listen = "127.0.0.1"
superlink_port = {}
[[hospitals]]
name = "north"
"""


@pytest.fixture
def file(tmp_path, capsys):
    path = tmp_path / "federation.toml"
    path.write_text(TOML.format(free_port(), free_port()))
    assert coordinator(capsys, "provision", path)[0] == 0
    return path


@pytest.fixture
def parts(file) -> Iterator[dict[str, Service]]:
    """What `serve` would keep running; nothing of it runs yet."""
    found = {service.name: service for service in services(load_federation(file), file)}
    yield found
    end(list(found.values()))


def test_it_names_what_does_not_answer_and_ends_with_0_only_when_all_does(file, parts, capsys):
    def wait_for(code: int, words: str) -> None:
        wait_until(
            lambda: words in (found := coordinator(capsys, "healthy", file))[1] and found[0] == code,
            seconds=90,
        )

    code, text = coordinator(capsys, "healthy", file)
    assert code == 1 and "error [superlink-unreachable]" in text
    parts["superlink"].tend()
    wait_for(1, "error [proxy-unreachable]")
    parts["proxy"].tend()
    wait_for(0, "SuperLink and proxy answer")
    let_certificate_expire(load_federation(file))
    parts["proxy"].tend()  # tells it to read its certificate again
    wait_for(1, "error [certificate-refused]")
    assert "coordinator renew" in coordinator(capsys, "healthy", file)[1]
    assert "has expired, no hospital can connect" in coordinator(capsys, "status", file)[1]
    renew(load_federation(file))
    parts["proxy"].tend()
    wait_for(0, "SuperLink and proxy answer")
    assert "certificate" not in coordinator(capsys, "status", file)[1]
    end([parts["superlink"]])
    code, text = coordinator(capsys, "healthy", file)
    assert code == 1 and "error [superlink-unreachable]" in text
