"""What the proxy tells of its work, in pneumofed's words: nginx writes for people who run nginx."""

import logging
import re

log = logging.getLogger("pneumofed")

NO_SUPERLINK = "the proxy does not reach SuperLink, which starts; hospitals try again by themselves"

_LINE = re.compile(r"\S+ \S+ \[\w+\] \d+#\d+: (?:\*\d+ )?(.*)", re.DOTALL)
_NO_SUPERLINK = re.compile(
    r"(connect|recv|send|writev)\(\) failed .* upstream$|no live upstreams|peer closed .* upstream$"
    r"|upstream (timed out|prematurely closed)"
)


class ProxyLog:
    """Logs each line that nginx writes to stderr; those of a SuperLink that is away as one, until another."""

    def __init__(self) -> None:
        self._last: str | None = None

    def __call__(self, line: str) -> None:
        """line: without its end."""
        found = _LINE.fullmatch(line)
        message = line if found is None else found[1]
        if not message.strip():
            return
        away = _NO_SUPERLINK.match(message.split(", client:")[0]) is not None
        text = NO_SUPERLINK if away else f"proxy: {message}"
        if text != self._last:
            log.log(logging.INFO if away else logging.WARNING, "%s", text)
        self._last = text
