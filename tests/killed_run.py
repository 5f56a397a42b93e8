"""A run in a process of its own that is killed in the middle; started by test_checkpoint.py and experiments/kill_test.py.

python killed_run.py RECORDING [threads [WHEN]]: begins the run, or goes on if there is a checkpoint. WHEN is "0.35", seconds after the first step, or
"replace:3", the third call of os.replace from then on (also fsync, flush, write): there the process ends by SIGKILL.
"""

import os
import signal
import sys
import threading
from pathlib import Path

import h5py
import numpy as np

from thalia_sim import Hook, LIFDelta, LIFExp, Network, Normal, Poisson, Recorder, Sample, Simulation, Uniform, in_degree, probability

UNTIL = 4000.0


class Scaling(Hook):
    """A plastic rule of the test's own: every 20 ms each synapse moves with what its neurons did since, by declared traces."""

    name = "scaling"
    every = 20.0

    def start(self, sim):
        self.declare(pre=np.zeros(sim.net.n), count=np.zeros(sim.net.n), calls=0)

    def spikes(self, sim, steps, ids):
        self.count += np.bincount(ids, minlength=len(self.count))

    def handle(self, sim):
        view = sim["exc->exc"]
        self.pre += self.count
        change = 0.01 * self.count[view.i] - 0.02 * self.count[view.j] + 0.002 * np.sin(self.pre[view.i])
        view.w = np.clip(view.w + change, 0.0, 60.0)
        sim["exc"].v_th = -50.0 + 0.01 * np.minimum(self.pre[:800], 100.0)
        self.count[:] = 0.0
        self.calls += 1

    def diagnostics(self):
        return {"calls": float(self.calls), "pre": float(self.pre.sum())}


def describe():
    """1,000 neurons with mixed delays, plastic synapses and drives."""
    net = Network(seed=5)
    exc = net.populate("exc", 800, LIFExp(e_l=-53.0), v=Uniform(-65.0, -50.0))
    inh = net.populate("inh", 200, LIFDelta(e_l=-52.0, v_th=-50.0, v_reset=-60.0), v=Uniform(-65.0, -50.0))
    net.connect(exc, exc, in_degree(10), w=Normal(20.0, 5.0, low=0.0), delay=Uniform(0.1, 8.0), gain=1.0)
    net.connect(exc, inh, probability(0.05), w=0.6, delay=Uniform(1.0, 3.0))
    net.connect(inh, exc, probability(0.1), w=-25.0, delay=1.3, receptor="inh")
    net.drive(exc, Poisson(rate=1000.0), w=7.0, receptor="exc")
    net.drive(inh[:50], Poisson(rate=20.0), w=0.5)
    return net


def hooks(path, net):
    """A stateful hook and the recorder, with checkpoints."""
    samples = [Sample(net["exc"][:20], "v", every=3.0), Sample("inh", "v", every=50.0)]
    return [Scaling(), Recorder(path, state=samples, weights=[("exc->exc", 500.0)], counts=7.0, checkpoint=100.0)]


class Killer(Hook):
    """Ends the process, without a word, at a moment after the first step."""

    is_saved = False
    transient = ("when",)

    def __init__(self, when):
        self.when = when

    def start(self, sim):
        kind, _, number = self.when.rpartition(":")
        if not kind:
            threading.Timer(float(number), end).start()
            return
        calls = [0]

        def counted(function):
            def call(*args, **options):
                calls[0] += 1
                if calls[0] == int(number):
                    end()
                return function(*args, **options)

            return call

        places = {"replace": (os, "replace"), "fsync": (os, "fsync"), "flush": (h5py.File, "flush"), "write": (h5py.Dataset, "__setitem__")}
        place, name = places[kind]
        setattr(place, name, counted(getattr(place, name)))


def end():
    os.kill(os.getpid(), signal.SIGKILL)


def main(path, threads=1, when=None):
    from thalia_sim.errors import CheckpointError
    from thalia_sim.recording.checkpoint import checkpoint_folder, newest_checkpoint

    killer = [] if when is None else [Killer(when)]
    try:
        sim = Simulation.resume(newest_checkpoint(checkpoint_folder(path)), threads=threads, hooks=killer)
    except CheckpointError:
        for old in path.parent.glob(f"{path.stem}*"):  # it died before its first checkpoint: begin again
            if old.is_file():
                old.unlink()
        net = describe()
        sim = Simulation(net, [*hooks(path, net), *killer], threads=threads, blocks=2)
    with sim:
        sim.run(until=UNTIL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1, sys.argv[3] if len(sys.argv) > 3 else None)
