"""A population of neurons in a running simulation, and what may lie over its values: silence, currents, clamps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import numbers, question_parameter, range_problem
from ..errors import DescriptionError, PathError, SimulationError, nearest
from ..given import short
from ..kernels import loop
from ..kernels.blocks import G, form_of, make_block
from ..neurons.contract import constants, model_of, scalar_parameters
from ..places import initial_values, is_bounded, kernel_columns, one_element, parameter_rows, same_held, within_bounds
from ..sources import DC
from .clamps import Clamp, write_clamps
from .contract import View

if TYPE_CHECKING:
    from ..simulation import Simulation

Elements = NDArray[np.int64]


class PopulationView(View):
    """State (arrays [n]) and parameters (numbers, or arrays [n]) of a population of neurons; `silent` [n] says which of them cannot fire.

    What interventions lay over a value leaves the value itself alone: when they end, it is there again, with what was written meanwhile.
    """

    silences: NDArray[np.int64]  # [n] how often each was silenced; [0] while nobody is
    base: dict[str, NDArray[np.float64]]  # v_th without silence, shifts and clamps, i_ext without currents of drives and clamps; where needed
    currents: dict[str, tuple[Elements, Any]]  # who adds to i_ext -> (elements, pA), beside `base`
    shifts: dict[str, tuple[Elements, Any]]  # who adds to v_th -> (elements, mV), beside `base`
    clamps: list[Clamp]  # in the order in which they came; the last one holds

    def __init__(self, sim: Simulation, thing: Any) -> None:
        super().__init__(sim, thing)
        self.take_state({"model": model_of(thing.model), "params": thing.model})
        self.take_state({"silences": np.zeros(0, np.int64), "base": {}, "currents": {}, "shifts": {}, "clamps": []})

    def __len__(self) -> int:
        return int(self.thing.n)

    def own_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("params", "silences", "base", "currents", "shifts", "clamps")}

    def known(self) -> list[str]:
        return list(dict.fromkeys([*self.model.state_fields, *self.model.params, "silent"]))

    # reading

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
        """A state field [n] as it stands in the arrays of the loop: of neurons that sleep, as they fell asleep; thresholds without silence."""
        if field == "v_th" and field in self.base:
            return self.clamped(field, self.base[field] + self.added(field))
        values = np.empty(self.thing.n)
        for part, stored in self.where(field):
            values[part] = stored
        return values

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

    # writing

    def __setattr__(self, field: str, value: Any) -> None:
        if field == "silent":
            self.set_silent(value)
        elif field in self.model.state_fields:
            values = self.checked(field, value)
            self.wake()
            self.put(field, values)
            self.choose_kernels()
        elif field in self.model.params:
            self.set_parameter(field, value)
        else:
            raise self.unknown(field)
        self.tell(field, value)

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

    def put(self, field: str, values: Any) -> None:
        """Write a state field, within its bounds; what is clamped stays, and so does what silence and currents make of it."""
        values = np.array(np.broadcast_to(within_bounds(self.params, field, values), self.thing.n))
        if field == "i_ext" and self.has_currents():
            self.find_base(field)
        if field in self.base:
            seen, held = self.kept(field), np.zeros(self.thing.n, dtype=bool)
            for clamp in self.clamps_of(field):
                held[clamp.elements] = True
            written = (values != seen) & ~held
            self.base[field][written] = (values - self.added(field))[written]
            self.lay(field)
            if field == "i_ext":  # to the bit, though the sum of its parts may differ in the last
                self.write(field, np.where(written, values, self.kept(field)))
        else:
            self.write(field, self.clamped(field, values))

    def write(self, field: str, values: NDArray[np.float64]) -> None:
        """Values [n] into the arrays of the loop, as they are."""
        for part, stored in self.where(field):
            stored[:] = values[part]
        place = self.sim.places[self.name]
        if field == "i_ext" and place.timed:
            self.sim.a.held[place.base : place.base + self.thing.n] = values

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
        question_parameter(self.thing, field, values)
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
        self.take_state({"params": params})
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

    # what lies over held values

    def find_base(self, field: str) -> None:
        """Keep v_th or i_ext as it is without what lies over it, from now on."""
        if field in self.base or field not in ("v_th", "i_ext"):
            return
        net, place = self.sim.described, self.sim.places[self.name]
        direct = [d for d in net.drives.values() if isinstance(d.source, DC) and self.meets(d)] if field == "i_ext" else []
        for drive in direct:
            self.currents.update(described_current(net, drive, self.name))
        if direct:
            self.base[field] = initial_values(net, net.populations[self.name], field)
        elif field == "i_ext" and place.timed:
            self.base[field] = self.sim.a.held[place.base : place.base + self.thing.n].copy()
        else:
            self.base[field] = self.kept(field)

    def has_currents(self) -> bool:
        """Whether a direct current or a stimulus adds to i_ext."""
        return bool(self.currents) or any(isinstance(d.source, DC) and self.meets(d) for d in self.sim.described.drives.values())

    def meets(self, drive: Any) -> bool:
        return any(p.name == self.name for p in drive.target.populations)

    def over(self, field: str) -> dict[str, tuple[Elements, Any]]:
        """Who adds what to a field."""
        return self.currents if field == "i_ext" else self.shifts

    def added(self, field: str, but: str = "") -> NDArray[np.float64]:
        """What currents add to i_ext, [n] pA, or shifts to v_th, [n] mV, always summed in the same order; `but` for one of them."""
        total, over = np.zeros(self.thing.n), self.over(field)
        for name in sorted(set(over) - {but}):
            elements, values = over[name]
            total[elements] += values
        return total

    def clamped(self, field: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values [n], those that are clamped at theirs."""
        for clamp in self.clamps_of(field):
            values[clamp.elements] = clamp.values
        return values

    def clamps_of(self, field: str) -> list[Clamp]:
        return [clamp for clamp in self.clamps if clamp.field == field]

    def lay(self, field: str) -> None:
        """Write what follows from the base value and what lies over it."""
        values = self.base[field].copy()
        if field == "i_ext":
            for name in sorted(self.currents):
                elements, amount = self.currents[name]
                values[elements] += amount
        else:
            values += self.added(field)
        values = self.clamped(field, values)
        if field == "v_th" and len(self.silences):
            values[self.silences > 0] = np.inf
        self.write(field, values)

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Which neurons cannot fire, [n]: their threshold is out of reach, all else goes on."""
        return self.silences > 0 if len(self.silences) else np.zeros(self.thing.n, dtype=bool)

    def set_silent(self, value: Any) -> None:
        """Exactly these neurons, and no others, cannot fire: True, False or a mask [n]."""
        mask = np.asarray(value)
        if mask.dtype != bool or mask.shape not in ((), (self.thing.n,)):
            raise DescriptionError(f"silent of {self.name} is given {short(value)}: give True, False or a mask of {self.thing.n}")
        self.silence(np.flatnonzero(self.silent), by=-int(self.silences.max(initial=0)))
        self.silence(np.flatnonzero(np.broadcast_to(mask, self.thing.n)))

    def silence(self, elements: Any, by: int = 1) -> None:
        """Keep elements from firing; with by = -1, take that back. Who was silenced twice has to be let go twice."""
        if "v_th" not in self.model.held:
            raise SimulationError(f"population {self.name} ({self.model.name}) has no held state v_th: {NO_THRESHOLD}")
        self.find_base("v_th")
        if not len(self.silences):
            self.take_state({"silences": np.zeros(self.thing.n, np.int64)})
        self.silences[elements] = np.maximum(self.silences[elements] + by, 0)
        if not self.silences.any():
            self.take_state({"silences": np.zeros(0, np.int64)})
        self.laid("v_th")

    def inject(self, name: str, elements: Elements, current: Any) -> None:
        """Let `name` add a current (pA; a number, or one value an element) to i_ext, in place of what it added before."""
        self.takes_currents()
        self.find_base("i_ext")
        self.currents[name] = (elements, current)
        self.laid("i_ext")

    def withdraw(self, name: str) -> None:
        """End what `name` adds to i_ext."""
        self.takes_currents()
        self.find_base("i_ext")
        self.currents.pop(name, None)
        self.laid("i_ext")

    def shift(self, name: str, values: NDArray[np.float64]) -> None:
        """Let `name` add values [n] (mV) to v_th, in place of what it added before."""
        self.find_base("v_th")
        self.shifts[name] = (np.arange(self.thing.n), np.array(values, dtype=float))
        self.laid("v_th")

    def v_th_under(self, name: str) -> NDArray[np.float64]:
        """v_th without what `name` adds, silence and clamps, [n]."""
        return (self.base["v_th"] if "v_th" in self.base else self.kept("v_th")) + self.added("v_th", but=name)

    def unshift(self, name: str) -> None:
        """End what `name` adds to v_th."""
        self.find_base("v_th")
        self.shifts.pop(name, None)
        self.laid("v_th")

    def takes_currents(self) -> None:
        if "i_ext" not in self.model.held:
            raise DescriptionError(f"population {self.name} ({self.model.name}) has no held state i_ext: it takes no currents")

    def laid(self, field: str) -> None:
        """After a change of what lies over a field."""
        self.wake()
        self.lay(field)
        if any(clamp.field == field for clamp in self.clamps):
            write_clamps(self.sim)
        self.choose_kernels()

    def clamp(self, name: str, field: str, elements: Elements, values: Any) -> None:
        """Hold a state field of elements at values (a number, or one a element), from now on and after every step, until `release(name)`."""
        if field not in self.model.state_fields:
            raise PathError(f"population {self.name} ({self.model.name}) has no state {field!r}: {nearest(field, self.model.state_fields)}")
        if field == "i_ext" and self.sim.places[self.name].timed:
            raise SimulationError(f"i_ext of {self.name} cannot be clamped, a current of it changes at every step: switch that off, or clamp v")
        given = np.broadcast_to(self.checked(field, np.asarray(values, dtype=float), len(elements)), len(elements))
        self.find_base(field)
        self.clamps.append(Clamp(name, field, elements, np.array(within_bounds(self.params, field, given))))
        self.clamps_changed(field)

    def release(self, name: str) -> None:
        """End a clamp: a threshold or external current is again what it was, any other state goes on from the value at which it was held."""
        fields = [clamp.field for clamp in self.clamps if clamp.name == name]
        self.take_state({"clamps": [clamp for clamp in self.clamps if clamp.name != name]})
        for field in fields:
            self.clamps_changed(field)

    def clamps_changed(self, field: str) -> None:
        self.wake()
        if field in self.base:
            self.lay(field)
        else:
            self.write(field, self.clamped(field, self.kept(field)))
        write_clamps(self.sim)
        self.choose_kernels()


NO_THRESHOLD = "declare v_th as held state of the model to silence its neurons, or cut their projections by Lesion"


def described_current(net: Any, drive: Any, population: str) -> dict[str, tuple[Elements, Any]]:
    """What a direct current adds to a population, by the name under which it does."""
    amplitude = np.asarray(drive.source.amplitude, dtype=float)
    parts = []
    begin = 0
    for part, index in drive.target.parts:
        elements = np.asarray(index, dtype=np.int64)
        if part.name == population:
            parts.append((elements, amplitude if amplitude.ndim == 0 else amplitude[begin : begin + len(elements)]))
        begin += len(elements)
    if not parts:
        return {}
    elements = np.concatenate([e for e, _ in parts])
    values = np.concatenate([np.broadcast_to(v, len(e)) for e, v in parts])
    return {current_name(net, drive): (elements, values)}


def current_name(net: Any, drive: Any) -> str:
    """Name of a drive among the currents of a population: they are summed in the order of the description."""
    return f"{list(net.drives).index(drive.name):06d} {drive.name}"
