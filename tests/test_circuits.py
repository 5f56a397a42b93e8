"""The published circuits carry their published numbers. Nothing here is simulated."""

import math

import numpy as np
import pytest

from thalia_sim.circuits import brunel, coba, cuba, potjans_diesmann, quiet
from thalia_sim.circuits.brunel import threshold_rate
from thalia_sim.circuits.potjans_diesmann import POPULATIONS, SIZES, circuit, synapse_numbers
from thalia_sim.distributions import Normal
from thalia_sim.errors import DescriptionError
from thalia_sim.rows import count_synapses


def sizes(net):
    return {name: len(p) for name, p in net.populations.items()}


def test_cuba_brette_2007():
    """Brette et al. 2007, appendix 2: 4,000 neurons, 80/20, p = 0.02; tau_m 20 ms, g_l 10 nS; 16.2 and -90 pA are 1.62 and -9 mV over g_l."""
    net = cuba()
    assert sizes(net) == {"exc": 3200, "inh": 800}
    model = net["exc"].model
    assert (model.tau_m, model.tau_exc, model.tau_inh, model.t_ref) == (20.0, 5.0, 10.0, 5.0)
    assert (model.e_l, model.v_th, model.v_reset) == (-49.0, -50.0, -60.0)
    g_l = model.c_m / model.tau_m  # nS
    assert g_l == 10.0
    assert net.get("exc->inh.w") / g_l == pytest.approx(1.62) and net.get("inh->exc.w") / g_l == pytest.approx(-9.0)
    assert sum(count_synapses(net).values()) == pytest.approx(0.02 * 4000**2)
    assert not net.drives


def test_cuba_keeps_its_inputs_when_it_grows():
    """The benchmark of 40,000 neurons has 80 inputs a neuron as well: p = 0.002."""
    assert sum(count_synapses(cuba(40_000, 0.002)).values()) == pytest.approx(80 * 40_000)


def test_coba_brette_2007():
    """Brette et al. 2007, appendix 1: conductances of 6 and 67 nS, reversal potentials 0 and -80 mV, resting potential -60 mV."""
    net = coba()
    model = net["inh"].model
    assert (model.e_l, model.e_exc, model.e_inh, model.v_th, model.v_reset) == (-60.0, 0.0, -80.0, -50.0, -60.0)
    assert model.c_m / model.tau_m == 10.0
    assert net.get("exc->exc.w") == 6.0 and net.get("inh->exc.w") == 67.0
    assert net["inh->exc"].receptor == "inh"


def test_brunel_threshold_rate():
    """Brunel 2000: nu_th = theta / (J C_E tau) = 20 / (0.1 x 1000 x 20 ms) = 10 Hz, so eta = 2 is 20 Hz at each of 1,000 synapses."""
    assert threshold_rate(0.1, 1000) == pytest.approx(10.0)
    net = brunel()
    assert net.get("external.rate") == pytest.approx(20_000.0)
    assert net.get("external.w") == 0.1


def test_brunel_2000():
    """Brunel 2000, model A: 10,000 + 2,500 neurons, C_E = 1,000 and C_I = 250, g = 5, delay 1.5 ms."""
    net = brunel()
    assert sizes(net) == {"exc": 10_000, "inh": 2500}
    model = net["exc"].model
    assert (model.tau_m, model.v_th - model.e_l, model.v_reset, model.t_ref) == (20.0, 20.0, 10.0, 2.0)
    assert net.get("excitation.k") == 1000 and net.get("inhibition.k") == 250
    assert net.get("inhibition.w") == pytest.approx(-0.5)
    assert net.get("excitation.delay") == net.get("inhibition.delay") == 1.5
    assert count_synapses(net) == {"excitation": 12_500_000, "inhibition": 3_125_000}


def test_brunel_regimes_differ_in_g_and_eta_only():
    slow = brunel(g=4.5, eta=0.9)
    assert slow.get("inhibition.w") == pytest.approx(-0.45)
    assert slow.get("external.rate") == pytest.approx(9000.0)


def test_microcircuit_sizes():
    """Potjans & Diesmann 2014, table 5: 77,169 neurons."""
    assert SIZES.sum() == 77_169
    assert circuit(0.1).sizes.sum() == pytest.approx(7717, abs=4)


def test_microcircuit_synapses():
    """K = ln(1-p)/ln(1-1/(N N)) for all 64 pairs: 298.88 million synapses at full scale (NEST's microcircuit counts the same)."""
    total = circuit(1.0).synapses.sum()
    assert total == pytest.approx(298.88e6, rel=1e-4)
    assert circuit(0.1).synapses.sum() == pytest.approx(total * 0.01, rel=1e-4)


