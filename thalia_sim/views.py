"""Reading and writing a running simulation by name: `sim["exc"].v`, `sim["exc->inh"].w`, `sim["poisson->exc"].rate`.

What is read is a copy, brought up to the present where neurons sleep; reading never changes a run. What is written acts from the next step on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .checks import bad_parameter, gain_problem, is_number, numbers, range_problem, rate_problem
from .clamps import write_clamps
from .driving import DENSE_FROM
from .errors import DescriptionError, PathError, SimulationError, nearest
from .kernels import loop
from .kernels.blocks import G, form_of, make_block
from .kernels.drives import CDF, D_CDF, D_DRAWS, D_RATE, D_W, MOST, poisson_cdf
from .neurons.contract import constants, model_of, scalar_parameters
from .places import is_bounded, kernel_columns, one_element, parameter_rows, same_held, within_bounds
from .projection import LARGEST, check_signs
from .rows import synapses, weight_index
from .sources import DC, Poisson, StepCurrent

if TYPE_CHECKING:
    from .simulation import Simulation


def truth(value: Any, name: str) -> bool:
    """True or False, and nothing else."""
    if not isinstance(value, (bool, np.bool_)):
        raise DescriptionError(f"{name} is given {value!r}: give True or False")
    return bool(value)


class View:
    """Attributes of one named thing; subclasses say which and how."""

    sim: Simulation
    thing: Any

    def __init__(self, sim: Simulation, thing: Any) -> None:
        object.__setattr__(self, "sim", sim)
        object.__setattr__(self, "thing", thing)

    @property
    def name(self) -> str:
        return str(self.thing.name)

    def known(self) -> list[str]:
        """Names that can be read."""
        raise NotImplementedError

    def own_state(self) -> dict[str, Any]:
        """What was changed and the arrays of the loop do not say."""
        return {}

    def take_state(self, state: dict[str, Any]) -> None:
        """Take over what `own_state` gave."""
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def unknown(self, field: str) -> PathError:
        return PathError(f"{self.name} has no {field!r}: {nearest(field, self.known())}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.known()]


class PopulationView(View):
    """State (arrays [n]) and parameters (numbers, or arrays [n]) of a population of neurons; `silent` [n] says which of them cannot fire."""

    silences: NDArray[np.int64]  # [n] how often each was silenced
    threshold: NDArray[np.float64]  # [n] v_th, while some are silenced
    clamps: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]  # field -> (elements, values at which it is held)

    def __init__(self, sim: Simulation, thing: Any) -> None:
        super().__init__(sim, thing)
        self.take_state({"model": model_of(thing.model), "params": thing.model})
        self.take_state({"silences": np.zeros(0, np.int64), "threshold": np.zeros(0), "clamps": {}})

    def __len__(self) -> int:
        return int(self.thing.n)

    def own_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("params", "silences", "threshold", "clamps")}

    def known(self) -> list[str]:
        return list(dict.fromkeys([*self.model.state_fields, *self.model.params, "silent"]))

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Which neurons cannot fire, [n]: their threshold is out of reach, all else goes on."""
        return self.silences > 0 if len(self.silences) else np.zeros(self.thing.n, dtype=bool)

    def silence(self, elements: Any, by: int = 1) -> None:
        """Keep elements from firing; with by = -1, take that back. Who was silenced twice has to be let go twice."""
        if "v_th" not in self.model.held:
            raise SimulationError(f"population {self.name} ({self.model.name}) has no held state v_th: its neurons cannot be silenced")
        if not len(self.silences):
            self.take_state({"silences": np.zeros(self.thing.n, np.int64), "threshold": self.kept("v_th")})
        self.silences[elements] = np.maximum(self.silences[elements] + by, 0)
        self.wake()
        self.put("v_th", self.threshold.copy())
        if not self.silences.any():
            self.take_state({"silences": np.zeros(0, np.int64), "threshold": np.zeros(0)})
        if "v_th" in self.clamps:
            self.write_clamps()
        self.choose_kernels()

    def inject(self, elements: Any, current: Any) -> None:
        """Add a current (pA; a number, or one value an element) to what elements receive from outside."""
        if "i_ext" not in self.model.held:
            raise DescriptionError(f"population {self.name} ({self.model.name}) has no held state i_ext: it takes no currents")
        self.wake()
        ((_, received),) = self.where("i_ext")
        received[elements] += current
        place = self.sim.places[self.name]
        if place.timed:
            self.sim.a.held[place.base + np.asarray(elements, dtype=np.int64)] += current
        self.choose_kernels()

    def clamp(self, field: str, elements: NDArray[np.int64], values: Any) -> None:
        """Hold a state field of elements at values (a number, or one a element), from now on and after every step; see `release`."""
        if field not in self.model.state_fields:
            raise PathError(f"population {self.name} ({self.model.name}) has no state {field!r}: {nearest(field, self.model.state_fields)}")
        if field == "i_ext" and self.sim.places[self.name].timed:
            raise SimulationError(f"i_ext of {self.name} cannot be clamped, a current of it changes at every step: switch that off, or clamp v")
        given = np.broadcast_to(self.checked(field, np.asarray(values, dtype=float), len(elements)), len(elements))
        held, at = self.clamps.get(field, (np.zeros(0, np.int64), np.zeros(0)))
        if len(both := np.intersect1d(held, elements)):
            raise SimulationError(f"{field} of {self.name}[{both[0]}] is clamped already: release it first")
        self.wake()
        self.clamps[field] = np.append(held, elements), np.append(at, within_bounds(self.params, field, given))
        self.put(field, self.kept(field))
        self.write_clamps()
        self.choose_kernels()

    def release(self, field: str, elements: NDArray[np.int64]) -> None:
        """End a clamp: the field goes on from the value at which it was held."""
        held, at = self.clamps.pop(field)
        keep = ~np.isin(held, elements)
        if keep.any():
            self.clamps[field] = held[keep], at[keep]
        self.write_clamps()
        self.wake()

    def write_clamps(self) -> None:
        write_clamps(self.sim, [view for view in self.sim.views.values() if isinstance(view, PopulationView)])

    def where(self, field: str) -> list[tuple[slice, NDArray[Any]]]:
        """(elements, their values in the arrays of the loop) of a state field, part by part."""
        sim, model, n = self.sim, self.model, self.thing.n
        place = sim.places[self.name]
        if field in model.live:
            number = next(k for k, r in enumerate(model.receptors) if model.adds.get(r) == field)
            parts = []
            for geom in sim.a.geom[place.tasks]:
                first = geom[G.acc] + number * geom[G.stride]
                parts.append((slice(geom[G.lo], geom[G.lo] + geom[G.count]), sim.a.acc[first : first + geom[G.count]]))
            return parts
        held = field in model.held
        store, first = (sim.a.held, place.held) if held else (sim.a.state, place.state)
        first += (model.held if held else model.stored).index(field) * n
        return [(slice(0, n), store[first : first + n])]

    def __getattr__(self, field: str) -> Any:
        if field.startswith("__"):
            raise AttributeError(field)
        if field in self.model.state_fields:
            values = self.kept(field)
            values = values if field in self.model.held else self.present(values, self.model.moving.index(field))
            values.flags.writeable = False  # it is a copy: writing into it would change nothing
            return values
        if field in self.model.params:
            value = getattr(self.params, field)
            return np.array(value, dtype=float) if np.ndim(value) else float(value)
        raise self.unknown(field)

    def kept(self, field: str) -> NDArray[np.float64]:
        """A state field [n] as it stands in the arrays of the loop: of neurons that sleep, as they fell asleep."""
        if field == "v_th" and len(self.threshold):
            return self.threshold.copy()
        values = np.empty(self.thing.n)
        for part, stored in self.where(field):
            values[part] = stored
        return values

    def put(self, field: str, values: Any) -> None:
        """Write a state field into the arrays of the loop, within its bounds; clamps and silence keep theirs."""
        values = np.array(np.broadcast_to(within_bounds(self.params, field, values), self.thing.n))
        if field in self.clamps:
            elements, held = self.clamps[field]
            values[elements] = held
        if field == "v_th" and len(self.silences):
            self.threshold[:] = values
            values[self.silences > 0] = np.inf
        for part, stored in self.where(field):
            stored[:] = values[part]

    def present(self, values: NDArray[np.float64], number: int) -> NDArray[np.float64]:
        """State of sleeping neurons as it would be now, without waking them."""
        sim = self.sim
        for task in sim.places[self.name].tasks:
            lo, n = int(sim.a.geom[task, G.lo]), int(sim.a.geom[task, G.count])
            if n and sim.a.sleep[sim.a.task[task, loop.T_PIECE], loop.S_MODE] == 1:
                index = np.arange(lo, lo + n, dtype=np.int32)
                out = np.empty(len(self.model.moving) * n)
                loop.read_task(sim.a, task, sim.step, index, out)
                values[lo : lo + n] = out[number * n : (number + 1) * n]
        return values

    def __setattr__(self, field: str, value: Any) -> None:
        if field == "silent":
            self.set_silent(value)
        elif field in self.model.state_fields:
            values = self.checked(field, value)
            self.wake()
            self.put(field, values)
            place = self.sim.places[self.name]
            if field == "i_ext" and place.timed:
                self.sim.a.held[place.base : place.base + self.thing.n] = values
            self.choose_kernels()
        elif field in self.model.params:
            self.set_parameter(field, value)
        else:
            raise self.unknown(field)

    def set_silent(self, value: Any) -> None:
        """Exactly these neurons, and no others, cannot fire: True, False or a mask [n]."""
        mask = np.asarray(value)
        if mask.dtype != bool or mask.shape not in ((), (self.thing.n,)):
            raise DescriptionError(f"silent of {self.name} is given {value!r}: give True, False or a mask of {self.thing.n}")
        self.silence(np.flatnonzero(self.silent), by=-int(self.silences.max(initial=0)))
        self.silence(np.flatnonzero(np.broadcast_to(mask, self.thing.n)))

    def checked(self, field: str, value: Any, n: int | None = None) -> NDArray[np.float64]:
        """Values of a field, a number or an array [n] (by default of all elements)."""
        values, n = numbers(value, f"{field} of {self.name}"), self.thing.n if n is None else n
        if values.ndim > 1 or (values.ndim == 1 and values.shape != (n,)):
            raise DescriptionError(f"{field} of {self.name} is given shape {list(values.shape)}: give a number or {n} values")
        may_be_infinite = field == "v_th" if field in self.model.state_fields else True
        with np.errstate(over="ignore"):
            kept = values.astype(self.sim.a.state.dtype) if field in self.model.stored else values
        wrong = np.isnan(values) if may_be_infinite else ~np.isfinite(kept)
        if wrong.any():
            raise DescriptionError(f"{field} of {self.name} is given {values[wrong][0] if values.ndim else values}: give finite numbers")
        problem = range_problem(field, values) if field in self.model.params else None
        if problem:
            raise DescriptionError(f"{field} of {self.name} {problem}")
        return values

    def wake(self) -> None:
        """Bring sleeping neurons up to the present; whether they sleep on is decided anew."""
        sim = self.sim
        for task in sim.places[self.name].tasks:
            piece = sim.a.task[task, loop.T_PIECE]
            if sim.a.sleep[piece, loop.S_MODE] == 1:
                loop.wake(sim.a, task, sim.step, 0)
            sim.a.sleep[piece, loop.S_NEXT] = sim.step

    def set_parameter(self, field: str, value: Any) -> None:
        values = self.checked(field, value)
        params = self.params._replace(**{field: float(values) if values.ndim == 0 else values})
        rows = parameter_rows(params, self.thing.n, self.sim.dt, self.name)
        self.wake()
        sim, place = self.sim, self.sim.places[self.name]
        per_element = not scalar_parameters(params)
        if per_element != place.per_element:
            sim.a = sim.a._replace(par=np.append(sim.a.par, rows.ravel()))
            place.per_element, place.par = per_element, len(sim.a.par) - rows.size
            for task in place.tasks:
                sim.a.geom[task, G.par] = place.par
        else:
            sim.a.par[place.par : place.par + rows.size] = rows.ravel()
        object.__setattr__(self, "params", params)
        for bounded, by in self.model.bounds.items():
            if by == field:
                self.put(bounded, self.kept(bounded))
        self.choose_kernels()

    def choose_kernels(self, anew: bool = False) -> None:
        """Kernels of the form that fits the parameters and held values as they are now; `anew`: whatever was chosen before."""
        sim, place = self.sim, self.sim.places[self.name]
        form = form_of(place.per_element, same_held(sim.a.held, place, self.model, self.thing.n))
        bounded = is_bounded(self.params)
        if place.form == (form, bounded) and not anew:
            return
        place.form = (form, bounded)
        kernels = make_block(self.model, type(constants(one_element(self.params), sim.dt)), form, sim.precision)
        for column, number in kernel_columns(kernels, bounded, sim.kernel_number).items():
            sim.a.task[place.tasks, column] = number


