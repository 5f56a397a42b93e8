"""The two benchmark networks of Vogels & Abbott: 4,000 neurons, connected at random, active without any input.

    cuba   tau_m dv/dt = (e_l - v) + (i_exc + i_inh) / g_l        v held at v_reset for t_ref after a spike
    coba   tau_m dv/dt = (e_l - v) + g_exc (e_exc - v) / g_l + g_inh (e_inh - v) / g_l

with currents (conductances) that jump at each spike and decay with tau_exc and tau_inh.

Sources: Vogels & Abbott 2005, J. Neurosci. 25:10786, doi:10.1523/JNEUROSCI.3508-05.2005; as benchmarks 1 (coba) and 2 (cuba) of
Brette et al. 2007, J. Comput. Neurosci. 23:349, doi:10.1007/s10827-007-0038-6.
"""

from ..distributions import Normal, Uniform
from ..errors import DescriptionError
from ..network import Network
from ..neurons import LIFCond, LIFExp
from ..wiring import probability

SHARE_EXC = 0.8
C_M = 200.0  # pF; over tau_m = 20 ms a leak g_l of 10 nS
W_EXC, W_INH = 16.2, -90.0  # pA, cuba: 0.27 nS x 60 mV and 4.5 nS x 20 mV, 1.62 and 9 mV over g_l
G_EXC, G_INH = 6.0, 67.0  # nS, coba: 0.6 and 6.7 of g_l


def cuba(n: int = 4000, p: float = 0.02, seed: int = 1, *, w_exc: float = W_EXC, w_inh: float = W_INH, dt: float = 0.1) -> Network:
    """Current-based network of n neurons, 80 % excitatory; a connection has probability p, weights in pA, delay one step.

    Starts with v uniform between -60 and -50 mV and no current. With p n = 80 it fires at 5 to 6 Hz, whatever n.
    """
    n_exc = excitatory(n)
    net = Network(seed=seed, dt=dt)
    model = LIFExp(tau_m=20.0, tau_exc=5.0, tau_inh=10.0, c_m=C_M, e_l=-49.0, v_th=-50.0, v_reset=-60.0, t_ref=5.0)
    exc = net.populate("exc", n_exc, model, v=Uniform(-60.0, -50.0))
    inh = net.populate("inh", n - n_exc, model, v=Uniform(-60.0, -50.0))
    for target in (exc, inh):
        net.connect(exc, target, probability(p), w=w_exc, receptor="exc")
        net.connect(inh, target, probability(p), w=w_inh, receptor="inh")
    return net


def coba(n: int = 4000, p: float = 0.02, seed: int = 1, *, g_exc: float = G_EXC, g_inh: float = G_INH, dt: float = 0.1) -> Network:
    """Conductance-based network of n neurons, 80 % excitatory; a connection has probability p, weights in nS, delay one step.

    Starts with v ~ N(-65, 5) mV, g_exc ~ N(40, 15) nS and g_inh ~ N(200, 120) nS; the few negative draws ignite it. With p n = 80
    it fires at 17 to 21 Hz.
    """
    n_exc = excitatory(n)
    net = Network(seed=seed, dt=dt)
    model = LIFCond(tau_m=20.0, tau_exc=5.0, tau_inh=10.0, c_m=C_M, e_l=-60.0, e_exc=0.0, e_inh=-80.0, v_th=-50.0, v_reset=-60.0, t_ref=5.0)
    start = {"v": Normal(-65.0, 5.0), "g_exc": Normal(40.0, 15.0), "g_inh": Normal(200.0, 120.0)}
    exc = net.populate("exc", n_exc, model, **start)
    inh = net.populate("inh", n - n_exc, model, **start)
    for target in (exc, inh):
        net.connect(exc, target, probability(p), w=g_exc, receptor="exc")
        net.connect(inh, target, probability(p), w=g_inh, receptor="inh")
    return net


def excitatory(n: int) -> int:
    """How many of n neurons are excitatory."""
    if n < 5:
        raise DescriptionError(f"n = {n} neurons leave an empty population: give at least 5")
    return int(SHARE_EXC * n)
