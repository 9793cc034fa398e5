"""The ClientApp's process: takes one message from the node and answers it with the installed app.

Flower's own program (`flwr-clientapp`) installs the run's bundle and imports what that names. This one does
not look at it. Loaded once, forked for every message: deploy/executor.
"""

import logging

from flwr.app import Context, Error, Message
from flwr.common.constant import ErrorCode, SubStatus
from flwr.supercore.app_utils import start_parent_process_monitor
from flwr.supercore.exit import ExitCode, flwr_exit, register_signal_handlers
from flwr.supercore.heartbeat import HeartbeatSender, make_task_heartbeat_fn_http
from flwr.supercore.interceptors import RuntimeTokenHttpInterceptor, RuntimeVersionHttpInterceptor
from flwr.supercore.retry import make_simple_http_retry_invoker
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supercore.superexec.executor import ExecutionSpec
from flwr.supercore.telemetry import EventType
from flwr.supercore.tls import validate_and_resolve_root_certificates
from flwr.supernode.runtime.run_clientapp import pull_task_input, push_message, push_task_output

from client.error_redaction import code_of, place_of
from client.node.deployed import app

log = logging.getLogger("pneumofed.node")


class _Task:
    """One message at the node's Runtime API, and what is said at its end."""

    def __init__(self, spec: ExecutionSpec) -> None:
        self._retries = make_simple_http_retry_invoker()
        self._client = RuntimeHttpClient.from_server_address(
            server_address=spec.runtime_api_address,
            insecure=spec.insecure,
            root_certificates=validate_and_resolve_root_certificates(
                spec.root_certificates_path, spec.insecure
            ),
            interceptors=[
                RuntimeVersionHttpInterceptor(component_name="flwr-clientapp"),
                RuntimeTokenHttpInterceptor(spec.token),
            ],
            retry_invoker=self._retries,
        )
        self._heartbeat = HeartbeatSender(make_task_heartbeat_fn_http(self._client))
        self._context: Context | None = None
        self._outcome, self._details = SubStatus.FAILED, "the ClientApp's process was stopped"

    def answer(self) -> None:
        """Take the message, let the app answer it, and give the reply to the node."""
        self._heartbeat.start()
        message, self._context, _, _ = pull_task_input(self._client)
        push_message(self._client, self._reply(message, self._context), self._context)

    def _reply(self, message: Message, context: Context) -> Message:
        try:
            reply = app(message=message, context=context)
            self._outcome, self._details = SubStatus.COMPLETED, ""
            return reply
        except Exception as error:  # for a kind of message that the app does not know
            log.error("the app failed: %s", place_of(error))
            self._details = code_of(error)
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, self._details), reply_to=message)

    def end(self) -> None:
        """Tell the node how it went. Tried once: the process is ending."""
        self._retries.max_tries = 1
        push_task_output(self._client, self._context, self._outcome, self._details)
        if self._heartbeat.is_running:
            self._heartbeat.stop()
        self._client.close()


def run(spec: ExecutionSpec) -> None:
    """Take one message from the node, answer it, and end this process."""
    if spec.parent_pid is not None:
        start_parent_process_monitor(spec.parent_pid)
    task = _Task(spec)
    leaving, code = EventType.FLWR_CLIENTAPP_RUN_LEAVE, ExitCode.SUCCESS
    register_signal_handlers(leaving, exit_message="Task stopped.", exit_handlers=[task.end])
    try:
        task.answer()
    except Exception as error:
        log.error("the node was not answered: %s", place_of(error))
        code = ExitCode.CLIENTAPP_COMMUNICATION_ERROR
    flwr_exit(code, event_type=leaving)