class SourceView(View):
    """A population that only sends spikes: its parameters, and whether it is on."""

    def known(self) -> list[str]:
        return [*self.thing.model._fields, "on"]

    def __getattr__(self, field: str) -> Any:
        if field == "on":
            return all(self.sim.a.task[t, loop.T_ON] == 1 for t in self.sim.places[self.name].tasks)
        if field.startswith("__") or field not in self.thing.model._fields:
            raise AttributeError(field) if field.startswith("__") else self.unknown(field)
        return getattr(self.thing.model, field)

    def __setattr__(self, field: str, value: Any) -> None:
        if field != "on":
            raise SimulationError(f"{field} of source {self.name} cannot be changed in a run: switch it with on, or describe another network")
        value = truth(value, f"on of {self.name}")
        for task in self.sim.places[self.name].tasks:
            self.sim.a.task[task, loop.T_ON] = int(bool(value))
            piece = self.sim.a.task[task, loop.T_PIECE]
            self.sim.a.out_first[:, piece, :] = 0
        if self.name in self.sim.drive_places:
            self.sim.drive_places[self.name].restart(self.sim.a.held)


class DriveView(View):
    """A Poisson drive (rate in Hz, w) or a current (amplitude in pA), and whether it is on."""

    def __init__(self, sim: Simulation, thing: Any) -> None:
        super().__init__(sim, thing)
        object.__setattr__(self, "values", dict(thing.source._asdict(), w=thing.w, on=True))

    def own_state(self) -> dict[str, Any]:
        return {"values": self.values}

    def known(self) -> list[str]:
        return list(self.values)

    def __getattr__(self, field: str) -> Any:
        if field.startswith("__") or field not in self.values:
            raise AttributeError(field) if field.startswith("__") else self.unknown(field)
        return self.values[field]

    def __setattr__(self, field: str, value: Any) -> None:
        if field not in self.values:
            raise self.unknown(field)
        if field == "on":
            value = truth(value, f"on of {self.name}")
            self.switch(value)
        elif isinstance(self.thing.source, DC) and field == "amplitude":
            given = numbers(value, f"amplitude of drive {self.name}")
            value = given if given.ndim else float(given)
            problem = bad_parameter(value, len(self.thing.target)) or (None if np.isfinite(value).all() else f"is {value!r}: give finite pA")
            if problem:
                raise DescriptionError(f"{field} of drive {self.name} {problem}")
            if self.values["on"]:
                self.add(np.asarray(value, dtype=float) - np.asarray(self.values["amplitude"], dtype=float))
        elif isinstance(self.thing.source, Poisson) and field in ("rate", "w"):
            self.set_poisson(field, value)
        else:
            raise SimulationError(f"{field} of drive {self.name} cannot be changed in a run: switch it with on, or describe another network")
        self.values[field] = value

    def add(self, amount: Any) -> None:
        """Add a current (pA; a number, or one value a target) to what its targets receive."""
        amount = np.asarray(amount, dtype=float)
        begin = 0
        for population, index in self.thing.target.parts:
            elements = np.asarray(index, dtype=np.int64)
            self.sim[population.name].inject(elements, amount if amount.ndim == 0 else amount[begin : begin + len(elements)])
            begin += len(elements)

    def switch(self, on: bool) -> None:
        if on == self.values["on"]:
            return
        if isinstance(self.thing.source, DC):
            self.add((1.0 if on else -1.0) * np.asarray(self.values["amplitude"], dtype=float))
        elif isinstance(self.thing.source, StepCurrent):
            raise SimulationError(f"drive {self.name} is a current by steps: give it a step to 0 pA instead of switching it off")
        for task in self.sim.drive_places[self.name].tasks:
            self.sim.a.task[task, loop.T_ON] = int(on)
        self.sim.drive_places[self.name].restart(self.sim.a.held)

    def set_poisson(self, field: str, value: Any) -> None:
        if not is_number(value) or not is_number(self.values[field]):
            raise SimulationError(f"{field} of drive {self.name} can be changed from number to number only: describe another network")
        problem = rate_problem(value, 1) if field == "rate" else None if math.isfinite(value) else f"is {value!r}: give a finite number"
        if problem:
            raise DescriptionError(f"{field} of drive {self.name} {problem}")
        if field == "w":
            check_signs(f"drive {self.name}", self.thing.target, self.thing.receptor, float(value))
        for task in self.sim.drive_places[self.name].tasks:
            par = self.sim.a.geom[task, G.par]
            if field == "w":
                self.sim.a.par[par + D_W] = value
            else:
                self.set_rate(task, int(par), float(value))
        self.sim.drive_places[self.name].restart(self.sim.a.held)

    def set_rate(self, task: int, par: int, rate: float) -> None:
        """Another rate for a task: its number, and its distribution function if it has one."""
        a, mean = self.sim.a, rate * self.sim.dt * 1e-3
        dense = a.par[par + D_CDF] > 0
        if not dense and mean > 50 * DENSE_FROM:  # more would not fit into the scratch of a worker
            raise SimulationError(f"rate of drive {self.name} is raised to {rate:g} Hz from a sparse one: describe it with a higher rate")
        if dense:
            draws = max(1, math.ceil(mean / MOST))
            first = int(a.par[par + D_CDF])
            a.par[par + D_DRAWS] = draws
            a.par[first : first + CDF] = poisson_cdf(mean / draws)
        a.par[par + D_RATE] = mean


