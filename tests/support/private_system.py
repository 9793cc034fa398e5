"""A machine's accounts and services for one test: /etc and /var/lib of a command's own, kept in a folder."""

import shlex
import shutil
from pathlib import Path

from tests.support.other_users import reachable_by_all


def private_system(folder: Path) -> list[str]:
    """The start of a command that sees a copy of /etc and an empty /var/lib, both kept below `folder`.

    In a mount namespace; every user reaches Python and the checkout. Skips where that is not permitted.
    """
    prefix = reachable_by_all()
    shutil.copytree("/etc", folder / "etc", symlinks=True)
    (folder / "lib").mkdir()
    lines = [f"mount --bind {shlex.quote(str(folder / name))} {place}" for name, place in _PLACES.items()]
    return [*prefix, "sh", "-c", " && ".join([*lines, 'exec "$@"']), "sh"]


_PLACES = {"etc": "/etc", "lib": "/var/lib"}


def service_command(unit: Path) -> list[str]:
    """A unit's command line as its user; without a network if the unit has none."""
    fields = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line)
    alone = ["unshare", "-n"] if fields.get("PrivateNetwork") == "yes" else []
    user = [f"--reuid={fields['User']}", f"--regid={fields['Group']}", "--clear-groups"]
    return [*alone, "setpriv", *user, "--no-new-privs", *fields["ExecStart"].split()]
