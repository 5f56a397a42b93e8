"""Each model against closed forms and independent integrators: potentials, spike times, rates, bounds, jumps. Times are on the grid."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from thalia_sim import (
    DC,
    AdaptiveLIF,
    LIFAlpha,
    LIFCond,
    LIFDelta,
    LIFExp,
    LIFExp1,
    MemoryRecorder,
    Network,
    Sample,
    Simulation,
    SpikeArray,
    from_arrays,
    one_to_one,
)
from thalia_sim.neurons.contract import model_of
from thalia_sim.neurons.propagators import alpha_peak, alpha_to_v, exp_minus, exp_peak, exp_to_v, leak_bounded

pytestmark = pytest.mark.filterwarnings("ignore::thalia_sim.errors.UnusualValue")
SLEEPERS = [LIFDelta, LIFExp, LIFExp1, LIFAlpha, AdaptiveLIF]
EVERY = [*SLEEPERS, LIFCond]


def one(model, dt=0.1, n=1, current=0.0, spikes=(), w=1.0, receptor=None, delay=None, **initial):
    """A network of n neurons without connections, with a current and spikes at given times to all."""
    net = Network(seed=1, dt=dt)
    cells = net.populate("cells", n, model, **initial)
    if np.any(current):
        net.drive(cells, DC(amplitude=current))
    if len(spikes):
        source = net.populate("source", n, SpikeArray(times=np.repeat(spikes, n), ids=np.tile(np.arange(n), len(spikes))))
        net.connect(source, cells, one_to_one(), w=w, receptor=receptor, delay=delay)
    return net


def run(net, duration, variable="v", **options):
    """(recorder, times [k] ms, values [k] of cell 0)"""
    recorder = MemoryRecorder(state=[Sample("cells", variable, every=net.dt)])
    Simulation(net, [recorder], **options).run(duration)
    times, values = recorder.samples("cells", variable)
    return recorder, times, values[:, 0]


# membranes without spikes


@pytest.mark.parametrize("dt", [0.05, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("cls", EVERY)
def test_subthreshold_trajectory(cls, dt):
    """v(t) = v_inf + (v_0 - v_inf) exp(-t / tau_m) under a constant current, v_inf = e_l + i tau_m / c_m; exact on any grid.

    Tolerance: rounding of up to 1,000 steps of values near 70 mV, 1,000 x 1e-14.
    """
    p = cls(tau_m=10.0, c_m=200.0, e_l=-70.0, v_th=0.0)
    _, t, v = run(one(p, dt, current=300.0, v=-64.0), 50.0)
    np.testing.assert_allclose(v, -55.0 - 9.0 * np.exp(-t / 10.0), rtol=0, atol=1e-11)


def psp(cls, t, tau_m, tau_s, c_m):
    """Potential (mV) at t after a spike of w = 1 took effect, by quadrature of the membrane's response to the current."""
    if cls is LIFDelta:
        return math.exp(-t / tau_m)
    shape = (lambda s: math.exp(-s / tau_s)) if cls in (LIFExp, LIFExp1, AdaptiveLIF) else (lambda s: math.e * s / tau_s * math.exp(-s / tau_s))
    return quad(lambda s: math.exp(-(t - s) / tau_m) * shape(s) / c_m, 0, t, epsabs=1e-13)[0] if t > 0 else 0.0


