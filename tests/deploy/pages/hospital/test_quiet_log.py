"""A log without noise."""

from deploy.pages.hospital.quiet_log import QuietLine, quiet_lines

T1, T2, T3 = (f"2026-01-31 12:00:0{second},000" for second in (1, 2, 3))


def test_neighbours_that_say_the_same_are_one_with_the_latest_time() -> None:
    lines = [f"{T3} pneumofed ERROR a", f"{T2} pneumofed ERROR a", f"{T1} pneumofed INFO b"]
    assert quiet_lines(lines) == [
        QuietLine(T3, "pneumofed ERROR a", 2), QuietLine(T1, "pneumofed INFO b")
    ]  # fmt: skip


def test_others_stay_in_their_order() -> None:
    lines = [f"{T3} a", f"{T2} b", f"{T1} a"]
    assert [line.text for line in quiet_lines(lines)] == ["a", "b", "a"]
