"""The reading room with scans of many slices: how soon pictures are seen, and what its server needs.

`python -m benchmarks.reading_room [--json] [--slices N] [--scans N] [--changes N] [--requests N]`

A phantom of about N slices of 512 x 512 is diagnosed once, by random weights, and stands in the room under
several names. `pneumofed hospital read` serves it as a process of its own; Chromium opens the scans in tabs
that stay open. Times are taken in the browser, up to the frame that shows the picture.

first_picture_ms        from asking for a scan's page to its first picture, the slowest of all scans
slice_change_ms         from a key, or a jump to any slice, to the frame that shows it, median; two thirds of
                        them while slices are still being loaded in the background
slice_change_p95_ms     the same, of which 5 % are slower
server_peak_mb          peak memory of the server's process with all scans open
parallel_errors         requests that failed, of N at once for pages of scans
viewing_s               what viewing.zip adds to a diagnosis, s, for 100 slices
viewing_mb              its size, for 100 slices
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.support.result import print_result
from benchmarks.support.viewer_timing import figures_of, fill_room, served, time_viewer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--slices", type=int, default=300, help="of the phantom")
    parser.add_argument("--scans", type=int, default=5, help="that are open at once")
    parser.add_argument("--changes", type=int, default=240, help="of the slice shown")
    parser.add_argument("--requests", type=int, default=50, help="for pages at the same time")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        room = fill_room(Path(name), chosen.slices, chosen.scans)
        with served(room) as server:
            timing = time_viewer(server, chosen.changes, chosen.requests)
    settings = {name: value for name, value in vars(chosen).items() if name != "json"}
    settings |= {"slices": room.slices, "first_pictures_ms": [round(one) for one in timing.first_ms]}
    print_result(figures_of(room, timing), settings, as_json=chosen.json)


if __name__ == "__main__":
    main()
