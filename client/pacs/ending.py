"""How a process that stays is asked to end."""

import signal
import threading


def ending_on_signal() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    return ending