def test_microcircuit_probability_from_its_number():
    """The published p is the probability of at least one of K synapses on a pair: 1 - (1 - 1/(N N))^K."""
    k = synapse_numbers()
    assert -math.expm1(k[0, 0] * math.log1p(-1.0 / SIZES[0] ** 2)) == pytest.approx(0.1009, rel=1e-9)
    assert (k[[0, 1, 3], 5] == 0.0).all()


def test_microcircuit_psc_amplitude():
    """A PSP of 0.15 mV takes 87.8 pA (Potjans & Diesmann 2014, table 4); the PSP from L4E to L23E is twice that; g = -4."""
    numbers = circuit(1.0)
    assert numbers.w_external == pytest.approx(87.8, abs=0.05)
    assert numbers.w[0, 2] == pytest.approx(2 * 87.8, abs=0.1)
    assert numbers.w[0, 1] == pytest.approx(-4 * 87.8, abs=0.2)
    assert (numbers.w[:, ::2] > 0).all() and (numbers.w[:, 1::2] < 0).all()


def test_microcircuit_compensation_keeps_mean_and_variance():
    """van Albada et al. 2015: w K rate + dc, and w^2 K rate, are those of the full network for each population, at its published rates."""
    full, small = circuit(1.0), circuit(0.1)
    rates = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])

    def moments(c):
        k = c.synapses / c.sizes[:, None]
        mean = 1e-3 * 0.5 * ((c.w * k) @ rates + c.w_external * c.k_external * 8.0) + c.dc
        variance = (c.w**2 * k) @ rates + c.w_external**2 * c.k_external * 8.0
        return mean, variance

    (mean_full, variance_full), (mean_small, variance_small) = moments(full), moments(small)
    # numbers of neurons and synapses are rounded: below 0.1 % of the input of each sign, which partly cancel in the mean
    np.testing.assert_allclose(mean_small, mean_full, rtol=0.005, atol=2.0)
    np.testing.assert_allclose(variance_small, variance_full, rtol=0.005)
    assert (full.dc == 0).all()


def test_microcircuit_description():
    net = potjans_diesmann(0.1)
    assert tuple(net.populations) == POPULATIONS
    w = net.get("L4E->L23E.w")
    assert isinstance(w, Normal) and w.low == 0.0 and w.sd == pytest.approx(0.1 * w.mean)
    assert net.get("L4I->L4E.w").high == 0.0
    assert net.get("L4E->L4E.delay").mean == 1.5 and net.get("L4I->L4E.delay").sd == 0.375
    assert net.get("L6E.v").mean == -66.72
    model = net["L5I"].model
    assert (model.tau_m, model.tau_syn, model.c_m, model.t_ref, model.v_th) == (10.0, 0.5, 250.0, 2.0, -50.0)
    assert sum(count_synapses(net).values()) == circuit(0.1).synapses.sum()


def test_microcircuit_drives():
    """At full scale the Poisson trains have 8 Hz x K_ext and there is no direct current; the dc drive has the mean of the trains."""
    net = potjans_diesmann(1.0)
    rates = [d.source.rate for d in net.drives.values()]
    assert rates == [8.0 * k for k in (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)]
    direct = potjans_diesmann(1.0, drive="dc")
    amplitudes = [d.source.amplitude for d in direct.drives.values()]
    assert amplitudes[0] == pytest.approx(1600 * 8.0 * circuit(1.0).w_external * 0.5e-3)


def test_quiet():
    net = quiet(n=10_000)
    assert sizes(net) == {"cells": 10_000}
    assert count_synapses(net) == {"cells->cells": 1_000_000}
    (drive,) = net.drives.values()
    assert len(drive.target) == 100 and drive.source.rate == 10.0 and drive.w == 25.0


@pytest.mark.parametrize("build", [cuba, coba, lambda: brunel(order=100), lambda: potjans_diesmann(0.01), lambda: quiet(1000)])
def test_same_arguments_same_description(build):
    assert build() == build()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: cuba(3), "n = 3"),
        (lambda: brunel(order=2), "order = 2"),
        (lambda: potjans_diesmann(0.0), "scale = 0.0"),
        (lambda: potjans_diesmann(math.nan), "scale = nan"),
        (lambda: potjans_diesmann(0.1, drive="noise"), "drive = 'noise'"),
        (lambda: quiet(share=2.0), "share = 2.0"),
    ],
)
def test_bad_arguments_are_named(call, text):
    with pytest.raises(DescriptionError, match=text):
        call()
