"""The table of benchmarks/RESULTS.md: each result beside its goal."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from benchmarks.support.result import Result

COLUMNS = ("benchmark", "figure", "what it is", "result", "goal", "met", "machine and commit")


class Figure(BaseModel):
    """How a figure is shown.

    means: one phrase. at_least, at_most: the goal, if there is one. plus: another figure of the same result
    that is added to the goal. goal_for: names of the results that the goal holds for; None: all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    means: str
    at_least: float | None = None
    at_most: float | None = None
    plus: str | None = None
    goal_for: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if self.at_least is not None and self.at_most is not None:
            raise ValueError("a figure's goal is at_least or at_most, not both")
        return self

    def goal(self, name: str) -> str:
        """The goal in words for the result of that name; empty if there is none."""
        if self.goal_for is not None and name not in self.goal_for:
            return ""
        added = f" + {self.plus}" if self.plus else ""
        if self.at_least is not None:
            return f"at least {shown(self.at_least)}{added}"
        return "" if self.at_most is None else f"at most {shown(self.at_most)}{added}"

    def met(self, value: float, result: Result) -> bool:
        """Whether the value is within the goal. Raises KeyError if the result lacks the figure `plus`."""
        added = (result.figures[self.plus] or 0.0) if self.plus else 0.0
        if self.at_least is not None:
            return value >= self.at_least + added
        return self.at_most is None or value <= self.at_most + added


Figures = Mapping[str, Mapping[str, Figure]]
"""Figures that are shown, [benchmark][figure]."""


def read_figures(path: Path) -> Figures:
    """What a TOML file says of figures, a table for each benchmark."""
    document = tomllib.loads(path.read_text())
    return {
        benchmark: {name: Figure.model_validate(entry) for name, entry in entries.items()}
        for benchmark, entries in document.items()
    }


def benchmark_of(name: str) -> str:
    """The benchmark that gave the result of that name: "network" of "network-width-025"."""
    return name.partition("-")[0]


def table(results: Mapping[str, Result], figures: Figures) -> str:
    """A Markdown table, benchmarks in the order of `figures`, results of one with the shortest name first."""
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    for benchmark, entries in figures.items():
        own = [name for name in results if benchmark_of(name) == benchmark]
        for name in sorted(own, key=lambda name: (len(name), name)):
            lines += [_line(row) for row in _rows(name, results[name], entries)]
    return "\n".join(lines) + "\n"


def _rows(name: str, result: Result, entries: Mapping[str, Figure]) -> Iterator[list[str]]:
    """The rows of one result; the first alone names it."""
    first = f"[{name}](results/{name}.json)"
    origin = f"{result.machine}; {result.commit}"
    for figure, entry in entries.items():
        if figure not in result.figures:
            continue
        value, goal = result.figures[figure], entry.goal(name)
        met = "" if not goal or value is None else ("yes" if entry.met(value, result) else "**no**")
        yield [first, f"`{figure}`", entry.means, _with_interval(figure, result), goal, met, origin]
        first = origin = ""


def _with_interval(figure: str, result: Result) -> str:
    """The value; its interval too, if the result has one."""
    low, high = (result.figures.get(f"{figure}_{end}") for end in ("low", "high"))
    interval = "" if low is None or high is None else f" ({shown(low)} to {shown(high)})"
    return shown(result.figures[figure]) + interval


def shown(value: float | None) -> str:
    """Up to four digits."""
    if value is None:
        return "undefined"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
