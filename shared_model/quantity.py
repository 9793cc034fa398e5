"""A number of things in words."""


def quantity(count: int, noun: str) -> str:
    """Such as "1 round", "0 rounds", "2 studies". noun: in the singular, with a regular plural."""
    if count == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{count} {plural}"
