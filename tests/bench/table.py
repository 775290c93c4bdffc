"""The figures as one table, and each goal with what was found beside it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from measuring import Measure

Key = tuple[str, str, int]
"""What was done, by whom, and at how many milliseconds."""


@dataclass(frozen=True)
class Goal:
    """What is to be reached: `found` at most, or at least, the `limit`; without a figure it was not measured."""

    sentence: str
    found: float | None
    limit: float
    at_least: bool = False

    @property
    def line(self) -> str:
        """Say what was found, and whether that is enough."""
        bound = f"{'at least' if self.at_least else 'at most'} {self.limit:g}"
        if self.found is None:
            return f"  not measured  {self.sentence}: {bound}"
        reached = self.found >= self.limit if self.at_least else self.found <= self.limit
        return f"  {'reached' if reached else 'NOT reached':<13} {self.sentence}: {self.found:.2f}, {bound}"


def ratio(figures: Mapping[Key, Measure], what: str, slow: str, fast: str, milliseconds: int) -> float | None:
    """Return how many times longer one takes than another."""
    slower, faster = figures.get((what, slow, milliseconds)), figures.get((what, fast, milliseconds))
    return slower.seconds / faster.seconds if slower and faster else None


def round_trips(figures: Mapping[Key, Measure], what: str, who: str, milliseconds: int) -> float | None:
    """Return what the delay alone has cost, in round trips: free of how fast both machines are."""
    far, near = figures.get((what, who, milliseconds)), figures.get((what, who, 0))
    return (far.seconds - near.seconds) / (milliseconds / 1000) if far and near and milliseconds else None


def table(figures: Mapping[Key, Measure], reference: str) -> str:
    """Return all figures, one line each; `ratio` is how many times longer it took than `reference`."""
    head = f"{'':<30}{'ms':>5}{'seconds':>10}{'ratio':>8}{'channels':>10}{'trips':>8}{'CPU here':>10}{'CPU there':>11}"
    return "\n".join((head, *_lines(figures, reference)))


def _lines(figures: Mapping[Key, Measure], reference: str) -> Iterator[str]:
    before = ""
    # Together what is compared; within that in the order of the run.
    order = {what: number for number, what in enumerate(dict.fromkeys(what for what, _, _ in figures))}
    for (what, who, milliseconds), each in sorted(figures.items(), key=lambda item: (order[item[0][0]], item[0][2])):
        if what != before:
            yield what
            before = what
        times = ratio(figures, what, who, reference, milliseconds)
        trips = round_trips(figures, what, who, milliseconds)
        yield (
            f"  {who:<28}{milliseconds:>5}{each.seconds:>10.2f}{_or_dash(times, 1):>8}{_or_dash(each.channels, 0):>10}"
            f"{_or_dash(trips, 0):>8}{each.cpu_here:>10.2f}{_or_dash(each.cpu_there, 2):>11}"
        )


def verdicts(goals: Iterable[Goal]) -> str:
    """Return a line for each goal."""
    return "\n".join(goal.line for goal in goals)


def _or_dash(figure: float | None, digits: int) -> str:
    return "-" if figure is None else f"{figure:.{digits}f}"
