"""`python -m server.report LEDGER FOLDER`: the report of what a ledger holds (server/report_process.py)."""

import os
import sys
from pathlib import Path

from server.ledger import read_result
from server.report.report_files import write_report

if __name__ == "__main__":
    os.nice(10)  # no round of a study that goes on shall take longer for its report
    ledger, folder = map(Path, sys.argv[1:])
    result = read_result(ledger)
    if result is None:
        sys.exit(f"{ledger} holds no complete round")
    try:
        write_report(folder, result)
    except OSError as error:  # as on a full disk: whoever runs the study says more
        sys.exit(f"the report was not written: {error.strerror}")
