"""A JSON value in a line for people: without quotes and braces, numbers with four digits."""

from typing import Any


def in_words(value: Any) -> str:
    """`{"diseased": 4, "covid": 0.69264}` as "(diseased 4, covid 0.6926)"; None as "none"."""
    if isinstance(value, dict):
        return f"({', '.join(f'{name} {in_words(one)}' for name, one in value.items())})"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(in_words, value))})"
    if isinstance(value, float):
        return f"{value:.4g}"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return str(value)
