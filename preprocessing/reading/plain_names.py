"""Names of files, folders and series as a person reads and compares them."""

import os
import unicodedata


def comparable(name: str) -> str:
    """`name` with composed letters and without spaces at its ends; bytes that are no UTF-8 are read as in
    Windows' western code page.
    """
    raw = os.fsencode(name)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "backslashreplace")
    return unicodedata.normalize("NFC", text).strip()


def printable(text: str) -> str:
    """`text` with bytes that are no UTF-8 and characters that move the cursor written as escapes."""
    text = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() or one == "\n" else f"\\x{ord(one):02x}" for one in text)
