"""What `coordinator run` asks SuperLink for."""

import hashlib
import json
from types import SimpleNamespace

from flwr.common.serde import user_config_from_proto

from deploy.coordinator.provision import provision
from deploy.coordinator.settings import load_federation
from deploy.coordinator.superlink import SuperLink
from shared_model.bundle import BUNDLE, SETTINGS


def test_a_run_carries_the_bundle_without_code_and_the_settings(tmp_path, monkeypatch):
    file, asked = tmp_path / "federation.toml", []
    file.write_text('name = "test"\nhosts = ["localhost"]\nport = 9\n[[hospitals]]\nname = "north"\n')
    federation = load_federation(file)
    provision(federation)
    client = SimpleNamespace(
        StartRun=lambda request: asked.append(request) or SimpleNamespace(run_id=5), close=lambda: None
    )
    monkeypatch.setattr("deploy.coordinator.superlink.ControlHttpClient", lambda *_, **__: client)
    settings = {"study": "demo", "quorum": 2, "deadline-s": 1.5}
    with SuperLink(federation) as superlink:
        assert superlink.start(settings) == 5
    (request,) = asked
    assert request.fab.content == BUNDLE and request.fab.hash_str == hashlib.sha256(BUNDLE).hexdigest()
    override = user_config_from_proto(request.override_config)
    assert set(override) == {SETTINGS} and json.loads(str(override[SETTINGS])) == settings
