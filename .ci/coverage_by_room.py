"""What share of lines and branches the tests reached, a row a room: coverage_by_room.py COVERAGE_JSON."""

import json
import sys
from collections import defaultdict
from pathlib import Path

KINDS = ("statements", "branches")
COVERED = {"statements": "covered_lines", "branches": "covered_branches"}


def room_of(file: str) -> str:
    """Package and subpackage of a module: `client/learning`, or `client` for one that stands in no room."""
    return "/".join(Path(file).parts[:-1][:2])


def main() -> None:
    """Print the table of the JSON file that the command line names."""
    files = json.loads(Path(sys.argv[1]).read_text())["files"]
    rooms: dict[str, dict[str, list[int]]] = defaultdict(lambda: {kind: [0, 0] for kind in KINDS})
    for file, found in files.items():
        for room in (room_of(file), "all"):
            for kind in KINDS:
                rooms[room][kind][0] += found["summary"][COVERED[kind]]
                rooms[room][kind][1] += found["summary"][f"num_{kind}"]
    print(f"{'room':28} {'lines':>16} {'branches':>16}")
    for room in sorted(rooms, key=lambda name: (name == "all", name)):
        print(f"{room:28} {share(rooms[room]['statements']):>16} {share(rooms[room]['branches']):>16}")


def share(counts: list[int]) -> str:
    reached, all_there = counts
    return f"{100 * reached / all_there:.0f} % of {all_there}" if all_there else "-"


if __name__ == "__main__":
    main()
