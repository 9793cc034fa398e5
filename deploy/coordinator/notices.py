"""Tells people by e-mail or webhook when a study waits, fails or ends, as `[notice]` of federation.toml says.

    STATE/studies/FINGERPRINT/noticed    what was told last, so that nothing is told twice
    STATE/noticing                       since when notices are sent: what ended before is no news

A process of its own looks at the studies' status files: whatever becomes of a notice, no study notices it. A
notice names the study, its round, hospitals that are waited for and a code. No count of patients is in it.
"""

import logging
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import httpx

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import EmailNotice, Federation, NoticeSettings, load_federation
from deploy.coordinator.studies import present_status, study_folders
from deploy.coordinator.study_words import awaited_in_words
from server.status import RUNS, StudyStatus
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.quantity import quantity

log = logging.getLogger("pneumofed")

NOTICED = "noticed"
LOOK_S = 5.0
SEND_S = 10.0
"""How long a server may take to accept a notice."""


@dataclass(frozen=True)
class Notice:
    """event: waiting, completed, stopped, failed or interrupted; text: one line for people."""

    federation: str
    study: str
    fingerprint: str | None
    event: str
    code: str | None
    text: str


def keep_telling(path: Path) -> None:
    """Until ended: look at the studies and tell what is new."""
    while True:
        try:
            tell_news(load_federation(path))
        except (PneumofedError, OSError) as error:
            what = error if isinstance(error, PneumofedError) else type(error).__name__
            log.warning("looking for notices: %s", what)
        time.sleep(LOOK_S)


def tell_news(federation: Federation) -> None:
    """Send a notice of each study whose state calls for one that was not sent yet. Each is tried once."""
    settings = federation.notice
    if settings is None:
        return
    since = _noticing_since(CoordinatorFolder(federation.state).noticing)
    for folder in study_folders(federation):
        status = present_status(folder)
        found = None if status is None else _notice(federation, settings, status)
        if status is None or found is None:
            continue
        notice, key = found
        noticed = folder / NOTICED
        before = noticed.read_text() if noticed.exists() else None
        if before == key:
            continue
        write_atomically(noticed, key.encode(), mode=0o600)
        if status.state in RUNS or status.updated >= since:
            send(settings, notice)


def _noticing_since(path: Path) -> float:
    """When notices were sent first, in seconds since 1970, since they are wanted."""
    try:
        return float(path.read_text())
    except (FileNotFoundError, ValueError):
        now = time.time()
        write_atomically(path, f"{now}\n".encode(), mode=0o600)
        return now


def forget(federation: Federation) -> None:
    """No notices are wanted; once they are again, what ends until then is no news."""
    CoordinatorFolder(federation.state).noticing.unlink(missing_ok=True)


def _notice(
    federation: Federation, settings: NoticeSettings, status: StudyStatus
) -> tuple[Notice, str] | None:
    """What people are to know now, and a key that is the same as long as that is the same; else None."""
    where = f"{status.rounds_done} of {quantity(status.rounds_total, 'round')} done"
    if status.state in RUNS:
        long = time.time() - 60 * settings.waits_minutes
        awaited = {name: one for name, one in sorted(status.awaited.items()) if one.since <= long}
        if not awaited:
            return None
        who = "; ".join(f"{name} {awaited_in_words(one)}" for name, one in awaited.items())
        event, text, code = "waiting", f"waits: {who} ({where})", None
        key = f"waiting {sorted((name, one.reason, one.since) for name, one in awaited.items())}"
    elif status.state == "proposed":
        return None
    else:
        event, code = status.state, status.error_code
        why = f" ({code})" if code else ""
        text = f"{status.state}{why}, {where}"
        # A repeat of a completed study completes it again, and does nothing else.
        key = status.state if status.state == "completed" else f"{status.state} {status.since}"
    line = f"pneumofed {federation.name}: study {status.study!r} {text}; see `pneumofed coordinator status`"
    return Notice(federation.name, status.study, status.fingerprint, event, code, line), key


def send(settings: NoticeSettings, notice: Notice) -> None:
    """By each way that is set. One that fails is a line in the log."""
    if settings.email is not None:
        _attempt("e-mail", partial(_mail, settings.email, notice))
    if settings.webhook is not None:
        _attempt("webhook", partial(_post, settings.webhook, notice))


def _attempt(way: str, deliver: Callable[[], None]) -> None:
    try:
        deliver()
    except (OSError, smtplib.SMTPException, httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        # No more: an exception's text may hold the address, which may be a secret.
        log.warning("a notice by %s could not be sent: %s", way, type(error).__name__)


def _mail(settings: EmailNotice, notice: Notice) -> None:
    message = EmailMessage()
    message["From"], message["To"] = settings.sender, ", ".join(settings.to)
    message["Subject"] = f"pneumofed {notice.federation}: study {notice.study} {notice.event}"
    message.set_content(notice.text + "\n")
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if settings.tls == "tls":
        server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=SEND_S, context=context)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=SEND_S)
    with server:
        if settings.tls == "starttls":
            server.starttls(context=context)
        if settings.user is not None and settings.password_file is not None:
            server.login(settings.user, settings.password_file.read_text().splitlines()[0])
        server.send_message(message)


def _post(address: str, notice: Notice) -> None:
    httpx.post(address, json=asdict(notice), timeout=SEND_S).raise_for_status()
