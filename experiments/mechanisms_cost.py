"""What a call of each slow mechanism costs: nanoseconds a neuron or a synapse, median of calls and their range.

python experiments/mechanisms_cost.py
"""

import time

import numpy as np

from thalia_sim import LIF, IntrinsicPlasticity, Network, PairSTDP, Poisson, Simulation, SynapticScaling, WeightNormalization, in_degree

CALLS = 20


def build(n, synapses, rule=None):
    """n driven neurons, each with so many synapses."""
    net = Network(seed=1)
    cells = net.populate("cells", n, LIF())
    net.drive(cells, Poisson(rate=900.0), w=1.0)
    net.connect(cells, cells, in_degree(synapses), w=0.01, delay=1.5, rule=rule)
    return net


def cost(net, hook):
    """Seconds of each call of a hook, between which the network runs."""
    sim = Simulation(net, [hook])
    sim.run(10.0)
    hook.handle(sim)
    seconds = []
    for _ in range(CALLS):
        sim.run(2.0)
        begun = time.perf_counter()
        hook.handle(sim)
        seconds.append(time.perf_counter() - begun)
    return np.array(seconds)


def main():
    for title, net, hook, each in (
        ("IntrinsicPlasticity, a neuron", build(100_000, 1), IntrinsicPlasticity("cells", target=5.0, every=1e6), 100_000),
        ("SynapticScaling, a synapse", build(5000, 200), SynapticScaling("cells->cells", target=5.0, every=1e6), 1_000_000),
        ("SynapticScaling beside PairSTDP", build(5000, 200, PairSTDP()), SynapticScaling("cells->cells", target=5.0, every=1e6), 1_000_000),
        ("WeightNormalization, a synapse", build(5000, 200), WeightNormalization("cells->cells", every=1e6), 1_000_000),
    ):
        ns = cost(net, hook) / each * 1e9
        print(f"{title}: {np.median(ns):.0f} ns ({ns.min():.0f} to {ns.max():.0f})")


if __name__ == "__main__":
    main()
