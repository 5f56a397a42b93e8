"""What the points of a study have in common: the script and its seeds, how long the network settles and how long it is measured."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DescriptionError
from ..experiment import Experiment, describe, duration, load_script, script_hooks
from ..given import is_path, is_whole, short
from ..hooks.recorder import recordings_in
from .asked import names
from .mechanisms import mechanisms_in, without
from .points import Point
from .sources import imported_anew, source_of

PRECISIONS = ("double", "single")
LOOKS = 100  # looks at the mean weights while a network is measured


@dataclass(frozen=True)
class Design:
    """See above; made by `design`."""

    experiment: Experiment
    source: str  # of the script, see `source_of`
    folder: Path  # of the study
    seeds: tuple[int, ...]
    settings: tuple[str, ...]
    settle: float  # ms
    measure: float  # ms
    precision: str
    mechanisms: tuple[str, ...]
    net: Any  # the network of the first seed, as the settings describe it

    def settled(self, seed: int, off: Iterable[str] = (), settings: Sequence[str] = ()) -> Point:
        """The network run until it has settled, with mechanisms off and further settings from the start."""
        look = self.net.dt * max(1, int(self.measure / LOOKS / self.net.dt + 1e-9))
        return Point(
            str(self.experiment.path.resolve()), self.source, seed, self.settle, (*self.settings, *settings), tuple(sorted(off)), look=round(look, 6),
            precision=self.precision,
        )  # fmt: skip

    def configuration(self) -> dict[str, Any]:
        """As plain data, for the record."""
        return {
            "script": self.experiment.path.name, "source": self.source, "seeds": list(self.seeds), "settings": list(self.settings),
            "settle": self.settle, "measure": self.measure, "precision": self.precision, "mechanisms": list(self.mechanisms),
        }  # fmt: skip

    def refuse_no_mechanism(self, why: str) -> None:
        if not self.mechanisms:
            raise DescriptionError(f"{self.experiment.path} has no mechanism among its hooks, {why}")


def branch(parent: Point, span: float, *, disturbance: str = "", share: float = 0.0, is_measured: bool = False) -> Point:
    """A run of `span` ms from the end of another one."""
    return Point(
        parent.script, parent.source, parent.seed, parent.until + span, parent.settings, parent.off, parent, disturbance, share, parent.look,
        parent.precision, is_measured,
    )  # fmt: skip


def design(
    script: str | Path, seeds: Iterable[int], out: str | Path, settle: str | float, measure: str | float, settings: Sequence[str] = (),
    precision: str = "double",
) -> Design:  # fmt: skip
    """Check all of it by describing the network once. Times are in ms, or texts such as "2 s"."""
    with imported_anew(script):
        experiment = load_script(script)
        chosen, changes = seeds_of(seeds), names(settings, "settings")
        net = describe(experiment, chosen[0], changes)
        with tempfile.TemporaryDirectory() as nowhere, recordings_in(Path(nowhere)):
            hooks = script_hooks(experiment)
    if precision not in PRECISIONS:
        raise DescriptionError(f"precision of the study is {short(precision)}: give one of {', '.join(PRECISIONS)}")
    if not is_path(out):
        raise DescriptionError(f"out of the study is {short(out)}: give the name of a folder")
    found = mechanisms_in(hooks)
    without(hooks, found)
    spans = {name: span_of(value, name, net) for name, value in (("settle", settle), ("measure", measure))}
    return Design(
        experiment, source_of(script), Path(out), chosen, changes, spans["settle"], spans["measure"], precision, tuple(found), net
    )  # fmt: skip


def seeds_of(seeds: Any) -> tuple[int, ...]:
    """The seeds of a study, different whole numbers."""
    given = tuple(seeds) if not isinstance(seeds, (str, bytes)) and isinstance(seeds, Iterable) else ()
    if not given or not all(is_whole(seed) and seed >= 0 for seed in given) or len(set(given)) < len(given):
        raise DescriptionError(f"seeds of the study are {short(seeds)}: give different whole numbers of at least 0, such as range(1, 11)")
    return tuple(map(int, given))


def span_of(value: Any, name: str, net: Any) -> float:
    """A stage of a study in ms, a whole number of steps of its network."""
    span = duration(value, name)
    if span == 0.0:
        raise DescriptionError(f"{name} of the study is 0 ms: give a time above 0")
    steps = span / net.dt
    if abs(steps - round(steps)) > 1e-6 * max(1.0, 1e-3 * steps) or round(steps) == 0:
        near = " or ".join(f"{k * net.dt:g}" for k in (math.floor(steps), math.ceil(steps)) if k)
        raise DescriptionError(f"{name} of the study is {span:g} ms, no whole number of steps of {net.dt:g} ms: give {near}")
    return span
