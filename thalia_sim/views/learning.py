"""The rules of a projection in a running simulation: what its synapses keep, parameters, modulators, freezing and counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import plastic, structure
from ..checks import is_number
from ..errors import DescriptionError, SimulationError
from ..given import short
from ..kernels import plastic as k
from ..pieces import receptor_keys
from ..plasticity.chain import Chain, field_named
from ..plasticity.contract import check_parameters

if TYPE_CHECKING:
    from ..simulation import Simulation


class Learning:
    """Reads evaluate a copy, as of now; whatever is written brings the synapses up to the present first.

    Parameters and state go by their own names; where several rules of the projection have one of the same name, by Rule.name (as may be done always).
    """

    def __init__(self, sim: Simulation, projection: Any) -> None:
        self.sim, self.projection, self.chain = sim, projection, projection.chain
        names = [[*p._fields, *made.state, *made.target] for p, made in zip(self.chain.rules, self.chain.declared, strict=True)]
        every = [name for found in names for name in found]
        self.owned = [(type(p).__name__, found) for p, found in zip(self.chain.rules, names, strict=True)]
        self.names: dict[str, tuple[int, str]] = {}  # name -> (number of the rule, field)
        for n, found in enumerate(names):
            for name in found:
                self.names[name if every.count(name) == 1 else f"{type(self.chain.rules[n]).__name__}.{name}"] = (n, name)

    def known(self) -> list[str]:
        """All names that can be used; one that several rules have is told apart when it is."""
        every = [*(name for _, found in self.owned for name in found), *(f"{rule}.{name}" for rule, found in self.owned for name in found)]
        return [*self.names, *self.chain.modulators, "statistics", *(name for name in dict.fromkeys(every) if name not in self.names)]

    def named(self, name: str) -> tuple[int, str]:
        """(number of the rule, field) of a known name."""
        found = field_named(self.owned, name)
        assert found is not None
        return found

    @property
    def parts(self) -> list[plastic.Part]:
        return [part for part in self.sim.parts if part.group.projections[0] is self.projection]

    def bring(self) -> None:
        """Bring the synapses up to the present."""
        plastic.bring(self.sim, self.parts)

    # reading

    def gathered(self, which: int, place: NDArray[np.int64]) -> NDArray[Any]:
        """Weights (0) or state (1) of the synapses whose weights lie at `place`."""
        if not len(place):
            return np.zeros(0) if which == 0 else np.zeros((0, len(self.chain.state)))
        found = [plastic.evaluated(self.sim, part)[which] for part in self.parts]
        out = np.empty((len(place), *found[0].shape[1:]))
        for part, values in zip(self.parts, found, strict=True):
            at, mine = self.within(part, place)
            out[mine] = values[at]
        return out

    @staticmethod
    def within(part: plastic.Part, place: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """(places that belong to a part, counted from its first, which of all these are [n])."""
        at = place - (part.group.first_syn - part.group.w_shift)
        mine = (at >= 0) & (at < part.group.n_syn)
        return at[mine], mine

    def weights(self, place: NDArray[np.int64]) -> NDArray[np.float64]:
        """Weights with their sign, [n]."""
        return self.gathered(0, place)

    def read(self, name: str, place: NDArray[np.int64]) -> Any:
        """A parameter, a modulator, a state field [n], or the counters."""
        if name == "statistics":
            return self.statistics()
        if name in self.chain.modulators:
            return float(self.sim.records.rule_par[plastic.place_of_modulator(self.sim, self.parts[0], name)])
        n, field = self.named(name)
        if field in self.chain.rules[n]._fields:
            return plastic.parameter(self.sim, self.parts[0], n, field)
        if field in self.chain.declared[n].target:
            return self.of_targets(n, field)
        return self.gathered(1, place)[:, self.chain.state.index((n, field))]

    def of_targets(self, n: int, field: str) -> NDArray[np.float64]:
        """State of the targets that rule n keeps, as it is now, in the order of the projection's targets."""
        sim, part = self.sim, self.parts[0]
        column = len(list(self.chain.traces("post"))) + self.chain.target.index((n, field))
        now = [plastic.targets_now(sim, part, b)[column] for b in range(sim.layout.n_blocks)]
        keys = receptor_keys(self.projection, sim.layout).astype(np.int64)
        first = sim.a.plastic_at[part.number * sim.layout.n_blocks :, k.A_SLOT]
        return np.array([now[key >> 16][(key & 0xFFFF) - first[key >> 16]] for key in keys], dtype=float)

    def in_force(self) -> Chain:
        """The rules with the parameters of this moment."""
        part = self.parts[0]
        return Chain(tuple(type(p)(*(plastic.parameter(self.sim, part, n, f) for f in p._fields)) for n, p in enumerate(self.chain.rules)))

    def statistics(self) -> dict[str, int]:
        """Since step 0: how often the rules were asked to change a synapse, how often a bound acted, how often a block was brought up to date because
        the ring of a target was full, how many synapses were removed and made."""
        count = self.sim.records.plastic_count.reshape(-1, self.sim.layout.n_blocks, k.N_COLUMNS)
        total = count[[part.number for part in self.parts]].sum(axis=(0, 1))
        names = {"updates": k.N_UPDATES, "bounded": k.N_BOUNDED, "brought": k.N_BROUGHT, "pruned": k.N_PRUNED, "grown": k.N_GROWN}
        return {name: int(total[column]) for name, column in names.items()}

    # writing

    def write(self, name: str, value: Any) -> None:
        """Set a parameter or a modulator from now on."""
        where = f"{name} of {self.projection.name}"
        if name in self.chain.modulators:
            least = -np.inf if name in self.chain.read else 0.0
            if not is_number(value) or not np.isfinite(value) or value < least:
                raise DescriptionError(f"{where} is given {short(value)}: give a finite number{'' if least else ', at least 0'}")
            self.bring()
            for part in self.parts:
                self.sim.records.rule_par[plastic.place_of_modulator(self.sim, part, name)] = value
                self.write_rate(part)
            return
        n, field = (0, "") if name == "statistics" else self.named(name)
        p = self.chain.rules[n]
        if field not in p._fields:
            raise SimulationError(f"{where} cannot be written: it follows from the spikes")
        if not is_number(value):
            raise DescriptionError(f"{where} is given {short(value)}: give a number")
        if self.chain.dendritic > 0.0 and self.moves_targets(n, field):
            reason = "with a dendritic share, traces of the target are on their way to synapses"
            raise SimulationError(f"{where} cannot be changed in a run: {reason}, describe another network or make them axonal, dendritic=0")
        if field == "dendritic" or (field == "softness" and k.scaling(value) is not k.scaling(p.softness)):
            raise SimulationError(f"{where} cannot be changed in a run: describe another network")
        now = type(p)(*(plastic.parameter(self.sim, self.parts[0], n, f) for f in p._fields))._replace(**{field: value})
        check_parameters(now)
        others = Chain(tuple(now if m == n else rule for m, rule in enumerate(self.in_force().rules)))
        least, most = others.allowed
        if least > most:
            raise DescriptionError(f"{where} is given {value!r}: the rules would bound the strength from {least:g} and to {most:g}")
        self.bring()
        self.settle(n, field)
        for part in self.parts:
            at = plastic.place_of_parameter(self.sim, part, n, p._fields[0])
            alone = Chain((now,))
            self.sim.records.rule_par[at : at + len(p) + plastic.OWN] = [*map(float, now), *alone.bounds(0), alone.softness(0)]
        plastic.write_decays(self.sim)
        if field in ("w_min", "w_max"):
            for part in self.parts:
                plastic.clip_weights(self.sim, part, others.weakest, others.strongest)

    def moves_targets(self, n: int, field: str) -> bool:
        """Whether traces or state of the targets change in time by a parameter of rule n."""
        return self.chain.declared[n].target_between is not None or any(m == n and t.tau == field for m, t in self.chain.traces("post"))

    def settle(self, n: int, field: str) -> None:
        """Keep what changes in time by a parameter as it is now, so that another value acts from now on."""
        for part in self.parts:
            if any(m == n and t.tau == field for m, t in self.chain.traces("pre")):
                plastic.settle_sources(self.sim, part)
            if self.moves_targets(n, field):
                plastic.settle_targets(self.sim, part)

    def write_rate(self, part: plastic.Part) -> None:
        """The learning rate's factor that follows from the modulators."""
        values = [self.sim.records.rule_par[plastic.place_of_modulator(self.sim, part, m)] for m in self.chain.modulators if m not in self.chain.read]
        self.sim.records.rule_par[self.sim.a.plastic[part.number, k.L_PAR] + 1] = np.prod(values)

    def freeze(self, frozen: bool) -> None:
        """Let the rules rest, or work again: what came meanwhile is not caught up with."""
        for part in self.parts:
            row = self.sim.a.plastic[part.number]
            if bool(row[k.L_FROZEN]) != frozen:
                self.bring()
                row[k.L_FROZEN] = int(frozen)

    # synapses that go and come

    def prune(self, place: NDArray[np.int64]) -> None:
        """Remove the synapses whose weights lie at `place`. All places are those before the first is gone."""
        self.bring()
        lost = [(part, self.within(part, place)[0]) for part in self.parts]
        for part, mine in lost:
            if mine.size:
                structure.change(self.sim, self.sim.group_order[part.number], mine)
                self.count(part, k.N_PRUNED, mine.size)

    def grow(self, i: NDArray[np.int64], j: NDArray[np.int64], w: NDArray[np.float64], delay: NDArray[np.float64]) -> None:
        """Make synapses from sources i to targets j."""
        sim, projection = self.sim, self.projection
        if not np.isfinite(delay).all():
            raise DescriptionError(f"new synapses of {projection.name} have a delay that is no finite number: give ms")
        steps = np.rint(delay / sim.dt).astype(np.int64)
        if steps.size and not (1 <= steps.min() and steps.max() <= self.longest()):
            longest = f"{self.longest() * sim.dt:g} ms"
            raise DescriptionError(f"new synapses of {projection.name} have delays up to {delay.max():g} ms: give from {sim.dt:g} ms to {longest}")
        shortest = int(sim.a.window[0])
        if steps.size and steps.min() < shortest:
            raise DescriptionError(f"new synapses of {projection.name} have delays from {delay.min():g} ms: the shortest is {shortest * sim.dt:g} ms")
        self.bring()
        ids, keys = projection.source.ids()[i], receptor_keys(projection, sim.layout).astype(np.int64)[j]
        strength = np.copysign(np.abs(w), projection.sign).astype(np.float32)
        for part in list(self.parts):
            row = ids - part.group.source.offset
            mine = (row >= 0) & (row < part.group.n_rows)
            if mine.any():
                new = structure.New(row[mine], keys[mine], steps[mine], strength[mine])
                structure.change(sim, sim.group_order[part.number], np.zeros(0, np.int64), new)
                self.count(part, k.N_GROWN, int(mine.sum()))

    def longest(self) -> int:
        """Longest delay in steps for which the calendar has room."""
        return int(self.sim.a.slot_head.shape[1]) - int(self.sim.a.window[0]) - 1

    def count(self, part: plastic.Part, column: int, n: int) -> None:
        self.sim.records.plastic_count[part.number * self.sim.layout.n_blocks, column] += n

    def checked_weights(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights that are to be written: of the projection's sign, within the bounds of its rules, as single precision keeps them."""
        name, sign = self.projection.name, self.projection.sign
        if not np.isfinite(values).all():
            raise DescriptionError(f"w of {name} is given a value that is no finite number: give numbers {'<' if sign < 0 else '>'}= 0")
        if (values * sign < 0).any():
            need = f"its rule keeps them {'<' if sign < 0 else '>'}= 0"
            raise DescriptionError(f"w of {name} is given weights of both signs, or of the other one: {need}")
        now = self.in_force()
        sizes, (low, high) = np.abs(values), now.allowed
        if sizes.size and (sizes.max() > high or sizes.min() < low):
            size = sizes.max() if sizes.max() > high else sizes.min()
            raise DescriptionError(f"w of {name} is given size {size:g}: its rule keeps it from {low:g} to {high:g}")
        return np.copysign(np.clip(sizes, now.weakest, now.strongest), sign)
