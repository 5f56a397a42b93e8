"""Rules in the compiled engine, held to the plain-Python reference on every synapse, to the bit."""

import numpy as np
import pytest

from thalia_sim import LIF, Network, Poisson, Simulation, Uniform, probability
from thalia_sim.hooks.memory import MemoryRecorder
from thalia_sim.plasticity import (
    BCM,
    AntiHebb,
    Covariance,
    FixedBCM,
    Hebb,
    NearestSTDP,
    Oja,
    PairSTDP,
    RewardSTDP,
    ShortTerm,
    SoftSTDP,
    TripletSTDP,
    VogelsSprekeler,
    WeightDecay,
    replay_synapse,
)

RULES = [
    PairSTDP(a_plus=0.05, a_minus=0.04), PairSTDP(a_plus=0.05, a_minus=0.04, softness=1.0), NearestSTDP(a_plus=0.1, a_minus=0.1), SoftSTDP(),
    TripletSTDP(w_max=5.0), VogelsSprekeler(eta=0.05), Hebb(), AntiHebb(), Oja(), RewardSTDP(a_plus=0.05), ShortTerm(tau_f=50.0),
    [ShortTerm(), PairSTDP(a_plus=0.05)], BCM(eta=0.05), FixedBCM(eta=0.05), Covariance(eta=0.02), [TripletSTDP(w_max=5.0), WeightDecay(tau=300.0)],
    PairSTDP(a_plus=0.05, dendritic=1.0), TripletSTDP(w_max=5.0, dendritic=0.3), Hebb(softness=0.5),
    [RewardSTDP(a_plus=0.01), WeightDecay(tau=300.0)], [ShortTerm(tau_f=50.0), WeightDecay(tau=900.0, w_rest=0.2), RewardSTDP(a_plus=0.01)],
]  # fmt: skip


def network(rule, seed=1, w=0.4, delay=None, n=30, rate=900.0):
    net = Network(seed=seed)
    exc = net.populate("exc", n, LIF(tau_m=20.0, v_th=15.0, t_ref=2.0))
    net.drive(exc, Poisson(rate=rate), w=1.0)
    net.connect(exc, exc, probability(0.2), w=w, delay=Uniform(0.3, 4.0) if delay is None else delay, rule=rule)
    return net


def replayed(net, sim, spikes, dendritic=0.0, **more):
    """Every synapse of exc->exc by the reference, from the spikes of the run."""
    view, t_end = sim["exc->exc"], sim.t
    steps = [np.rint(spikes[0][spikes[1] == k] / 0.1).astype(int) - 1 for k in range(net["exc"].n)]  # a spike of step f has the time of its end
    found = []
    for i, j, delay in zip(view.i, view.j, view.delay, strict=True):
        d = round(delay / 0.1)
        back = int(2 * dendritic * d + 0.5)  # steps by which spikes of the target come later than the arrival at the soma
        arrivals, posts = steps[i] + d, steps[j] + back
        end = round(t_end / 0.1)
        at = [0.1 * s for s in arrivals if s < end], [0.1 * s for s in posts if s < end]
        found.append(replay_synapse(net.projections["exc->exc"].rule, *at, abs(START), until=t_end, **more))
    return found


START = 0.4


def compared(rule, run=400.0, **how):
    net = network(rule, **{"w": START, **how})
    memory = MemoryRecorder()
    sim = Simulation(net, [memory])
    sim.run(run)
    return net, sim, memory.spikes_of("exc")


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_synapse_is_that_of_the_reference(rule):
    """Weights and state of a network of 30 neurons with mixed delays after 0.4 s, each against its synapse in plain Python: the same bits."""
    net, sim, spikes = compared(rule)
    view, found = sim["exc->exc"], replayed(net, sim, spikes, getattr(rule, "dendritic", 0.0))
    assert len(spikes[0]) > 300
    assert np.array_equal(view.w, [f.w[-1] for f in found])
    for field in found[0].target:  # of every target that some synapse reaches
        assert np.array_equal(getattr(view, field)[view.j], [f.target[field][-1] for f in found])
    for field in found[0].state:
        assert np.array_equal(getattr(view, field), [f.state[field][-1] for f in found])
