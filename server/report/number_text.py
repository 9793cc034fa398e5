"""Numbers as the page prints them."""


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def area(value: float) -> str:
    return f"{value:.3f}"


def signed(value: float) -> str:
    """Three decimals, always with a sign, and no negative zero."""
    return f"{round(value, 3) + 0.0:+.3f}".replace("-", "\N{MINUS SIGN}")


def decimal(value: float) -> str:
    """Two decimals with a minus sign, and no negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def byte_text(count: int | None) -> str:
    """A number of bytes in decimal units, as 6.1 MB."""
    if count is None:
        return "unknown"
    size, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while size >= 999.95 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{count} B" if units[0] == "B" else f"{size:.1f} {units[0]}"
