"""What a hook may do: watch a simulation, or intervene, at the interrupts it asked for.

Between two interrupts the engine runs compiled, without Python. A hook therefore says beforehand when it wants to be called.
At equal times hooks are called in the order of the list given to `Simulation`; a recorder comes last, so that it sees what the others did.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import CheckpointError, SimulationError
from ..portable import Form


class StopRun(Exception):
    """Raised by a hook in `handle` to end the run now, as a normal end; the text says why."""


class Hook:
    """Subclass it and fill in what you need; every method may be left as it is.

    `every` and `at` are read once, when the simulation starts. Both may be given.

    What a hook is given when it is made are its settings. What changes while the simulation runs is declared in `start`:

        def start(self, sim):
            self.declare(total=0, trace=np.zeros(sim.net["exc"].n))

        def handle(self, sim):
            self.total += 1  # an array, here of shape (); setting an attribute that is not declared is an error from now on

    Settings and declared state are all that is saved, so a resumed run goes on as if it had never stopped.
    """

    name: str = "hook"  # how diagnostics, messages and the recording call it; by default the class name in lower case
    every: float | None = None  # ms between two calls of `handle`
    at: float | tuple[float, ...] = ()  # ms, single times at which `handle` is called
    units: Mapping[str, str] = MappingProxyType({})  # of the diagnostics; "1" where not named
    transient: tuple[str, ...] = ()  # attributes that are no state: open files, clocks of the wall
    numbered: Collection[str] = ()  # projections whose synapses it knows by their numbers: none of them may come or go meanwhile
    is_saved = True  # whether a resumed simulation brings the hook back
    is_mechanism = True  # whether it acts on the network by itself, so that a study may switch it off; False where it only watches or carries out

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__.lower()

    def __setattr__(self, name: str, value: Any) -> None:
        inside = vars(self)
        if name in inside.get("_declared", ()):
            if value is not inside[name]:
                inside[name][...] = value
        elif inside.get("_begun") and name not in self.transient:
            raise SimulationError(
                f"hook {self.name} sets {name} after start: declare state that changes with self.declare({name}=...) in start, so that it is saved"
            )
        else:
            inside[name] = value

    def declare(self, **state: Any) -> None:
        """Name arrays (or numbers, which become arrays of shape ()) that change while the simulation runs. Only in `start`."""
        inside = vars(self)
        if inside.get("_begun"):
            raise SimulationError(f"hook {self.name} declares {', '.join(state)} after start: declare state in start")
        for name, value in state.items():
            array = np.array(value)
            if hasattr(Hook, name):
                raise SimulationError(f"hook {self.name} declares {name}, which is part of every hook: choose another name")
            if array.dtype.kind not in "biufS":
                raise SimulationError(f"hook {self.name} declares {name} = {value!r}: give a number or an array of numbers")
            inside[name] = array
        inside["_declared"] = (*inside.get("_declared", ()), *state)

    def declare_name(self, sim: Any) -> None:
        """Have a name of its own, that no other hook of the run has, also after a resume. Only in `start`."""
        self.declare(layer=np.array(b"" if self.resumed_state is not None else sim.new_name().encode(), dtype="S32"))

    @property
    def own_name(self) -> str:
        """The name that `declare_name` gave it: for what it lays over values of others (`amplify`, `shift`, `inject`) and takes away again."""
        return bytes(vars(self)["layer"].item()).decode()

    def begin(self, sim: Any) -> None:
        """Start the hook; called by the simulation."""
        inside = vars(self)
        for name in ("_begun", "_declared"):
            inside.pop(name, None)
        inside["_settings"] = tuple(k for k in inside if not k.startswith("_") and k not in self.transient)
        first = self.form(sim, inside["_settings"])
        self.start(sim)
        inside["_settings"] = tuple(k for k in inside["_settings"] if k not in inside.get("_declared", ()))
        inside["_first"] = {**self.form(sim, self.undeclared()), **{k: first[k] for k in inside["_settings"]}}
        inside["_begun"] = True
        inside.pop("_resumed", None)

    def end(self, sim: Any, status: str) -> None:
        """Finish the hook; called by the simulation."""
        vars(self)["_begun"] = False
        self.finish(sim, status)

    @property
    def has_begun(self) -> bool:
        """Whether it was started."""
        return bool(vars(self).get("_begun"))

    def undeclared(self) -> tuple[str, ...]:
        """Attributes that must not change: settings, and what `start` set without declaring it."""
        return tuple(k for k in vars(self) if not k.startswith("_") and k not in self.transient and k not in vars(self).get("_declared", ()))

    def form(self, sim: Any, names: tuple[str, ...]) -> dict[str, Any]:
        """Attributes as a checkpoint keeps them; the error in place of one that cannot be kept."""
        form, found = Form(getattr(sim, "net", None)), {}
        for name in names:
            try:
                found[name] = form.write(vars(self)[name], f"{name} of hook {self.name}")
            except CheckpointError as error:
                found[name] = error
        return found

    def settings(self) -> dict[str, Any]:
        """What the hook was made with: name -> value."""
        names = vars(self).get("_settings", self.undeclared())
        return {name: vars(self)[name] for name in names}

    def changed_settings(self, sim: Any) -> list[str]:
        """Names of attributes that are no longer what they were at the start (a list that grew, say), though nobody declared them."""
        first = vars(self).get("_first", {})
        form = self.form(sim, tuple(first))
        return [name for name, now in form.items() if not isinstance(now, CheckpointError) and now != first[name]]

    def state(self) -> dict[str, np.ndarray]:
        """What has to be saved: the declared arrays by name."""
        return {name: vars(self)[name] for name in vars(self).get("_declared", ())}

    @property
    def resumed_state(self) -> Mapping[str, np.ndarray] | None:
        """In `start` of a resumed simulation: what `restore` will be given; else None."""
        return vars(self).get("_resumed")

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` gave, in a hook that was started anew."""
        for name, value in state.items():
            vars(self)[name] = np.array(value)

    def start(self, sim: Any) -> None:
        """Called once, before the first step (of a resumed simulation: before the first that follows): check the arguments, declare state,
        ask for samples, open files."""

    def handle(self, sim: Any) -> None:
        """Called at each interrupt this hook asked for; `sim.t` is the time in ms. May raise `StopRun`."""

    def handled(self, sim: Any, hook: Hook) -> None:
        """Called after `handle` of another hook at this interrupt; a recorder writes the diagnostics of `hook` here."""

    def told(self, sim: Any, source: str, kind: str, facts: Mapping[str, Any]) -> None:
        """Called when something was done to the network (`sim.tell`): who did it, what kind of thing it is, and all facts, ready for JSON."""

    def spikes(self, sim: Any, steps: np.ndarray, ids: np.ndarray) -> None:
        """Each batch of spikes in order of (step, id).

        steps  # [k] int64, the step in which it was found; its time is (step + 1) * dt
        ids    # [k] int32, global id of the element
        Both may be views of a buffer that the engine uses again: copy what you keep.
        """

    def flushed(self, sim: Any) -> None:
        """Called at the end of each compiled stretch, after the batches of spikes (about every 10 to 200 ms of wall time). May raise
        `StopRun`: who is due at this time is called all the same."""

    def finish(self, sim: Any, status: str) -> None:
        """Called once at the end; status is "complete", "failed" or "interrupted"."""

    def diagnostics(self) -> dict[str, float]:
        """Numbers worth recording at each `handle`: always the same names, also before the first step; nan where not known."""
        return {}

    def get_diagnostics(self) -> dict[str, float]:
        """What `diagnostics` tells now, for a script or a notebook."""
        return self.diagnostics()