@pytest.mark.parametrize("dt", [0.1, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("cls, tau_s", [(LIFDelta, 0.0), *((cls, tau) for cls in SLEEPERS[1:] for tau in (0.5, 2.0, 10.0, 10.001, 25.0))])
def test_postsynaptic_potential(cls, tau_s, dt):
    """The response to one spike, with synaptic time constants below, at and above tau_m = 10 ms: the convolution integral, by quadrature.

    A spike at t0 with delay d takes effect at t0 + d. Tolerance: that of the quadrature, 1e-10 of the weight.
    """
    given_tau = {} if cls is LIFDelta else {"tau_syn": tau_s} if cls is LIFExp1 else {"tau_exc": tau_s}
    receptor = "syn" if cls in (LIFDelta, LIFExp1) else "exc"
    net = one(cls(tau_m=10.0, c_m=250.0, e_l=0.0, v_th=1e9, **given_tau), dt, spikes=[3.0], w=100.0, receptor=receptor, delay=2.0)
    _, t, v = run(net, 60.0)
    some = np.arange(0, len(t), max(1, len(t) // 40))
    expected = [0.0 if t[k] < 5.0 - 1e-9 else 100.0 * psp(cls, t[k] - 5.0, 10.0, tau_s, 250.0) for k in some]
    np.testing.assert_allclose(v[some], expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("tau_m, tau_s", [(10.0, 2.0), (20.0, 5.0), (5.0, 12.0)])
def test_peak_of_the_exponential_synapse(tau_m, tau_s):
    """Peak at ln(tau_m / tau_s) tau_m tau_s / (tau_m - tau_s); `exp_peak` is its height."""
    at = math.log(tau_m / tau_s) * tau_m * tau_s / (tau_m - tau_s)
    net = one(LIFExp1(tau_m=tau_m, tau_syn=tau_s, c_m=100.0, e_l=0.0, v_th=1e9), spikes=[1.0], w=100.0, delay=1.0)
    _, t, v = run(net, 50.0)
    assert abs(t[v.argmax()] - 2.0 - at) <= 0.05 + 1e-9  # the nearest point of the grid
    assert v.max() <= 100.0 * exp_peak(tau_m, tau_s, 100.0) <= v.max() * 1.0001


@pytest.mark.parametrize("tau_s", [0.5, 9.0, 10.0, 10.0 + 1e-9, 11.0, 30.0])
def test_propagators_have_no_singularity(tau_s):
    """exp_to_v and alpha_to_v against quadrature, to 1e-11 relative, also where the time constants are (nearly) equal; finite after days."""
    for t in (0.1, 1.0, 20.0, 60.0):
        exp_form = quad(lambda s: math.exp(-(t - s) / 10.0 - s / tau_s), 0, t, epsabs=0, epsrel=1e-13)[0]  # noqa: B023
        alpha_form = quad(lambda s: s * math.exp(-(t - s) / 10.0 - s / tau_s), 0, t, epsabs=0, epsrel=1e-13)[0]  # noqa: B023
        assert exp_to_v(t, 10.0, tau_s, 1.0) == pytest.approx(exp_form, rel=1e-11)
        assert alpha_to_v(t, 10.0, tau_s, 1.0) == pytest.approx(alpha_form, rel=1e-11)
    assert exp_to_v(1e8, 10.0, tau_s, 1.0) == alpha_to_v(1e8, 10.0, tau_s, 1.0) == 0.0
    grid = np.linspace(0.01, 300.0, 3000)
    assert max(exp_to_v(t, 10.0, tau_s, 1.0) for t in grid) <= exp_peak(10.0, tau_s, 1.0) * (1 + 1e-12)
    assert max(alpha_to_v(t, 10.0, tau_s, 1.0) for t in grid) <= alpha_peak(10.0, tau_s, 1.0)


def test_exp_minus_without_exp():
    """Error of the polynomial form of exp(-x) as its docstring says."""
    x = np.concatenate([np.linspace(0.0, 1.0, 2001), np.geomspace(1.0, 1e6, 2001)])
    error = np.array([abs(exp_minus(float(a)) - math.exp(-a)) for a in x])
    assert error[x <= 1.0].max() < 2e-15
    assert error.max() < 1e-12


# spikes


@pytest.mark.parametrize("cls", EVERY)
@pytest.mark.parametrize("t_ref", [0.0, 0.1, 2.0, 7.3])
def test_rate_under_constant_current(cls, t_ref):
    """f-I curve: the first spike is found in step ceil(tau_m ln(v_inf / (v_inf - v_th)) / dt), each later one t_ref + that many steps after.

    AdaptiveLIF without adaptation. Exact: spike times are compared step by step.
    """
    currents = np.array([149.9, 150.2, 160.0, 200.0, 400.0, 2000.0])
    still = {"b": 0.0, "d": 0.0} if cls is AdaptiveLIF else {}
    p = cls(tau_m=20.0, c_m=200.0, e_l=-65.0, v_th=-50.0, v_reset=-65.0, t_ref=t_ref, **still)
    recorder, *_ = run(one(p, n=len(currents), current=currents), 400.0)
    times, ids = recorder.times("cells"), recorder.ids("cells")
    for k, current in enumerate(currents):
        steps = np.round(times[ids == k] / 0.1).astype(int)
        v_inf = current * 20.0 / 200.0
        if v_inf < 15.0:
            assert len(steps) == 0
            continue
        climb = math.ceil(20.0 * math.log(v_inf / (v_inf - 15.0)) / 0.1)
        wait = round(t_ref / 0.1)
        expected = np.arange(climb, 4001, climb + wait)
        np.testing.assert_array_equal(steps, expected)


@pytest.mark.parametrize("cls", EVERY)
def test_refractory_neurons_are_held_at_reset(cls):
    """After a spike v is v_reset for t_ref / dt steps exactly, and moves in the next; with t_ref 0 it moves at once."""
    for t_ref in (0.0, 0.3, 1.0):
        p = cls(tau_m=20.0, c_m=200.0, e_l=0.0, v_th=10.0, v_reset=2.0, t_ref=t_ref)
        recorder, t, v = run(one(p, current=1000.0), 20.0)
        first = recorder.times("cells")[0]
        at = int(np.flatnonzero(np.isclose(t, first))[0])
        held = round(t_ref / 0.1)
        assert (v[at : at + held + 1] == 2.0).all() and v[at + held + 1] > 2.0 and v[at - 1] > 2.0


@pytest.mark.parametrize("cls", EVERY)
def test_no_refractory_period_and_a_threshold_below_reset_fire_at_every_step(cls):
    still = {"d": 0.0} if cls is AdaptiveLIF else {}
    recorder, *_ = run(one(cls(e_l=-65.0, v_th=-70.0, v_reset=-65.0, t_ref=0.0, **still), n=3), 10.0)
    assert len(recorder.times("cells")) == 300


@pytest.mark.parametrize("dt", [0.1, 0.25])
def test_delays_to_the_step(dt):
    """A spike at t with a delay of d takes effect at t + d: every delay from 1 to 40 steps, and some long ones, beside each other."""
    steps = np.array([*range(1, 41), 200, 777, 1500])
    net = Network(seed=1, dt=dt)
    source = net.populate("source", 1, SpikeArray(times=[10 * dt, 13 * dt], ids=[0, 0]))
    cells = net.populate("cells", len(steps), LIFDelta(tau_m=1e18, v_th=1e9))
    net.connect(source, cells, from_arrays(np.zeros(len(steps), int), np.arange(len(steps))), w=1.0, delay=steps * dt)
    recorder = MemoryRecorder(state=[Sample("cells", "v", every=dt)])
    Simulation(net, [recorder]).run(1000 * dt)
    t, v = recorder.samples("cells", "v")
    number = np.round(t / dt).astype(int)[:, None]
    np.testing.assert_allclose(v, (number >= 10 + steps) * 1.0 + (number >= 13 + steps), rtol=1e-13, atol=0)


def test_delayed_threshold_crossing_of_a_chain():
    """Neurons in a row, each of which fires in the step in which its input takes effect: spike k comes k delays after the first."""
    net = Network(seed=1)
    cells = net.populate("cells", 30, LIFDelta(t_ref=5.0), v=np.array([16.0] + [0.0] * 29))
    net.connect(cells[:-1], cells[1:], one_to_one(), w=15.0, delay=1.3)
    recorder, *_ = run(net, 60.0)
    np.testing.assert_allclose(recorder.times("cells"), 0.1 + 1.3 * np.arange(30), atol=1e-9)
    np.testing.assert_array_equal(recorder.ids("cells"), np.arange(30))


def test_adaptation_closed_form():
    """Forced to fire at chosen times, AdaptiveLIF has theta = sum of d exp(-(t - t_k) / tau_theta) and i_ad the same with b and tau_ad.

    Tolerance: 600 roundings of values near 60.
    """
    p = AdaptiveLIF(e_l=0.0, v_th=5.0, v_reset=0.0, t_ref=1.0, c_m=250.0, tau_exc=0.5)
    at = np.array([5.0, 12.0, 13.5, 30.0])
    net = one(p, spikes=at, w=1e6, receptor="exc", delay=0.1)
    recorder = MemoryRecorder(state=[Sample("cells", "theta", every=0.1), Sample("cells", "i_ad", every=0.1)])
    Simulation(net, [recorder]).run(60.0)
    times = recorder.times("cells")
    assert len(times) >= 4
    for name, tau, gain in (("theta", p.tau_theta, p.d), ("i_ad", p.tau_ad, p.b)):
        t, x = recorder.samples("cells", name)
        expected = sum(gain * np.exp(-(t - k) / tau) * (t > k - 0.01) for k in times)
        np.testing.assert_allclose(x[:, 0], expected, rtol=0, atol=1e-11)


def test_threshold_is_state_of_each_neuron():
    """Neurons with thresholds of their own, written in the run, fire in the step of the closed form."""
    net = one(LIFDelta(tau_m=20.0, c_m=200.0, t_ref=2.0), n=4, current=200.0)
    recorder = MemoryRecorder()
    sim = Simulation(net, [recorder])
    sim["cells"].v_th = [3.0, 10.0, 19.0, np.inf]
    sim.run(100.0)
    first = [recorder.times("cells")[recorder.ids("cells") == k][:1] for k in range(4)]
    for k, v_th in enumerate((3.0, 10.0, 19.0)):
        np.testing.assert_allclose(first[k], math.ceil(20.0 * math.log(20.0 / (20.0 - v_th)) / 0.1) * 0.1)
    assert len(first[3]) == 0


def test_equal_parameters_per_neuron_are_the_uniform_ones():
    """The same bits from arrays of equal values as from numbers, and each of different values as alone."""

    def spikes(model, n):
        net = one(model, n=n, current=400.0, spikes=[3.0, 9.0], w=300.0, receptor="exc")
        sim = Simulation(net, sleeping=False)
        sim.run(50.0)
        return sim["cells"].v, sim["cells"].i_exc

    same = spikes(LIFExp(), 5)
    each = spikes(LIFExp(tau_m=np.full(5, 20.0), v_reset=np.full(5, -65.0)), 5)
    for a, b in zip(same, each, strict=True):
        np.testing.assert_array_equal(a, b)
    taus = np.array([5.0, 10.0, 20.0, 40.0])
    mixed = spikes(LIFExp(tau_m=taus), 4)
    for k, tau in enumerate(taus):
        for a, b in zip(spikes(LIFExp(tau_m=float(tau)), 1), mixed, strict=True):
            assert a[0] == b[k]


# conductances


def test_conductance_neuron_is_of_second_order():
    """LIFCond against an adaptive Runge-Kutta integrator (scipy, tolerance 1e-12): halving dt divides the error by 4 (observed 3.5 to 4.5)."""
    p = LIFCond(tau_m=20.0, c_m=200.0, e_l=-60.0, v_th=1e9)
    spikes = [(2.0, "exc", 60.0), (6.0, "inh", 90.0), (10.0, "exc", 30.0)]

    def exact(t, y):
        v, exc, inh = y
        return [(10.0 * (p.e_l - v) + exc * (p.e_exc - v) + inh * (p.e_inh - v)) / 200.0, -exc / p.tau_exc, -inh / p.tau_inh]

    y, before = np.array([-60.0, 0.0, 0.0]), 0.0
    for t, receptor, w in [*spikes, (24.0, "exc", 0.0)]:
        y = solve_ivp(exact, (before, t), y, rtol=1e-12, atol=1e-12, method="DOP853").y[:, -1]
        y[1 if receptor == "exc" else 2] += w
        before = t
    errors = []
    for dt in (1.0, 0.5, 0.25, 0.125):
        net = Network(seed=1, dt=dt)
        cells = net.populate("cells", 1, p)
        for t, receptor, w in spikes:
            source = net.populate(f"s{int(t)}", 1, SpikeArray(times=[t - 1.0], ids=[0]))
            net.connect(source, cells, one_to_one(), w=w, receptor=receptor, delay=1.0)
        sim = Simulation(net)
        sim.run(24.0)
        errors.append(abs(sim["cells"].v[0] - y[0]))
        assert sim["cells"].g_exc[0] == pytest.approx(y[1], rel=1e-9) and sim["cells"].g_inh[0] == pytest.approx(y[2], rel=1e-9)
    ratios = np.array(errors[:-1]) / errors[1:]
    assert ((ratios > 3.5) & (ratios < 4.5)).all(), (errors, ratios)


# bounds


BOUNDS = [
    (LIFDelta, "v_min", -2.0, "v", "syn", -10.0), (LIFExp, "v_min", -2.0, "v", "inh", -1e4), (LIFExp1, "v_min", -2.0, "v", "syn", -1e4),
    (LIFAlpha, "v_min", -2.0, "v", "inh", -1e4), (LIFCond, "v_min", -2.0, "v", "inh", 1e4), (AdaptiveLIF, "v_min", -2.0, "v", "inh", -1e4),
    (LIFExp, "i_max", 50.0, "i_exc", "exc", 1e4), (LIFExp, "i_max", 50.0, "i_inh", "inh", -1e4), (LIFExp1, "i_max", 50.0, "i_syn", "syn", -1e4),
    (LIFAlpha, "i_max", 50.0, "i_exc", "exc", 1e4), (LIFAlpha, "i_max", 50.0, "i_inh", "inh", -1e4),
    (AdaptiveLIF, "i_max", 50.0, "i_exc", "exc", 1e4),
    (LIFCond, "g_max", 5.0, "g_exc", "exc", 1e4), (LIFCond, "g_max", 5.0, "g_inh", "inh", 1e4),
]  # fmt: skip


@pytest.mark.parametrize("cls, name, bound, field, receptor, w", BOUNDS)
@pytest.mark.parametrize("sleeping", [True, False])
def test_hard_bounds(cls, name, bound, field, receptor, w, sleeping):
    """A huge input stops at the bound, reaches it, and would pass it without; also where neurons may sleep."""

    def extreme(model):
        net = one(model, spikes=[1.0], w=w, receptor=receptor, n=20)
        _, _, x = run(net, 30.0, field, sleeping=sleeping)
        return x[np.abs(x).argmax()]

    free = extreme(cls(e_l=0.0, v_reset=0.0, v_th=1e9))
    held = extreme(cls(e_l=0.0, v_reset=0.0, v_th=1e9, **{name: bound}))
    assert abs(held) == abs(bound) and abs(free) > 1.5 * abs(bound) and np.sign(held) == np.sign(free)


def test_largest_jump_of_a_delta_synapse():
    net = one(LIFDelta(tau_m=1e18, v_th=1e9, x_max=1.5), spikes=[1.0, 2.0], w=10.0)
    sim = Simulation(net)
    sim.run(5.0)
    assert sim["cells"].v[0] == 3.0


@pytest.mark.parametrize("cls", EVERY)
def test_lowest_leak(cls):
    """g_l = max(c_m / tau_m, g_l_min): the membrane follows c_m / g_l."""
    assert leak_bounded(20.0, 200.0, 0.0) == 20.0 and leak_bounded(20.0, 200.0, 40.0) == 5.0
    _, t, v = run(one(cls(tau_m=20.0, c_m=200.0, g_l_min=40.0, e_l=0.0, v_th=1e9), v=8.0), 30.0)
    np.testing.assert_allclose(v, 8.0 * np.exp(-t / 5.0), rtol=0, atol=1e-11)


# jumps and sleep


def random_state(cls, random, p):
    """A state of any sign and size, now and then refractory, with a threshold from near to never."""
    model = model_of(cls)
    value = {f: random.normal(0, 10.0 ** random.uniform(-2, 2)) for f in model.state_fields}
    value["v"] = p.e_l + random.normal(0, 10)
    value["left"] = float(random.integers(0, 30)) if random.random() < 0.4 else 0.0
    value["v_th"] = math.inf if random.random() < 0.1 else p.e_l + 10.0 ** random.uniform(-1, 2)
    value["i_ext"] = random.normal(0, 100.0) if random.random() < 0.5 else 0.0
    return model.state(**value)


def random_parameters(cls, random):
    taus = {f: float(10.0 ** random.uniform(-0.3, 2)) for f in cls._fields if f.startswith("tau")}
    if random.random() < 0.2:
        taus = dict.fromkeys(taus, 10.0)
    p = cls(**taus, c_m=float(random.uniform(50, 300)), v_reset=cls().e_l + float(random.normal(0, 3)))
    return p._replace(v_min=p.e_l - 20.0) if random.random() < 0.3 else p


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.sampled_from(SLEEPERS), st.integers(0, 2**32), st.integers(1, 300))
def test_a_jump_is_that_many_steps(cls, seed, k):
    """advance(s, k) against k steps without input, where the neuron cannot fire; within 1e-11 of the largest size (k roundings of 1e-16 ...)."""
    random = np.random.default_rng(seed)
    p = random_parameters(cls, random)
    model, c = model_of(cls), model_of(cls).derive(p, 0.1)
    s = random_state(cls, random, p)._replace(v_th=math.inf)
    p = p._replace(v_min=-math.inf)
    later = model.advance(s, float(k), c, p)
    zeros = (type("X", (), dict.fromkeys(model.receptors, 0.0)))()
    x, size = s, 1.0
    for _ in range(k):
        x, fired = model.step(x, zeros, c, p)
        assert not fired
        size = max(size, *(abs(getattr(x, f)) for f in model.state_fields if f != "v_th"))
    for f in model.state_fields:
        if f != "v_th":
            assert getattr(later, f) == pytest.approx(getattr(x, f), rel=0, abs=1e-11 * size), f


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.sampled_from(SLEEPERS), st.integers(0, 2**32))
def test_who_sleeps_never_fires_by_itself(cls, seed):
    """may_fire is False only for states from which 3,000 steps without input bring neither a spike nor a clamp at v_min."""
    random = np.random.default_rng(seed)
    p = random_parameters(cls, random)
    model, c = model_of(cls), model_of(cls).derive(p, 0.1)
    s = random_state(cls, random, p)
    if model.may_fire(s, c, p):
        return
    zeros = (type("X", (), dict.fromkeys(model.receptors, 0.0)))()
    free, p_free = s, p._replace(v_min=-math.inf)
    for _ in range(3000):
        s, fired = model.step(s, zeros, c, p)
        free, _ = model.step(free, zeros, c, p_free)
        assert not fired and s == free


@pytest.mark.parametrize("cls", SLEEPERS)
def test_states_near_threshold_stay_awake_and_rest_sleeps(cls):
    """The bound is of use: at rest nobody is awake; a constant current that leads over the threshold keeps awake."""
    p = cls(e_l=-65.0, v_th=-50.0, v_reset=-65.0, tau_m=20.0, c_m=200.0)
    model, c = model_of(cls), model_of(cls).derive(p, 0.1)
    rest = model.state(**{**dict.fromkeys(model.state_fields, 0.0), "v": -65.0, "v_th": -50.0})
    assert not model.may_fire(rest, c, p)
    assert model.may_fire(rest._replace(i_ext=151.0), c, p) and not model.may_fire(rest._replace(i_ext=149.0), c, p)
    assert not model.may_fire(rest._replace(v_th=math.inf, i_ext=1e6), c, p)


@pytest.mark.parametrize("cls", SLEEPERS)
def test_long_sleep(cls):
    """A neuron that slept for five minutes is at rest, in all its state, when a spike wakes it (propagators overflow nowhere)."""
    receptor = "syn" if cls in (LIFDelta, LIFExp1) else "exc"
    net = one(cls(e_l=-65.0, v_th=-50.0, v_reset=-65.0), dt=1.0, n=200, spikes=[5.0, 300_000.0], w=2.0, receptor=receptor)
    sim = Simulation(net)
    sim.run(until=299_990.0)
    assert sim.counters["neuron_updates"] < 0.05 * 200 * 300_000
    np.testing.assert_array_equal(sim["cells"].v, -65.0)
    sim.run(until=300_020.0)
    assert (sim["cells"].v > -65.0).all() and (sim["cells"].v < -60.0).all()


@pytest.mark.parametrize("sleeping", [True, False])
def test_bounds_hold_for_what_is_written_and_when_they_change(sleeping):
    """A state beyond its bound is set to it, at the start, when it is written and when the bound is lowered in a run."""
    net = Network(seed=1)
    net.populate("n", 3, LIFExp(i_max=50.0, v_th=math.inf), i_exc=80.0)
    sim = Simulation(net, sleeping=sleeping)
    assert (sim["n"].i_exc == 50.0).all()
    sim["n"].i_inh = -1e6
    assert (sim["n"].i_inh == -50.0).all()
    sim.run(0.5)
    assert (abs(sim["n"].i_exc) < 50.0).all()
    sim["n"].i_max = np.array([20.0, 30.0, math.inf])
    np.testing.assert_array_equal(sim["n"].i_exc[:2], [20.0, 30.0])
    assert 40.0 < sim["n"].i_exc[2] < 50.0
