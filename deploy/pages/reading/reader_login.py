"""Readers log in by name and password, at the page or by HTTP Basic."""

import threading
from collections.abc import Mapping

from client.reading_room.accounts import LONGEST, Accounts
from client.reading_room.login_throttle import LoginThrottle
from deploy.pages.access import Visitor


class ReaderLogin:
    """The readers of `accounts`; a session ends when it is not used for `idle_s` seconds."""

    form, address, cookie, basic = "reader_login.html.j2", "/", "pneumofed_reading", True

    def __init__(self, accounts: Accounts, idle_s: float) -> None:
        self._accounts, self.idle_s = accounts, idle_s
        self._throttle = LoginThrottle()
        self._one_at_a_time = threading.Lock()

    def visitor(self, fields: Mapping[str, str]) -> Visitor | None:
        """Takes a tenth of a second, as hashing a password does. Raises PneumofedError `login-slowed`."""
        name, password = fields.get("name", "").strip(), fields.get("password", "")
        if len(name) > LONGEST or len(password) > LONGEST:
            name, password = "", ""
        with self._one_at_a_time:  # else tries that come at once are all looked at before one has failed
            self._throttle.check(name)
            reader = self._accounts.log_in(name, password)
            if reader is None:
                self._throttle.failed(name)
                return None
            self._throttle.succeeded(name)
        return Visitor(reader.name, reader.stamp)

    def is_current(self, visitor: Visitor) -> bool:
        """Whether the reader is not removed and has the same password as at login."""
        reader = self._accounts.find(visitor.name)
        return reader is not None and reader.stamp == visitor.stamp
