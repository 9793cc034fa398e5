"""Times as readers read them."""

from datetime import datetime


def local_time(seconds: float) -> str:
    """Of this machine's time zone, to the minute, as 2026-01-31 12:00. seconds: since 1970."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
