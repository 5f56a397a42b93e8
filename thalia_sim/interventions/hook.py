"""The hook that carries interventions out, tells a recording of them, and repeats those of a recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CheckpointError, DescriptionError, RecordingError, SimulationError
from ..given import short
from ..hooks.contract import Hook
from ..portable import Form, Reader
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
    is_mechanism = False

    def __init__(self, plan: Iterable[Any]) -> None:
        if not isinstance(plan, Iterable) or isinstance(plan, str) or is_intervention(plan):
            raise DescriptionError(f"Interventions is given {short(plan)}: give a list of them")
        self.plan = list(plan)
        for what in self.plan:
            if not is_intervention(what):
                raise DescriptionError(f"Interventions is given {short(what)}: give Lesion, Silence, Stimulate, Clamp, Scale, Switch ...")
            check_times(what)
        self.at = tuple(dict.fromkeys(t for what in self.plan for t in (what.at, what.until) if t is not None))

    def start(self, sim: Any) -> None:
        self.planned = [checked(what, sim) for what in self.plan]
        self.in_force: dict[int, tuple[str, Before]] = {}  # number in the plan -> the name in which it was done, what it needs to end
        late = [what for what in self.planned if what.at < sim.t - 1e-9 and self.resumed_state is None]
        if late:
            raise SimulationError(f"{title(late[0])} lies in the past, it is {sim.t:g} ms: give a time from now on")
        names = sorted({what.name for hook in everywhere(sim, self) for what in hook.plan if not isinstance(what, Restore)} - {""})
        for what in self.planned:
            if isinstance(what, Restore) and what.target != "" and what.target not in names:
                raise DescriptionError(f"{title(what)}: no intervention has the name {short(what.target)}: known are {', '.join(names) or 'none'}")

    def handle(self, sim: Any) -> None:
        for k in [k for k in self.in_force if now(sim, self.planned[k].until)]:
            self.end_one(sim, k)
        for k, what in enumerate(self.planned):
            if not now(sim, what.at):
                continue
            if isinstance(what, Restore):
                self.report(sim, "restore", what)
                for hook in everywhere(sim, self):
                    hook.end_named(sim, what.target)
            else:
                name = sim.new_name()
                self.in_force[k] = (name, what.begin(sim, name) or {})
                self.report(sim, "begin", what)

    def end_named(self, sim: Any, name: str) -> None:
        """End what is in force of a name, or all."""
        for k in [k for k in self.in_force if name in ("", self.planned[k].name)]:
            self.end_one(sim, k)

    def end_one(self, sim: Any, k: int) -> None:
        name, before = self.in_force.pop(k)
        self.planned[k].end(sim, name, before)
        self.report(sim, "end", self.planned[k])

    def report(self, sim: Any, kind: str, what: Any) -> None:
        """Let a recording know."""
        sim.tell(self.name, kind, {"what": f"{type(what).__module__}:{type(what).__qualname__}", **what._asdict()})

    def report_in_force(self, sim: Any) -> None:
        """Let the recording of a branch know what it begins with."""
        for k in self.in_force:
            self.report(sim, "in force", self.planned[k])

    def state(self) -> dict[str, np.ndarray]:
        """What is in force, and what each needs to be undone."""
        kept = {f"{k}.{part}": np.asarray(array) for k, (_, before) in self.in_force.items() for part, array in before.items()}
        names = np.array([name.encode() for name, _ in self.in_force.values()], dtype="S32")
        return {"in_force": np.array(list(self.in_force), dtype=np.int64), "names": names, **kept}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        for k, name in zip(state.get("in_force", ()), state.get("names", ()), strict=True):
            parts = {part.partition(".")[2]: array for part, array in state.items() if part.startswith(f"{k}.")}
            self.in_force[int(k)] = (bytes(name).decode(), parts)


def checked(what: Any, sim: Any) -> Any:
    """An intervention with every choice made; refused if it cannot be done, or not be kept in a recording."""
    made = what.check(sim)
    if not is_intervention(made):
        raise DescriptionError(f"check of {title(what)} returned {short(made)}: return the intervention, with every choice made")
    try:
        kept = [Form().write(value, f"{field} of {title(what)}") for field, value in made._asdict().items()]
    except CheckpointError as error:
        raise DescriptionError(str(error)) from None
    if any(isinstance(tree, dict) for tree in kept):
        raise DescriptionError(f"{title(what)} has a field that is no number, text or list of them: let check make it one")
    return made


def everywhere(sim: Any, last: Interventions) -> list[Interventions]:
    """All hooks of a simulation that do interventions, and one that is only being started."""
    found = [hook for hook in sim.hooks if isinstance(hook, Interventions)]
    return found if any(hook is last for hook in found) else [*found, last]


def now(sim: Any, t: float | None) -> bool:
    return t is not None and sim.steps_of(t, "a time of an intervention") == sim.step


def replay(path: str | Path) -> Interventions:
    """The interventions that a recording tells of, with the very elements that they met, for another run.

    Of a branch, what was in force when it began begins then.
    """
    plan = []
    with open_recording(path) as recording:
        for event in recording.events():
            if event.kind in ("begin", "restore", "in force") and "what" in event.facts:
                made = read_one(event.facts, recording)
                plan.append(made._replace(at=event.t) if event.kind == "in force" else made)
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
