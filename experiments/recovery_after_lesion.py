"""Does a network regain its firing rate after a fifth of it is destroyed?

thalia-sim run experiments/recovery_after_lesion.py --seed 1 --set inhibition=0.9 --out lesion.h5
"""
from thalia_sim import LIF, Cube, Lesion, Network, PairSTDP, Poisson, Stability, VogelsSprekeler, by_distance
from thalia_sim.units import Hz, mV, ms, s, um

until = 300 * s


def build(seed=1, inhibition=0.8):
    net = Network(seed=seed)
    cube = Cube(side=400 * um, speed=300 * um / ms)
    exc = net.populate("exc", 800, LIF(tau_m=20 * ms, v_th=15 * mV, t_ref=2 * ms), at=cube)
    inh = net.populate("inh", 200, LIF(tau_m=10 * ms, v_th=15 * mV, t_ref=2 * ms), at=cube)
    net.drive(exc, Poisson(rate=900 * Hz), w=1.0 * mV)
    near, far = by_distance(p=0.5, length=80 * um), by_distance(p=0.3, length=120 * um)
    net.connect(exc, exc, far, w=0.2 * mV, rule=PairSTDP(w_max=0.6 * mV))
    net.connect(exc, inh, near, w=0.4 * mV)
    net.connect(inh, exc, near, w=-inhibition * mV, rule=VogelsSprekeler(target=5 * Hz))
    return net


def hooks():
    return [Lesion("exc", share=0.2, at=60 * s), Stability("exc", rate=(0.5 * Hz, 60 * Hz))]
