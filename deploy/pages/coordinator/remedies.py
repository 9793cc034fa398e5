"""What to do about what a hospital answered, by code."""

REMEDIES = {
    "not-connected": "its people run `pneumofed hospital preflight`, which tells what part of the way fails",
    "paused": "its people paused it; `pneumofed hospital resume` goes on",
    "study-not-approved": "its people look at the study with `pneumofed hospital approve`",
    "study-changed": "the study changed since they approved it; they look again with `hospital approve`",
    "study-declined": "its people declined; ask them why",
    "study-withdrawn": "its people left the study; ask them why",
    "deadline": "its rounds take longer than `deadline_minutes`: `coordinator rehearse` measures how long",
    "trainer-busy": "it does another task; it is asked again",
    "disk-full": "its disk is full; its people free some space",
    "out-of-memory": "its trainer ended for lack of memory; `hospital preflight` tells what it needs",
    "quarantined": "two of its replies in a row were refused; ask why, then `coordinator acknowledge`",
    "log-cut": "its state folder was brought back or changed; ask why, then `coordinator acknowledge`",
    "log-went-back": "its state folder was brought back or changed; ask why, then `coordinator acknowledge`",
    "log-replaced": "its audit log was changed; ask why, then `coordinator acknowledge`",
    "log-untold": "it runs a version that does not tell its audit log's head; ask, then `acknowledge`",
}
OTHER = "ask its people to look at the trainer's log; the reference lists what each code means"


def remedy(code: str | None) -> str:
    """What to do about a code; "" if nothing is wrong."""
    return "" if code is None else REMEDIES.get(code, OTHER)
