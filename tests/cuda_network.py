"""Run a small network on the GPU kernels in Numba's CUDA simulator and on the CPU, and compare; started by test_cuda.py.

Needs NUMBA_ENABLE_CUDASIM=1 from the start of the process. The spikes must be the same; potentials agree to the rounding of the input, at most
half a quantum (2^-33 pA) an event: 1 pA moves these membranes by less than 0.1 mV, a neuron gets fewer than 1,000 events, so they agree within
1.2e-8 mV. (Weights of 2^-8 and more in single precision are whole quanta: there the difference is 0.)
"""

import numpy as np

from thalia_sim import LIFExp, MemoryRecorder, Network, Normal, Simulation, Uniform, in_degree, total_number
from thalia_sim.kernels.blocks import Geom
from thalia_sim.kernels.rows import event
from thalia_sim.kernels_cuda.blocks import QUANTUM, make_block
from thalia_sim.kernels_cuda.rows import make_rows

STEPS, THREADS = 60, 8


def describe():
    """40 neurons that fire by themselves (resting potential above threshold for some), mixed delays, both kinds of rows."""
    net = Network(seed=4, dt=0.5)
    exc = net.populate("exc", 28, LIFExp(e_l=-38.0), v=Uniform(-60.0, -50.0))
    inh = net.populate("inh", 12, LIFExp(e_l=np.linspace(-42.0, -34.0, 12)), v=Uniform(-60.0, -50.0))
    net.connect(exc, exc + inh, total_number(300), w=Normal(60.0, 20.0, low=0.0), delay=Uniform(0.5, 4.0))
    net.connect(inh, exc, in_degree(4), w=-90.0, delay=1.5)
    return net


class OnGpu:
    """The loop of a step, on the arrays of a Simulation at step 0: deliver, run the pieces, push the spikes."""

    def __init__(self, sim):
        self.a, self.rows = sim.a, sim.rows
        self.state, self.held = sim.a.state.copy(), sim.a.held.copy()
        self.live, self.acc = sim.a.acc.copy(), np.zeros(int(sim.a.block_acc[-1]), np.int64)
        self.populations = list(sim.net.populations.values())
        self.offset = [p.offset for p in self.populations]
        self.geom = [sim.a.geom[sim.places[p.name].tasks[0]].copy() for p in self.populations]
        self.kernels = [
            make_block(m := p.model.__thalia__, type(m.derive(m.cls(), 0.5)), sim.places[p.name].per_element) for p in self.populations
        ]
        self.row_kernels = make_rows()
        self.calendar = {}
        self.none, self.bad, self.out = np.zeros(0, np.int32), np.zeros(1, np.int32), np.zeros(0)
        self.spikes = []

    def deliver(self, step):
        for g, words in self.calendar.pop(step, {}).items():
            group = self.rows.groups[g]
            kernel = self.row_kernels[int(group.uniform)]
            kernel[len(words), THREADS](
                np.array(words, np.uint64), self.rows.slot, self.rows.w, self.acc, group.w_shift, float(group.w_uniform), 1.0, 1.0 / QUANTUM
            )

    def push(self, step, population, i):
        for g, group in enumerate(self.rows.groups):
            if group.source is not population:
                continue
            for s in range(int(self.rows.row_seg[group.first_row + i]), int(self.rows.row_seg[group.first_row + i + 1])):
                start, delay = int(self.rows.seg[s]) >> 16, int(self.rows.seg[s]) & 0xFFFF
                length = (int(self.rows.seg[s + 1]) >> 16) - start
                self.calendar.setdefault(step + delay, {}).setdefault(g, []).append(event(0, start, length))

    def launch(self, kernel, number, step, todo, fired, awake, out):
        n = max(int(self.geom[number][Geom._fields.index("count")]), 1)
        kernel[-(-n // THREADS), THREADS](
            self.state, self.held, self.live, self.acc, self.a.par, self.geom[number], np.uint64(0), step, QUANTUM, todo, fired, awake, self.bad, out
        )

    def run(self, steps, sleeping):
        """All steps; with `sleeping` every neuron is visited by the kernel of sleeping pieces, as if touched."""
        for step in range(steps):
            self.deliver(step)
            for number, population in enumerate(self.populations):
                fired, awake = np.zeros(population.n, np.uint8), np.zeros(population.n, np.uint8)
                kernels = self.kernels[number]
                todo = np.arange(population.n, dtype=np.int32) if sleeping else self.none
                self.launch(kernels.sparse if sleeping else kernels.dense, number, step, todo, fired, awake, self.out)
                for i in np.flatnonzero(fired):
                    self.spikes.append((step, self.offset[number] + int(i)))
                    self.push(step, population, int(i))

    def v(self):
        """Potentials of all populations."""
        return np.concatenate([self.state[g[1] : g[1] + p.n] for g, p in zip(self.geom, self.populations, strict=True)])


def read_and_census(gpu, number):
    """A silent half millisecond more by `advance`: read must leave the state alone; census must anchor everyone."""
    n = gpu.populations[number].n
    todo, awake = np.arange(n, dtype=np.int32), np.zeros(n, np.uint8)
    out = np.zeros(4 * n)
    before = gpu.state.copy()
    gpu.launch(gpu.kernels[number].read, number, STEPS + 1, todo, awake, awake, out)
    assert (gpu.state == before).all() and np.isfinite(out).all() and not np.array_equal(out[:n], gpu.v()[:n])
    gpu.launch(gpu.kernels[number].census, number, STEPS, todo, awake, awake, out)
    assert awake.any()
    anchor = int(gpu.geom[number][Geom._fields.index("anchor")])
    assert (gpu.held[anchor : anchor + n] == STEPS).all()


def main():
    net = describe()
    recorder = MemoryRecorder()
    sim = Simulation(net, [recorder], blocks=1, sleeping=False)
    gpus = [OnGpu(sim), OnGpu(sim)]
    for gpu, sleeping in zip(gpus, (False, True), strict=True):
        gpu.run(STEPS, sleeping)
    sim.run(STEPS * net.dt)
    expected = []
    for name, population in net.populations.items():
        steps = np.rint(recorder.times(name) / net.dt).astype(int) - 1
        expected += [(int(s), population.offset + int(i)) for s, i in zip(steps, recorder.ids(name), strict=True)]
    assert len(expected) > 40 and sim["exc"].i_inh.min() < -1.0 and sim["inh"].i_exc.max() > 1.0
    v = np.concatenate([sim[name].v for name in net.populations])
    for gpu in gpus:
        assert sorted(gpu.spikes) == sorted(expected)
        assert np.abs(gpu.v() - v).max() < 1.2e-8
        assert gpu.bad[0] == 0
    read_and_census(gpus[1], 0)
    print(f"{len(expected)} spikes equal, potentials within {max(np.abs(g.v() - v).max() for g in gpus):.1e} mV")


if __name__ == "__main__":
    main()
