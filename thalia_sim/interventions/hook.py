"""The hook that carries interventions out, tells a recording of them, and repeats those of a recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CheckpointError, DescriptionError, RecordingError, SimulationError
from ..hooks.contract import Hook
from ..portable import Reader
from ..recording import Recording, open_recording
from .contract import Before, check_times, title
from .others import Restore

PARTS = ("at", "until", "name", "check", "begin", "end", "_replace")


def is_intervention(what: Any) -> bool:
    return not isinstance(what, type) and all(hasattr(what, part) for part in PARTS)


def gathered(hooks: Iterable[Any]) -> list[Any]:
    """A list of hooks in which one `Interventions` stands for all bare interventions, in the place of the first."""
    plan: list[Any] = []
    found: list[Any] = []
    for hook in hooks:
        if is_intervention(hook):
            if not plan:
                found.append(plan)
            plan.append(hook)
        else:
            found.append(hook)
    return [Interventions(plan) if hook is plan else hook for hook in found]


class Interventions(Hook):
    """Does things to the network at given times. At one time, ends come before begins, each in the order of the list.

    A recording keeps what was done, to whom and when, in its events; `replay` reads it again. A checkpoint keeps what is in force.
    """

    transient = ("planned", "in_force")

    def __init__(self, plan: Iterable[Any]) -> None:
        if isinstance(plan, (str, tuple)) and hasattr(plan, "_fields"):
            raise DescriptionError(f"Interventions is given {plan!r}: give a list of them")
        self.plan = list(plan)
        for what in self.plan:
            if not is_intervention(what):
                raise DescriptionError(f"Interventions is given {what!r}: give Lesion, Silence, Stimulate, Clamp, Scale, Switch ...")
            check_times(what)
        names = {what.name for what in self.plan if not isinstance(what, Restore)}
        for what in self.plan:
            if isinstance(what, Restore) and what.target and what.target not in names:
                raise DescriptionError(f"{title(what)}: no intervention has the name {what.target!r}: known are {', '.join(sorted(names - {''}))}")
        self.at = tuple(dict.fromkeys(t for what in self.plan for t in (what.at, what.until) if t is not None))

    def start(self, sim: Any) -> None:
        self.planned = [what.check(sim) for what in self.plan]
        self.in_force: dict[int, Before] = {}
        late = [what for what in self.planned if what.at < sim.t - 1e-9 and self.resumed_state is None]
        if late:
            raise SimulationError(f"{title(late[0])} lies in the past, it is {sim.t:g} ms: give a time from now on")

    def handle(self, sim: Any) -> None:
        for k in [k for k in self.in_force if self.now(sim, self.planned[k].until)]:
            self.end_one(sim, k)
        for k, what in enumerate(self.planned):
            if self.now(sim, what.at):
                if isinstance(what, Restore):
                    self.tell(sim, "restore", what)
                    for other in [o for o in self.in_force if what.target in ("", self.planned[o].name)]:
                        self.end_one(sim, other)
                else:
                    self.in_force[k] = what.begin(sim)
                    self.tell(sim, "begin", what)

    def end_one(self, sim: Any, k: int) -> None:
        self.planned[k].end(sim, self.in_force.pop(k))
        self.tell(sim, "end", self.planned[k])

    @staticmethod
    def now(sim: Any, t: float | None) -> bool:
        return t is not None and sim.steps_of(t, "a time of an intervention") == sim.step

    def tell(self, sim: Any, kind: str, what: Any) -> None:
        sim.tell(self.name, kind, {"what": f"{type(what).__module__}:{type(what).__qualname__}", **what._asdict()})

    def state(self) -> dict[str, np.ndarray]:
        """Who is in force, and what each needs to be undone."""
        kept = {f"{k}.{name}": np.asarray(array) for k, before in self.in_force.items() for name, array in before.items()}
        return {"in_force": np.array(list(self.in_force), dtype=np.int64), **kept}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self.in_force = {int(k): {} for k in state["in_force"]}
        for name, array in state.items():
            number, dot, part = name.partition(".")
            if dot:
                self.in_force[int(number)] = {**self.in_force[int(number)], part: array}


def replay(path: str | Path) -> Interventions:
    """The interventions that a recording tells of, with the very elements that they met, for another run."""
    plan = []
    with open_recording(path) as recording:
        for event in recording.events():
            if event.kind in ("begin", "restore") and "what" in event.facts:
                plan.append(read_one(event.facts, recording))
    return Interventions(plan)


def read_one(facts: Mapping[str, Any], recording: Recording) -> Any:
    """An intervention from what an event says."""
    try:
        kind = Reader(np.asarray).cls(str(facts["what"]))
        if not all(hasattr(kind, part) for part in PARTS):
            raise CheckpointError(f"{facts['what']} is no intervention")
        return kind(**{k: v for k, v in facts.items() if k != "what"})
    except (CheckpointError, TypeError) as error:
        raise RecordingError(f"{recording.path} tells of an intervention that cannot be repeated here ({error})") from None
