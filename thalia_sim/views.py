"""Reading and writing a running simulation by name: `sim["exc"].v`, `sim["exc->inh"].w`, `sim["poisson->exc"].rate`.

What is read is a copy, brought up to the present where neurons sleep; reading never changes a run. What is written acts from the next step on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .checks import bad_parameter, gain_problem, is_number, numbers, range_problem, rate_problem
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
        raise DescriptionError(f"on of {name} is given {value!r}: give True or False")
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
    """State (arrays [n]) and parameters (numbers, or arrays [n]) of a population of neurons."""

    def __init__(self, sim: Simulation, thing: Any) -> None:
        super().__init__(sim, thing)
        object.__setattr__(self, "model", model_of(thing.model))
        object.__setattr__(self, "params", thing.model)

    def __len__(self) -> int:
        return int(self.thing.n)

    def own_state(self) -> dict[str, Any]:
        return {"params": self.params}

    def known(self) -> list[str]:
        return list(dict.fromkeys([*self.model.state_fields, *self.model.params]))

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
        values = np.empty(self.thing.n)
        for part, stored in self.where(field):
            values[part] = stored
        return values

    def put(self, field: str, values: Any) -> None:
        """Write a state field into the arrays of the loop, within its bounds."""
        values = np.broadcast_to(within_bounds(self.params, field, values), self.thing.n)
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
        if field in self.model.state_fields:
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

    def checked(self, field: str, value: Any) -> NDArray[np.float64]:
        values = numbers(value, f"{field} of {self.name}")
        if values.ndim > 1 or (values.ndim == 1 and values.shape != (self.thing.n,)):
            raise DescriptionError(f"{field} of {self.name} is given shape {list(values.shape)}: give a number or {self.thing.n} values")
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
        value = truth(value, self.name)
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
            value = truth(value, self.name)
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
            view = self.sim[population.name]
            place = self.sim.places[population.name]
            chosen = np.asarray(index, dtype=np.int64)
            part = amount if amount.ndim == 0 else amount[begin : begin + len(chosen)]
            begin += len(chosen)
            view.wake()
            if "i_ext" not in view.model.held:
                raise DescriptionError(f"population {population.name} ({view.model.name}) has no held state i_ext: it takes no currents")
            ((_, current),) = view.where("i_ext")
            current[chosen] += part
            if place.timed:
                self.sim.a.held[place.base + chosen] += part
            view.choose_kernels()

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
    """

    def __init__(self, sim: Simulation, thing: Any) -> None:
        super().__init__(sim, thing)
        object.__setattr__(self, "cache", {})

    def own_state(self) -> dict[str, Any]:
        return {"changed": self.changed_rows}

    def take_state(self, state: dict[str, Any]) -> None:
        object.__setattr__(self, "cache", {"changed": True} if state["changed"] else {})

    @property
    def changed_rows(self) -> bool:
        return bool(self.cache.get("changed"))

    def known(self) -> list[str]:
        return ["i", "j", "w", "delay", "gain"]

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
        if field == "gain":
            return float(self.sim.a.group_w[self.sim.group_number(self.alone("gain")), 1])
        if field.startswith("__"):
            raise AttributeError(field)
        raise self.unknown(field)

    def __setattr__(self, field: str, value: Any) -> None:
        if field == "w":
            self.set_w(value)
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
        for k in self.group():
            if sim.rows.groups[k].uniform:
                sim.store_weights(k)
        object.__setattr__(self, "cache", {"changed": True})
        sim.weights_version += 1
        sim.a.w[self.place()] = values

    def signs(self) -> set[int]:
        """Signs that the receptor of some target asks for."""
        return {model_of(p.model).signs.get(self.thing.receptor, 0) for p in self.thing.target.populations} - {0}