class ProjectionView(View):
    """Synapses of a projection, in the order in which they are stored: by source, then block, delay and target.

    i, j: source and target, numbered within the selections that the projection connects [n]; w in the receptor's unit; delay in ms.
    plastic: whether hooks may change the weights; while it is False, what they write is dropped.
    """

    cuts: NDArray[np.uint8]  # [n] how often each synapse was cut
    freezes: int  # how often the projection was kept from changing

    def __init__(self, sim: Simulation, thing: Any) -> None:
        super().__init__(sim, thing)
        super().take_state({"cache": {}, "cuts": np.zeros(0, np.uint8), "freezes": 0})

    def own_state(self) -> dict[str, Any]:
        return {"changed": self.changed_rows, "cuts": self.cuts, "freezes": self.freezes}

    def take_state(self, state: dict[str, Any]) -> None:
        super().take_state({"cache": {"changed": True} if state["changed"] else {}, "cuts": state["cuts"], "freezes": state["freezes"]})

    def cut(self, synapses: Any, by: int = 1) -> None:
        """Hold the weights of synapses (numbers in the order of `w`) at 0; with by = -1, take that back and leave them at 0."""
        if not len(self.cuts):
            super().take_state({"cuts": np.zeros(len(self.table()[0]), np.uint8)})
        self.cuts[synapses] = np.clip(self.cuts[synapses].astype(int) + by, 0, 255)
        self.write_w(self.table()[2])
        if not self.cuts.any():
            super().take_state({"cuts": np.zeros(0, np.uint8)})

    def freeze(self, by: int = 1) -> None:
        """Drop what hooks write into the weights from now on; with by = -1, take that back."""
        super().take_state({"freezes": max(self.freezes + by, 0)})

    @property
    def changed_rows(self) -> bool:
        return bool(self.cache.get("changed"))

    def known(self) -> list[str]:
        return ["i", "j", "w", "delay", "gain", "plastic"]

    def __len__(self) -> int:
        return len(self.place())

    def rows(self) -> Any:
        return self.sim.rows._replace(w=self.sim.a.w)

    def place(self) -> NDArray[np.int64]:
        if "place" not in self.cache:
            self.cache["place"] = weight_index(self.rows(), self.sim.layout, self.thing)
        return self.cache["place"]

    def group(self) -> list[int]:
        """Groups of rows that hold this projection."""
        return [k for k, g in enumerate(self.sim.rows.groups) if any(p is self.thing for p in g.projections)]

    def table(self) -> tuple[NDArray[Any], ...]:
        return synapses(self.rows(), self.sim.layout, self.thing, self.sim.net)

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
        if field in ("i", "j", "w", "delay"):
            return self.table()[("i", "j", "w", "delay").index(field)]
        if field == "plastic":
            return self.freezes == 0
        if field == "gain":
            return float(self.sim.a.group_w[self.sim.group_number(self.alone("gain")), 1])
        if field.startswith("__"):
            raise AttributeError(field)
        raise self.unknown(field)

    def __setattr__(self, field: str, value: Any) -> None:
        if field == "w":
            self.set_w(value)
        elif field == "plastic":
            super().take_state({"freezes": 0 if truth(value, f"plastic of {self.name}") else 1})
        elif field == "gain":
            problem = gain_problem(value, bool(self.signs()))
            if problem:
                raise DescriptionError(f"gain of {self.name} {problem}")
            self.sim.a.group_w[self.sim.group_number(self.alone("gain")), 1] = value
        elif field in ("i", "j", "delay"):
            raise SimulationError(f"{field} of {self.name} cannot be changed in a run: describe another network")
        else:
            raise self.unknown(field)

    def alone(self, what: str) -> int:
        """The one group that holds this projection and no other."""
        groups = self.group()
        if len(groups) != 1 or len(self.sim.rows.groups[groups[0]].projections) != 1:
            raise SimulationError(f"{what} of {self.name}: its rows are merged with those of other projections, connect it with gain=1.0")
        return groups[0]

    def set_w(self, value: Any) -> None:
        """Write weights: a number, or one value a synapse in the order of `w`."""
        sim = self.sim
        values = numbers(value, f"w of {self.name}")
        n = len(self.table()[0])
        if values.ndim > 1 or (values.ndim == 1 and len(values) != n):
            raise DescriptionError(f"w of {self.name} is given shape {list(values.shape)}: give a number or {n} values")
        if not (np.abs(values) <= LARGEST).all() or any((values * sign < 0).any() for sign in self.signs()):
            raise DescriptionError(f"w of {self.name} is given {value!r}: must be finite and of the sign of its receptor")
        if self.plastic or not sim.interrupting:
            self.write_w(values)

    def write_w(self, values: NDArray[np.float64]) -> None:
        """Write checked weights; synapses that are cut stay at 0."""
        sim = self.sim
        for k in self.group():
            if sim.rows.groups[k].uniform:
                sim.store_weights(k)
        object.__setattr__(self, "cache", {"changed": True})
        sim.weights_version += 1
        sim.a.w[self.place()] = np.where(self.cuts > 0, 0.0, values) if len(self.cuts) else values

    def signs(self) -> set[int]:
        """Signs that the receptor of some target asks for."""
        return {model_of(p.model).signs.get(self.thing.receptor, 0) for p in self.thing.target.populations} - {0}
