"""A network of 60 neurons with two mechanisms, small enough for tests of studies."""
from thalia_sim import LIF, IntrinsicPlasticity, Network, PairSTDP, Poisson, SynapticScaling, in_degree

sensitivity = ["exc.tau_m", "inhibition"]


def build(seed=1, inhibition=6.0):
    net = Network(seed=seed)
    cell = LIF(tau_m=20.0, v_th=15.0, v_reset=0.0, t_ref=2.0)
    exc = net.populate("exc", 48, cell)
    inh = net.populate("inh", 12, cell)
    net.drive(exc, Poisson(rate=1500.0), w=1.0)
    net.drive(inh, Poisson(rate=1300.0), w=1.0)
    net.connect(exc, exc, in_degree(8), w=0.3, delay=1.5, rule=PairSTDP(w_max=0.5))
    net.connect(exc, inh, in_degree(8), w=0.3, delay=1.5)
    net.connect(inh, exc, in_degree(4), w=-inhibition * 0.3, delay=1.5, gain=1.0)
    return net


def hooks():
    return [IntrinsicPlasticity("exc", target=10.0), SynapticScaling("exc->exc", target=10.0, every=50.0, tau=5000.0, tau_rate=200.0)]
