"""The engine once more, in plain Python: loops, dictionaries and the models' own undecorated functions. No Numba, and no NumPy in the dynamics.

The compiled engine must give the same spikes, and in double precision the same bits. Each step does, in this order,

    deliver    what arrives in this step, ordered by (step of emission, element, group of rows, place in the row), each onto a sum that starts at 0
    run        every neuron once: s, fired = step(s, x, c, p)
    add        what arrives at a receptor in `adds` onto the state instead, one after another
    emit       who fired in step n, in the order of elements, sends each synapse to arrive in step n + delay
"""

import math
from collections import defaultdict, namedtuple

import numpy as np

from thalia_sim.neurons.contract import model_of
from thalia_sim.sources import DC


def value_of(value, k):
    """Entry k of an array, or the number itself, as a Python float."""
    return float(value) if np.ndim(value) == 0 else float(value[k])


class Neuron:
    """One neuron: its parameters, its constants of a step and its state."""

    def __init__(self, population, k, dt):
        model = model_of(population.model)
        self.model, self.rounded = model, model.stored
        self.p = type(population.model)(*(value_of(x, k) for x in population.model))
        self.c = model.derive(self.p, dt)
        start = {f: population.initial.get(f, model.start_value(f, self.p)) for f in model.state_fields}
        self.s = model.state(**{f: value_of(x, k) for f, x in start.items()})
        self.bound()
        self.inputs = namedtuple("Inputs", model.inputs)

    def run(self, arrived):
        """One step with what arrived, (receptor, w) in order; returns whether it fired."""
        sums = dict.fromkeys(self.model.receptors, 0.0)
        for receptor, w in arrived:
            sums[receptor] += w
        s, fired = self.model.step(self.s, self.inputs(*(sums[r] for r in self.model.inputs)), self.c, self.p)
        self.s = s._replace(**{f: getattr(self.s, f) for f in self.model.held})
        for receptor, w in arrived:
            if field := self.model.adds.get(receptor):
                self.s = self.s._replace(**{field: getattr(self.s, field) + w})
        self.bound()
        return fired

    def bound(self):
        """Keep what is bounded within its bounds."""
        for field, parameter in self.model.bounds.items():
            most = getattr(self.p, parameter)
            self.s = self.s._replace(**{field: min(max(getattr(self.s, field), -most), most)})

    def round(self):
        """State as it is kept in single precision."""
        self.s = self.s._replace(**{f: float(np.float32(getattr(self.s, f))) for f in self.rounded})


class Reference:
    """A network, with the synapses of a Simulation of it; run(steps) fills `spikes`, a list of (step, global number)."""

    def __init__(self, net, sim, precision="double"):
        self.net, self.single, self.n, self.spikes = net, precision == "single", 0, []
        self.neurons, self.given = {}, defaultdict(list)
        for population in net.populations.values():
            if model_of(population.model).kind == "neuron":
                for k in range(population.n):
                    self.neurons[population.offset + k] = Neuron(population, k, net.dt)
            else:
                for t, k in zip(*population.model.spikes(), strict=True):
                    self.given[math.floor(t / net.dt + 0.5) - 1].append(population.offset + int(k))
        for drive in net.drives.values():
            self.add_current(drive)
        if self.single:
            for neuron in self.neurons.values():
                neuron.round()
        self.rows = self.synapses(sim)
        self.arrivals = defaultdict(list)
        self.pushed = self.delivered = 0

    def add_current(self, drive):
        assert isinstance(drive.source, DC)
        for number, gid in enumerate(drive.target.ids()):
            neuron = self.neurons[int(gid)]
            neuron.s = neuron.s._replace(i_ext=neuron.s.i_ext + value_of(drive.source.amplitude, number))

    def synapses(self, sim):
        """Element -> its synapses (delay in steps, target, receptor, w) in the order of the engine's rows."""
        rows = defaultdict(list)
        for group in sim.rows.groups:
            for projection in group.projections:
                mine = projection.source.ids()
                view, target = sim[projection.name], projection.target.ids()
                gain = 1.0 if projection.gain is None else float(projection.gain)
                for i, j, w, delay in zip(view.i, view.j, view.w, view.delay, strict=True):
                    if group.source.offset <= mine[i] < group.source.offset + group.source.n:
                        row = (round(delay / self.net.dt), int(target[j]), projection.receptor, float(w) * gain)
                        rows[int(mine[i])].append(row)
        return rows

    def run(self, steps):
        for n in range(self.n, self.n + steps):
            arrived = defaultdict(list)
            for target, receptor, w in self.arrivals.pop(n, ()):
                arrived[target].append((receptor, w))
                self.delivered += 1
            fired = sorted(self.given.get(n, ()))
            for gid, neuron in self.neurons.items():
                if neuron.run(arrived[gid]):
                    fired.append(gid)
                if self.single:
                    neuron.round()
            for gid in sorted(fired):
                self.spikes.append((n, gid))
                for delay, target, receptor, w in self.rows.get(gid, ()):
                    self.arrivals[n + delay].append((target, receptor, w))
                    self.pushed += 1
        self.n += steps

    def state(self, population, field):
        """Values of a state field of a population, [n]."""
        return np.array([getattr(self.neurons[population.offset + k].s, field) for k in range(population.n)])
