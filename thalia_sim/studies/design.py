"""What the points of a study have in common: the script and its seeds, how long the network settles and how long it is measured."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DescriptionError
from ..experiment import Experiment, describe, duration, load_script, script_hooks, split_setting
from ..given import is_path, is_whole, short
from ..hooks.contract import Hook
from ..hooks.recorder import Recorder, recordings_in
from ..hooks.sampling import chosen_spikes
from .asked import names
from .disturbances import LESION
from .measured import unit_of
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
    recorded: tuple[str, ...]  # populations whose spikes are in a recording: all, unless the script brings a Recorder of its own

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

    def unit_of(self, measure: str) -> str:
        """Unit of a measure; of a script's own none is known, whatever it is called."""
        return unit_of(measure) if self.experiment.measure is None else ""

    def refuse_no_mechanism(self, why: str) -> None:
        if not self.mechanisms:
            raise DescriptionError(f"{self.experiment.path} has no mechanism among its hooks, {why}")

    def refuse_unrecorded(self, read: Iterable[str], remedy: str) -> None:
        """Refuse to run what would leave out the spikes of populations that the study reads."""
        lost = [name for name in read if name not in self.recorded]
        if lost:
            names = ", ".join(lost)
            raise DescriptionError(
                f"the Recorder of {self.experiment.path} takes no spikes of {names}, which the study reads: add them to its spikes=, {remedy}"
            )


def branch(parent: Point, span: float, *, disturbance: str = "", share: float = 0.0, is_measured: bool = False) -> Point:
    """A run of `span` ms from the end of another one. The share belongs to a lesion alone: others are one point, whatever it is."""
    return Point(
        parent.script, parent.source, parent.seed, parent.until + span, parent.settings, parent.off, parent, disturbance,
        share if disturbance == LESION else 0.0, parent.look, parent.precision, is_measured,
    )  # fmt: skip


def design(
    script: str | Path, seeds: Iterable[int], out: str | Path, settle: str | float, measure: str | float, settings: Sequence[str] = (),
    precision: str = "double",
) -> Design:  # fmt: skip
    """Check all of it by describing the network once. Times are in ms, or texts such as "2 s"."""
    with imported_anew(script):
        experiment = load_script(script)
        chosen, changes = seeds_of(seeds), names(settings, "settings")
        refuse_seed([split_setting(change)[0] for change in changes])
        net = describe(experiment, chosen[0], changes)
        with tempfile.TemporaryDirectory() as nowhere, recordings_in(Path(nowhere)):
            hooks = script_hooks(experiment)
    if precision not in PRECISIONS:
        raise DescriptionError(f"precision of the study is {short(precision)}: give one of {', '.join(PRECISIONS)}")
    if not is_path(out) or not os.fspath(out):
        raise DescriptionError(f"out of the study is {short(out)}: give the name of a folder")
    found = mechanisms_in(hooks)
    without(hooks, found)
    spans = {name: span_of(value, name, net) for name, value in (("settle", settle), ("measure", measure))}
    return Design(
        experiment, source_of(script), Path(out), chosen, changes, spans["settle"], spans["measure"], precision, tuple(found), net,
        recorded_in(hooks, net),
    )  # fmt: skip


def recorded_in(hooks: Iterable[Hook], net: Any) -> tuple[str, ...]:
    """Populations whose spikes the script's own recorder takes; all of them if it brings none."""
    own = next((hook for hook in hooks if isinstance(hook, Recorder)), None)
    chosen = chosen_spikes(net, True if own is None else own.wanted)
    return tuple(name for name, numbers in chosen.items() if numbers is None or len(numbers))


def seeds_of(seeds: Any) -> tuple[int, ...]:
    """The seeds of a study, different whole numbers."""
    given = tuple(seeds) if not isinstance(seeds, (str, bytes)) and isinstance(seeds, Iterable) else ()
    if not given or not all(is_whole(seed) and seed >= 0 for seed in given) or len(set(given)) < len(given):
        raise DescriptionError(f"seeds of the study are {short(seeds)}: give different whole numbers of at least 0, such as range(1, 11)")
    return tuple(map(int, given))


def refuse_seed(given: Iterable[str]) -> None:
    """Refuse the parameter `seed` among what a study sets or varies: each run has one already."""
    if "seed" in given:
        raise DescriptionError("seed tells the runs of a study apart, and is not set or varied: give --seeds (seeds=), such as 1,2,5")


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
