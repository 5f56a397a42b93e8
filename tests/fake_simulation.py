"""A stand-in for the simulation: it hands random spikes and samples to hooks in the order that the contract of hooks promises."""

import types

import numpy as np


class Samples:
    """What `sample` returns: rows gathered since the last `take`. Element k of the selection has the value global id + time."""

    def __init__(self, ids, every):
        self.ids, self.every, self.rows = ids, every, []

    def take(self):
        rows, self.rows = self.rows, []
        steps = np.array(rows, dtype=np.int64)
        return steps, self.ids[None] + steps[:, None] * 0.1


class FakeSimulation:
    """Spikes of every element at `rate` Hz, drawn beforehand; projections have 10 synapses whose weights grow by 1 in each ms."""

    def __init__(self, net, hooks, rate=50.0, stretch=50):
        self.net, self.hooks, self.dt, self.step = net, list(hooks), net.dt, 0
        self.threads, self.precision = 1, "double"
        self.rng, self.rate, self.stretch, self.samples = np.random.default_rng(net.seed), rate, stretch, []
        self.all_steps, self.all_ids = [], []

    @property
    def t(self):
        return self.step * self.net.dt_ns / 1e6

    def sample(self, selection, variable, every):
        self.samples.append(Samples(selection.ids(), round(every / self.dt)))
        return self.samples[-1]

    def __getitem__(self, name):
        i = np.arange(10)
        return types.SimpleNamespace(w=i + self.t, synapses=lambda: {"i": i, "j": i[::-1], "delay": np.full(10, 1.5)})

    def run(self, duration, fail_at=None):
        status = "failed"
        for hook in self.hooks:
            hook.start(self)
        try:
            self.interrupts()
            while self.step < round(duration / self.dt):
                self.advance(min(self.stretch, round(duration / self.dt) - self.step))
                if fail_at is not None and self.t >= fail_at:
                    raise FloatingPointError("v of exc[3] is nan")
                self.interrupts()
            status = "complete"
        finally:
            for hook in self.hooks:
                hook.finish(self, status)

    def advance(self, n_steps):
        k = self.rng.poisson(self.net.n * self.rate * n_steps * self.dt / 1000.0)
        steps = np.sort(self.rng.integers(self.step, self.step + n_steps, k))
        ids = self.rng.integers(0, max(self.net.n, 1), k).astype(np.int32)
        order = np.lexsort((ids, steps))
        steps, ids = steps[order], ids[order]
        self.all_steps.append(steps.copy())
        self.all_ids.append(ids.copy())
        for samples in self.samples:
            samples.rows += [s for s in range(self.step, self.step + n_steps) if s % samples.every == 0]
        self.step += n_steps
        for hook in self.hooks:
            for half in (slice(0, k // 2), slice(k // 2, k)):
                hook.spikes(self, steps[half], ids[half])
        steps[:] = -1  # the engine uses its buffers again
        for hook in self.hooks:
            hook.flushed(self)

    def interrupts(self):
        for hook in self.hooks:
            if hook.every is not None and self.step % round(hook.every / self.dt) == 0:
                hook.handle(self)
                for other in self.hooks:
                    if other is not hook:
                        other.handled(self, hook)
