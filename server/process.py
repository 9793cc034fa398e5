"""The ServerApp's process: runs the installed ServerApp for one run, and refuses a run with another bundle.

Flower's own program (`flwr-serverapp`) installs the run's bundle and imports what that names, so whoever
reaches SuperLink's Control API can have code run by it. This one installs nothing. Loaded once, forked for
every run: deploy/executor.
"""

import json
import logging

import httpx
from flwr.app import Context, RecordDict
from flwr.app.user_config import UserConfig
from flwr.common.constant import SubStatus
from flwr.common.serde import (
    context_from_proto,
    context_to_proto,
    fab_from_proto,
    run_from_proto,
)
from flwr.proto.runtime_pb2 import PullTaskInputRequest, PushTaskOutputRequest
from flwr.supercore.app_utils import start_parent_process_monitor
from flwr.supercore.exit import ExitCode, flwr_exit, register_signal_handlers
from flwr.supercore.fab import Fab
from flwr.supercore.heartbeat import HeartbeatSender, make_task_heartbeat_fn_http
from flwr.supercore.run import Run
from flwr.supercore.superexec.executor import ExecutionSpec
from flwr.supercore.task_identity import TaskIdentity
from flwr.supercore.telemetry import EventType
from flwr.supercore.tls import validate_and_resolve_root_certificates

from server.app import app
from server.grid import ReplyGrid
from shared_model.bundle import SETTINGS, check_bundle
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed")


class _Task:
    """One run at SuperLink's Runtime API, and what is said at its end."""

    def __init__(self, spec: ExecutionSpec) -> None:
        certificates = validate_and_resolve_root_certificates(spec.root_certificates_path, spec.insecure)
        self._grid = ReplyGrid(spec.runtime_api_address, spec.insecure, certificates, token=spec.token)
        self._client = self._grid._runtime_client
        self._heartbeat = HeartbeatSender(make_task_heartbeat_fn_http(self._client))
        self._context: Context | None = None
        self._outcome, self._details = SubStatus.FAILED, "the ServerApp's process was stopped"

    def run(self) -> None:
        """Run the installed app with the run's settings."""
        self._heartbeat.start()
        task = self._client.PullTaskInput(PullTaskInputRequest())
        run, context = run_from_proto(task.run), context_from_proto(task.context)
        TaskIdentity.task_id, TaskIdentity.run_id = task.task_id, run.run_id
        TaskIdentity.node_id = context.node_id
        try:
            context.run_config = run_settings(run, fab_from_proto(task.fab))
            self._grid.set_run(run)
            app(grid=self._grid, context=context)
        except Exception as error:
            self._details = error.code if isinstance(error, PneumofedError) else type(error).__name__
            raise
        self._outcome, self._details = SubStatus.COMPLETED, ""
        context.state = RecordDict()
        self._context = context

    def end(self) -> None:
        """Tell SuperLink how it went. Tried once: the process is ending."""
        self._grid._retry_invoker.max_tries = 1
        context = None if self._context is None else context_to_proto(self._context)
        output = PushTaskOutputRequest(context=context, sub_status=self._outcome, details=self._details)
        try:
            self._client.PushTaskOutput(output)
        except httpx.HTTPError as error:
            log.error("SuperLink was not told how the run ended: %s", type(error).__name__)
        if self._heartbeat.is_running:
            self._heartbeat.stop()
        self._grid.close()


def run_settings(run: Run, fab: Fab) -> UserConfig:
    """The coordinator's settings of a run. Raises PneumofedError `bundle-refused` for another bundle."""
    check_bundle(fab.content, run.fab_hash)
    settings: UserConfig = json.loads(str(run.override_config[SETTINGS]))
    return settings


def run(spec: ExecutionSpec) -> None:
    """Run the ServerApp of one run, and end this process."""
    if spec.parent_pid is not None:
        start_parent_process_monitor(spec.parent_pid)
    task = _Task(spec)
    leaving, code = EventType.FLWR_SERVERAPP_RUN_LEAVE, ExitCode.SUCCESS
    register_signal_handlers(leaving, exit_message="Task stopped by user.", exit_handlers=[task.end])
    try:
        task.run()
    except Exception as error:
        log.error("the run failed", exc_info=error)
        code = ExitCode.SERVERAPP_EXCEPTION
    flwr_exit(code, event_type=leaving)
