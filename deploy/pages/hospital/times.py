"""Times for people at the page, by this machine's clock."""

import time
from datetime import datetime


def clock_of(moment: float | str) -> str:
    """A time in seconds since 1970, or in ISO form; with the date, without seconds."""
    seconds = moment if isinstance(moment, float | int) else datetime.fromisoformat(moment).timestamp()
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
