"""The synapses of a projection in a running simulation, and what may lie over their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import gain_problem, numbers
from ..errors import DescriptionError, SimulationError
from ..gains import Cell, cell, read_gain, write_gain
from ..given import short
from ..neurons.contract import model_of
from ..projection import LARGEST
from ..rows import synapses, weight_index
from .contract import Amplified, truth
from .learning import Learning

if TYPE_CHECKING:
    from ..simulation import Simulation


class ProjectionView(Amplified):
    """Synapses of a projection, in the order in which they are stored: by source, then block and delay. (Interventions number them by source, delay
    and target.)

    i, j: source and target, numbered within the selections that the projection connects [n]; w in the receptor's unit; delay in ms.
    plastic: whether rules and hooks may change the weights; while it is False, what they write is dropped, and rules leave them as they are.

    Of a projection with rules: what a synapse keeps beside w (`e`, `u` ... [n]), its rules' parameters and modulators (`a_plus`, `m_reward` ...),
    which can be set, and `statistics`. Everything is as it is at this moment, though synapses are stored as they were when a spike came last.
    """

    overlays: dict[str, tuple[NDArray[np.int64], float]]  # who scales weights -> (synapses, factor), 0 where they are lost
    base: NDArray[np.float32]  # [n] weights without them; [0] while there are none
    freezes: int  # how often the projection was kept from changing
    own_gain: float  # the gain without what others multiply it by; kept while there are any

    def __init__(self, sim: Simulation, thing: Any) -> None:
        super().__init__(sim, thing)
        super().take_state({"cache": {}, "overlays": {}, "base": np.zeros(0, np.float32), "freezes": 0, "gains": {}, "own_gain": 1.0})

    def own_state(self) -> dict[str, Any]:
        kept = {"overlays": self.overlays, "base": self.base, "freezes": self.freezes, "gains": self.gains, "own_gain": self.own_gain}
        return {"changed": self.changed_rows, **kept}

    def take_state(self, state: dict[str, Any]) -> None:
        kept = {name: state[name] for name in ("overlays", "base", "freezes", "gains", "own_gain")}
        super().take_state({"cache": {"changed": True} if state["changed"] else {}, **kept})

    def overlay(self, name: str, synapses: NDArray[np.int64], factor: float) -> None:
        """Multiply the weights of synapses (numbers in the order of `w`) by a factor, 0 to cut them, until `remove(name)`."""
        if not self.overlays:
            super().take_state({"base": self.table()[2].astype(np.float32)})
        self.take_up()
        self.overlays[name] = (synapses, float(factor))
        try:
            self.lay()
        except SimulationError:
            self.remove(name)
            raise

    def remove(self, name: str) -> None:
        """End an overlay: weights that nobody has written since are what they were, to the bit."""
        self.take_up()
        self.overlays.pop(name, None)
        self.lay()
        if not self.overlays:
            super().take_state({"base": np.zeros(0, np.float32)})

    def factors(self) -> NDArray[np.float64]:
        """Product of all factors, [n]."""
        product = np.ones(len(self.base))
        for name in sorted(self.overlays):
            synapses, factor = self.overlays[name]
            product[synapses] *= factor
        return product

    def take_up(self) -> None:
        """Let the base follow what rules did to the weights since they were laid."""
        if self.learning is None or not self.overlays:
            return
        now, factors = self.weights().astype(np.float32), self.factors()
        moved = (now != np.float32(self.base * factors)) & (factors > 0.0)
        self.base[moved] = now[moved] / factors[moved]

    def lay(self) -> None:
        """Write the weights that follow from the base and what lies over it."""
        with np.errstate(over="ignore"):
            values = self.base * self.factors()
        if len(values) and not np.abs(values).max() <= LARGEST:
            raise SimulationError(f"w of {self.name} becomes {np.abs(values).max():g} when it is scaled: choose a smaller factor")
        self.write_w(values, self.factors() == 0.0)

    def prune(self, synapses: Any) -> int:
        """Remove synapses of a projection with rules (numbers or a mask in the order of `w`); spikes on their way to them are lost.

        Returns how many there were. What is left keeps its order.
        """
        learning = self.changeable("prune")
        chosen = np.asarray(synapses)
        n = len(self)
        if chosen.dtype == bool and chosen.shape == (n,):
            chosen = np.flatnonzero(chosen)
        if chosen.ndim != 1 or (chosen.size and (chosen.dtype.kind not in "iu" or chosen.min() < 0 or chosen.max() >= n)):
            raise DescriptionError(f"prune of {self.name} is given {short(synapses)}: give numbers below {n}, or a mask of {n}")
        chosen = np.unique(chosen).astype(np.int64)
        learning.prune(self.place()[chosen])
        super().take_state({"cache": {"changed": True}})
        self.tell("prune", int(chosen.size))
        return int(chosen.size)

    def grow(self, i: Any, j: Any, w: Any, delay: Any) -> int:
        """New synapses of a projection with rules, from source i to target j (numbers as in `i` and `j`), with weights and delays (ms).

        Each begins like the others did at the start, without a past. Returns how many there were.
        """
        learning = self.changeable("grow")
        sources, targets = np.atleast_1d(np.asarray(i)), np.atleast_1d(np.asarray(j))
        for what, numbers_, most in (("i", sources, len(self.thing.source)), ("j", targets, len(self.thing.target))):
            if numbers_.ndim != 1 or (numbers_.size and (numbers_.dtype.kind not in "iu" or numbers_.min() < 0 or numbers_.max() >= most)):
                raise DescriptionError(f"grow of {self.name} is given {what} = {short(numbers_)}: give whole numbers below {most}")
        weights, delays = numbers(w, f"w of {self.name}"), numbers(delay, f"delay of {self.name}")
        try:
            sources, targets, weights, delays = np.broadcast_arrays(sources, targets, weights, delays)
        except ValueError as error:
            raise DescriptionError(f"grow of {self.name} is given i, j, w and delay of different lengths: give one value a synapse") from error
        learning.grow(sources.astype(np.int64), targets.astype(np.int64), learning.checked_weights(weights), delays)
        super().take_state({"cache": {"changed": True}})
        self.tell("grow", int(sources.size))
        return int(sources.size)

    def changeable(self, what: str) -> Learning:
        """The rules, if synapses may come and go now."""
        if self.learning is None:
            raise SimulationError(f"{what} of {self.name}: only a projection with a rule can, connect it with rule=")
        if self.overlays:
            raise SimulationError(f"{what} of {self.name}: an intervention lies over its weights, wait until it has ended")
        if any(self.name in hook.numbered for hook in self.sim.hooks):
            raise SimulationError(f"{what} of {self.name}: its weights are recorded synapse by synapse, take it out of the recorder's weights")
        return self.learning

    def freeze(self, by: int = 1) -> None:
        """Drop what rules and hooks do to the weights from now on; with by = -1, take that back."""
        super().take_state({"freezes": max(self.freezes + by, 0)})
        if self.learning is not None:
            self.learning.freeze(self.freezes > 0)

    @property
    def changed_rows(self) -> bool:
        return bool(self.cache.get("changed"))

    @property
    def learning(self) -> Learning | None:
        """The rules of this projection in the simulation, None if it has none."""
        if "learning" not in self.cache:
            self.cache["learning"] = Learning(self.sim, self.thing) if self.thing.rule is not None else None
        found: Learning | None = self.cache["learning"]
        return found

    def known(self) -> list[str]:
        return ["i", "j", "w", "delay", "gain", "plastic", *(self.learning.known() if self.learning else ())]

    def __len__(self) -> int:
        return len(self.place())

    def rows(self) -> Any:
        return self.sim.rows._replace(w=self.sim.a.w)

    def place(self) -> NDArray[np.int64]:
        """Where the weights lie in the array of the loop, [n]; it grows where weights that were one become many."""
        if self.cache.get("length") != len(self.sim.a.w):
            self.cache["length"], self.cache["place"] = len(self.sim.a.w), weight_index(self.rows(), self.sim.layout, self.thing)
        return self.cache["place"]

    def weights(self) -> NDArray[Any]:
        """[n]"""
        if self.learning is not None:
            return self.learning.weights(self.place())
        if any(self.sim.rows.groups[k].uniform for k in self.group()):
            return self.table()[2]
        return self.sim.a.w[self.place()].astype(np.float64)

    def group(self) -> list[int]:
        """Groups of rows that hold this projection."""
        return [k for k, g in enumerate(self.sim.rows.groups) if any(p is self.thing for p in g.projections)]

    def table(self) -> tuple[NDArray[Any], ...]:
        i, j, w, delay = synapses(self.rows(), self.sim.layout, self.thing, self.sim.net)
        return i, j, w if self.learning is None else self.learning.weights(self.place()), delay

    def synapses(self, source: Any = None, target: Any = None) -> dict[str, NDArray[Any]]:
        """i, j, w and delay of the synapses from and to given elements (numbers as in i and j; None: any)."""
        i, j, w, delay = self.table()
        keep = np.ones(len(i), dtype=bool)
        for wanted, have in ((source, i), (target, j)):
            if wanted is not None:
                chosen = np.array(["?"]) if hasattr(wanted, "parts") else np.atleast_1d(np.asarray(wanted))
                if chosen.dtype.kind not in "iu":
                    raise DescriptionError(f"synapses of {self.name} are asked for {wanted!r}: give whole numbers as in i and j")
                keep &= np.isin(have, chosen)
        return {"i": i[keep], "j": j[keep], "w": w[keep], "delay": delay[keep]}

    def __getattr__(self, field: str) -> Any:
        if field == "w":
            return self.weights()
        if field in ("i", "j", "delay"):
            return self.table()[("i", "j", "w", "delay").index(field)]
        if field == "plastic":
            return self.freezes == 0
        if not field.startswith("__") and self.learning is not None and field in self.learning.known():
            return self.learning.read(field, self.place())
        if field == "gain":
            return self.own_gain if self.gains else self.gain_now()
        if field.startswith("__"):
            raise AttributeError(field)
        raise self.unknown(field)

    def __setattr__(self, field: str, value: Any) -> None:
        if field == "w":
            self.set_w(value)
        elif field == "plastic":
            self.freeze(-self.freezes if truth(value, f"plastic of {self.name}") else 1 - self.freezes)
        elif field == "gain":
            problem = gain_problem(value, bool(self.signs()))
            if problem:
                raise DescriptionError(f"gain of {self.name} {problem}")
            super().take_state({"own_gain": float(value)})
            self.apply_gains()
        elif field in ("i", "j", "delay"):
            raise SimulationError(f"{field} of {self.name} cannot be changed in a run: describe another network")
        elif self.learning is not None and field in self.learning.known():
            self.learning.write(field, value)
        else:
            raise self.unknown(field)
        self.tell(field, value)

    def check_amplified(self, population: str | None = None) -> None:
        if population is not None and self.learning is not None and len(self.reached()) > 1:
            reached = " and ".join(self.reached())
            raise SimulationError(f"{self.name} has a rule and reaches {reached}: connect each by itself, to multiply what {population} receives")
        if not self.gains:
            super().take_state({"own_gain": self.gain_now()})

    def gain_now(self) -> float:
        """The gain as the loop has it."""
        return read_gain(self.sim.a.group_w, self.cells()[0]) if self.cells() else 1.0

    def apply_gains(self) -> None:
        gains = [self.own_gain * self.factor(population) for population in self.reached()]
        for place in self.cells():
            write_gain(self.sim.a.group, self.sim.a.group_w, place, gains)

    def cells(self) -> list[Cell]:
        """Where the gain stands, of each group that holds this projection."""
        if "cells" not in self.cache:
            sim = self.sim
            self.cache["cells"] = [cell(sim.layout, sim.group_number(k), sim.rows.groups[k], self.thing) for k in self.group()]
        found: list[Cell] = self.cache["cells"]
        return found

    def set_w(self, value: Any) -> None:
        """Write weights: a number, or one value a synapse in the order of `w`."""
        sim = self.sim
        values = numbers(value, f"w of {self.name}")
        n = len(self)
        if values.ndim > 1 or (values.ndim == 1 and len(values) != n):
            raise DescriptionError(f"w of {self.name} is given shape {list(values.shape)}: give a number or {n} values")
        if not (np.abs(values) <= LARGEST).all() or any((values * sign < 0).any() for sign in self.signs()):
            raise DescriptionError(f"w of {self.name} is given {value!r}: must be finite and of the sign of its receptor")
        if self.freezes and sim.interrupting:
            return
        if self.learning is not None:
            values = self.learning.checked_weights(values)
        if self.overlays:
            self.take_up()
            seen, factors = self.weights(), self.factors()
            written = (np.float32(values) != seen) & (factors > 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                self.base[written] = np.broadcast_to(values / factors, len(seen))[written]
            self.lay()
        else:
            self.write_w(values)

    def write_w(self, values: NDArray[np.float64], cut: Any = False) -> None:
        """Write checked weights into the arrays of the loop; a synapse that is `cut` delivers and learns nothing."""
        sim = self.sim
        if self.learning is not None:
            self.learning.bring()
            values = np.copysign(values, np.where(cut, -1, 1) * self.thing.sign)
        for k in self.group():
            if sim.rows.groups[k].uniform:
                sim.store_weights(k)
        self.cache["changed"] = True
        sim.weights_version += 1
        sim.a.w[self.place()] = values

    def signs(self) -> set[int]:
        """Signs that the receptor of some target asks for."""
        return {model_of(p.model).signs.get(self.thing.receptor, 0) for p in self.thing.target.populations} - {0}
