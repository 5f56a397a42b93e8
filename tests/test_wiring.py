"""Wiring rules against their theory, and the invariants of the rows that are built from them.

A bound of "5 sd" is exceeded by a correct program once in two million draws; the seeds are fixed.
"""

import math
from typing import NamedTuple

import numpy as np
import pytest
from scipy import sparse, stats

from thalia_sim import rows as rows_module
from thalia_sim.distributions import ClippedNormal, LogNormal, Normal, Uniform
from thalia_sim.errors import DescriptionError, EmptyProjection, UnusualValue
from thalia_sim.geometry import Grid, Positions, Sheet, distances
from thalia_sim.kernels.draw import count_distinct_pairs
from thalia_sim.kernels.rng import stream_key
from thalia_sim.network import Network
from thalia_sim.neurons.contract import neuron
from thalia_sim.rows import build_rows, count_synapses, found, synapses, weight_index
from thalia_sim.wiring import (
    all_to_all,
    by_distance,
    from_arrays,
    from_matrix,
    in_degree,
    one_to_one,
    out_degree,
    probability,
    total_number,
)


class State(NamedTuple):
    v: float


def step(s, x, c, p):
    return s, False


def derive(p, dt):
    return p


@neuron(state=State, derive=derive, step=step, receptors=("exc", "inh"), signs={"exc": +1, "inh": -1})
class Cell(NamedTuple):
    tau_m: float = 20.0  # ms


class Layout:
    """Consecutive blocks of equal size; the slots of receptor 1 follow those of receptor 0."""

    def __init__(self, n, n_blocks=1):
        self.n_blocks, self.size = n_blocks, -(-max(n, 1) // n_blocks)

    def key(self, gids, receptor_index):
        return ((gids // self.size) << 16 | (gids % self.size + receptor_index * self.size)).astype(np.uint32)


def two(n_source=200, n_target=300, seed=1, **kw):
    net = Network(seed=seed, **kw)
    return net, net.populate("a", n_source, Cell()), net.populate("b", n_target, Cell())


def built(net, threads=1, n_blocks=1):
    layout = Layout(net.n, n_blocks)
    rows = build_rows(net, layout, threads)
    check_invariants(net, rows, layout)
    return rows, layout


def ij(net, threads=1, n_blocks=1, name=None):
    """(i, j, w, delay) of the (only) projection."""
    rows, layout = built(net, threads, n_blocks)
    return synapses(rows, layout, net[name] if name else next(iter(net.projections.values())), net)


def check_invariants(net, rows, layout):
    """Segments tile the synapses in order; blocks, then delays ascend within a row; groups tile rows and weights."""
    B = layout.n_blocks
    start, delay = (rows.seg >> 16).astype(np.int64), (rows.seg & 0xFFFF).astype(np.int64)
    assert start[0] == 0 and start[-1] == len(rows.slot) and delay[-1] == 0
    assert (np.diff(start) > 0).all() and (np.diff(start) <= 262143).all()
    assert rows.row_seg[0] == 0 and rows.row_seg[-1] == len(rows.seg) - 1 and (np.diff(rows.row_seg.astype(np.int64)) >= 0).all()
    assert (delay[:-1] >= 1).all()
    edges = np.repeat(np.arange(len(rows.row_seg) - 1), np.diff(rows.row_seg.astype(np.int64)))
    same = edges[1:] == edges[:-1]
    whole = np.diff(start)[:-1] < 262143
    assert (np.diff(delay[:-1])[same] >= 0).all() and (np.diff(delay[:-1])[same & whole] > 0).all()
    first_row = first_syn = n_w = 0
    for g in rows.groups:
        assert (g.first_row, g.first_syn, g.n_rows) == (first_row, first_syn, g.source.n)
        assert g.first_syn - g.w_shift == n_w
        assert start[rows.row_seg[g.first_row * B]] == g.first_syn
        first_row, first_syn, n_w = first_row + g.n_rows, first_syn + g.n_syn, n_w + (0 if g.uniform else g.n_syn)
    assert (first_row * B + 1, first_syn, n_w) == (len(rows.row_seg), len(rows.slot), len(rows.w))


# the rules


@pytest.mark.parametrize("p", [0.03, 0.5, 0.9])
def test_probability_is_bernoulli_for_each_pair(p):
    """Total and out-degrees are binomial (5 sd; chi-square of the degrees at 1e-6), no pair twice, targets equally often."""
    net, a, b = two(400, 500)
    net.connect(a, b, probability(p), w=1.0)
    i, j, _, _ = ij(net)
    n = 400 * 500
    assert abs(len(i) - n * p) < 5 * math.sqrt(n * p * (1 - p))
    assert len(np.unique(i * 500 + j)) == len(i)
    for degree, partners in ((np.bincount(i, minlength=400), 500), (np.bincount(j, minlength=500), 400)):
        dispersion = ((degree - partners * p) ** 2).sum() / (partners * p * (1 - p))
        assert 1e-6 < stats.chi2.sf(dispersion, len(degree)) < 1 - 1e-6


def test_probability_zero_and_one():
    """p = 1 is all pairs; p = 0 makes none and warns."""
    net, a, b = two(7, 9)
    net.connect(a, b, probability(1.0), w=1.0)
    i, j, _, _ = ij(net)
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == [(x, y) for x in range(7) for y in range(9)]
    net.set("a->b.p", 0.0)
    with pytest.warns(EmptyProjection, match="projection a->b has no synapse"):
        built(net)


@pytest.mark.parametrize("multapses", [True, False])
@pytest.mark.parametrize("autapses", [True, False])
def test_in_degree_is_exact(multapses, autapses):
    """Every target has k synapses; partners are uniform (chi-square at 1e-6); the switches exclude what they name."""
    net, a, _ = two(200)
    net.connect(a, a, in_degree(150), w=1.0, multapses=multapses, autapses=autapses)
    i, j, _, _ = ij(net)
    assert (np.bincount(j, minlength=200) == 150).all()
    assert ((i == j).sum() == 0) == (not autapses)
    assert (len(np.unique(i * 200 + j)) == len(i)) == (not multapses)
    if multapses:
        assert 1e-6 < stats.chisquare(np.bincount(i, minlength=200)).pvalue < 1 - 1e-6


@pytest.mark.parametrize("multapses", [True, False])
@pytest.mark.parametrize("autapses", [True, False])
def test_out_degree_is_exact(multapses, autapses):
    """Every source has k synapses; the switches exclude what they name."""
    net, a, _ = two(200)
    net.connect(a, a, out_degree(30), w=1.0, multapses=multapses, autapses=autapses)
    i, j, _, _ = ij(net)
    assert (np.bincount(i, minlength=200) == 30).all()
    assert ((i == j).sum() == 0) == (not autapses)
    assert (len(np.unique(i * 200 + j)) == len(i)) == (not multapses)


@pytest.mark.parametrize("k", [3, 30, 199])
def test_distinct_partners_are_equally_likely(k):
    """Without multapses each of 200 targets is drawn with probability k / 200: counts are binomial over 300 sources (chi-square at 1e-6)."""
    net, a, b = two(300, 200)
    net.connect(a, b, out_degree(k), w=1.0, multapses=False)
    _, j, _, _ = ij(net)
    p = k / 200
    dispersion = ((np.bincount(j, minlength=200) - 300 * p) ** 2).sum() / (300 * p * (1 - p)) * (199 / 200)
    assert 1e-6 < stats.chi2.sf(dispersion, 199) < 1 - 1e-6


@pytest.mark.parametrize("multapses", [True, False])
@pytest.mark.parametrize("autapses", [True, False])
def test_total_number_is_exact(multapses, autapses):
    """Exactly n synapses; with multapses the out-degrees are multinomial (chi-square at 1e-6)."""
    net, a, _ = two(150)
    net.connect(a, a, total_number(12_000), w=1.0, multapses=multapses, autapses=autapses)
    i, j, _, _ = ij(net)
    assert len(i) == 12_000
    assert ((i == j).sum() == 0) == (not autapses)
    assert (len(np.unique(i * 150 + j)) == len(i)) == (not multapses)
    if multapses:
        assert 1e-6 < stats.chisquare(np.bincount(i, minlength=150)).pvalue < 1 - 1e-6
        assert 1e-6 < stats.chisquare(np.bincount(j, minlength=150)).pvalue < 1 - 1e-6


def test_total_number_excludes_autapses_in_proportion():
    """A source that is a target itself has one partner less: from 10 to the first 5 all 45 pairs are equally likely."""
    net = Network(seed=3)
    a = net.populate("a", 10, Cell())
    net.connect(a, a[:5], total_number(90_000), w=1.0, autapses=False)
    i, j, _, _ = ij(net)
    assert (i != j).all()
    table = np.zeros((10, 5))
    np.add.at(table, (i, j), 1)
    assert 1e-6 < stats.chisquare(table[table > 0]).pvalue < 1 - 1e-6
    assert (table > 0).sum() == 45


def test_number_of_distinct_pairs_is_hypergeometric():
    """Of 4 x 30 pairs 25 are drawn: the first source's share is hypergeometric(120, 30, 25), scipy's (chi-square over 4000 keys at 1e-6)."""
    out = np.zeros(4, dtype=np.int64)
    first = []
    for seed in range(4000):
        count_distinct_pairs(30, np.zeros(0, dtype=np.int32), 25, 120, stream_key(seed, "sources", "x"), out)
        assert out.sum() == 25
        first.append(out[0])
    seen = np.bincount(first, minlength=26)[:26]
    law = stats.hypergeom(120, 30, 25).pmf(np.arange(26)) * 4000
    big = law > 5
    seen, law = np.append(seen[big], seen[~big].sum()), np.append(law[big], law[~big].sum())
    assert stats.chisquare(seen, law).pvalue > 1e-6


@pytest.mark.parametrize("profile", ["exponential", "gaussian"])
def test_by_distance_follows_its_profile(profile):
    """Pairs in bins of distance are connected with the mean of the profile over the bin's pairs (binomial, chi-square at 1e-6)."""
    net = Network(seed=5)
    a = net.populate("a", 900, Cell(), at=Sheet(300, 300))
    net.connect(a, a, by_distance(p=0.8, length=60, profile=profile, max_distance=200), w=1.0)
    i, j, _, _ = ij(net)
    d = distances(a.at[:, None], a.at[None, :])
    p = 0.8 * np.exp(-d / 60 if profile == "exponential" else -(d**2) / 7200)
    p[d > 200] = 0
    connected = np.zeros_like(p)
    connected[i, j] = 1
    assert connected.sum() == len(i)
    assert (d[i, j] <= 200).all()
    bins = np.digitize(d, np.arange(0, 200, 10))
    z = [
        (connected[bins == k].sum() - p[bins == k].sum()) / math.sqrt((p * (1 - p))[bins == k].sum())
        for k in np.unique(bins) if p[bins == k].sum() > 5
    ]  # fmt: skip
    assert len(z) > 10 and 1e-6 < stats.chi2.sf((np.array(z) ** 2).sum(), len(z)) < 1 - 1e-6
    assert count_synapses(net)["a->a"] == pytest.approx(len(i), rel=0.05)  # a sample of 200,000 pairs


def test_by_distance_on_a_ring():
    """On a periodic line with reach 1.5 spacings and p = 1 at length inf-like everybody has two neighbours (by hand)."""
    net = Network()
    a = net.populate("a", 10, Cell(), at=Grid((10,), spacing=1.0, periodic=True))
    net.connect(a, a, by_distance(length=1e9, max_distance=1.5), w=1.0, autapses=False)
    i, j, _, _ = ij(net)
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == sorted((k, (k + s) % 10) for k in range(10) for s in (1, -1))


def test_one_to_one_and_all_to_all():
    """By hand; all_to_all without autapses leaves out the diagonal."""
    net, a, b = two(6, 6)
    net.connect(a, b, one_to_one(), w=np.arange(6.0), delay=np.arange(1, 7.0), receptor="exc")
    net.connect(b, b, all_to_all(), w=1.0, autapses=False)
    i, j, w, delay = ij(net, name="a->b")
    assert np.array_equal(i, np.arange(6)) and np.array_equal(j, i) and np.array_equal(w, i) and np.allclose(delay, i + 1)
    i, j, _, _ = ij(net, name="b->b")
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == [(x, y) for x in range(6) for y in range(6) if x != y]


def test_from_arrays_round_trip():
    """What goes in comes out: i, j, w (in single precision) and delay, also for repeated pairs."""
    rng = np.random.default_rng(1)
    n = 5000
    i, j = rng.integers(0, 200, n), rng.integers(0, 300, n)
    w, delay = rng.random(n), rng.integers(1, 40, n) * 0.1
    net, a, b = two()
    net.connect(a, b, from_arrays(i, j, w=w, delay=delay), w=None)
    out = ij(net, threads=2, n_blocks=3)
    given = sorted(zip(i, j, w.astype(np.float32), np.round(delay * 10), strict=True))
    assert sorted(zip(out[0], out[1], out[2].astype(np.float32), np.round(out[3] * 10), strict=True)) == given


def test_from_matrix_dense_and_sparse():
    """A dense and a scipy sparse matrix give the same synapses; truth values say who connects only."""
    m = np.array([[0, 2.0, 0], [0.5, 0, 0]])
    for form in (m, sparse.csr_matrix(m), sparse.coo_array(m)):
        net, a, b = two(2, 3)
        net.connect(a, b, from_matrix(form))
        i, j, w, _ = ij(net)
        assert (i.tolist(), j.tolist(), w.tolist()) == ([0, 1], [1, 0], [2.0, 0.5])
    for form in (m > 0, sparse.csr_matrix(m > 0)):
        net, a, b = two(2, 3)
        net.connect(a, b, from_matrix(form), w=4.0)
        assert ij(net)[2].tolist() == [4.0, 4.0]


def test_unions_and_parts():
    """Sources and targets over several populations: indices run on over the parts, and every pair is reached once."""
    net, a, b = two(5, 7)
    net.connect(a[1:3] + b[4:], b[[6, 0]] + a, all_to_all(), w=np.arange(5.0 * 7).reshape(5, 7), receptor="exc")
    for n_blocks in (1, 3):
        i, j, w, _ = ij(net, n_blocks=n_blocks)
        assert len(i) == 35 and np.array_equal(w, i * 7 + j)


def test_empty_populations():
    """Populations of no elements can be connected by any rule; each warns."""
    net = Network()
    none, some = net.populate("none", 0, Cell()), net.populate("some", 5, Cell())
    for rule in (probability(0.5), all_to_all(), out_degree(0), in_degree(0), total_number(0)):
        net.connect(none, some, rule, w=1.0)
        net.connect(some, none, rule, w=1.0)
    with pytest.warns(EmptyProjection):
        assert len(built(net)[0].slot) == 0


# weights and delays


def test_weights_follow_their_distribution():
    """Truncated normal and lognormal weights: Kolmogorov-Smirnov against scipy at 1e-6, independent of source and order."""
    net, a, b = two()
    net.connect(a, b, probability(0.5), w=Normal(1.0, 1.0, low=0.0))
    net.connect(a, b, probability(0.5), w=LogNormal(0.3, 0.2), name="second")
    rows, layout = built(net)
    _, _, w, _ = synapses(rows, layout, net["a->b"], net)
    assert stats.kstest(w, stats.truncnorm(-1.0, math.inf, 1.0, 1.0).cdf).pvalue > 1e-6
    _, _, w, _ = synapses(rows, layout, net["second"], net)
    assert stats.kstest(w, stats.lognorm(math.sqrt(math.log1p(4 / 9)), scale=0.3 / math.sqrt(1 + 4 / 9)).cdf).pvalue > 1e-6


@pytest.mark.parametrize(
    "delay, law",
    [
        (Normal(0.75, 0.375), stats.truncnorm((0.05 - 0.75) / 0.375, math.inf, 0.75, 0.375)),
        (LogNormal(1.0, 0.5), None),
        (Uniform(0.5, 1.0), stats.uniform(0.5, 0.5)),
        (ClippedNormal(0.2, 0.2), None),
    ],
)
def test_delays_have_the_probability_of_what_rounds_to_them(delay, law):
    """Step d has the probability of values in [(d - 1/2) dt, (d + 1/2) dt), chi-square at 1e-6; what rounds to 0 is drawn again, or clipped."""
    net, a, b = two()
    net.connect(a, b, out_degree(200), w=1.0, delay=delay)
    steps = np.round(ij(net)[3] / 0.1).astype(int)
    edges = (np.arange(0, steps.max() + 2) + 0.5) * 0.1
    cdf = law.cdf(edges) if law else np.array([delay.cdf(x) for x in edges])
    if isinstance(delay, ClippedNormal):
        cdf[0] = 0.0
    mass = np.diff(cdf) / (1 - cdf[0]) * len(steps)
    seen = np.bincount(steps, minlength=len(edges))[1 : len(mass) + 1]
    big = mass > 5
    rest = len(steps) - mass[big].sum()
    observed, theory = np.append(seen[big], seen[~big].sum()), np.append(mass[big], rest)
    keep = theory > 1e-6
    assert observed[~keep].sum() == 0
    assert stats.chisquare(observed[keep], theory[keep] * observed[keep].sum() / theory[keep].sum()).pvalue > 1e-6


def test_delays_from_distance():
    """At 300 um/ms a distance of d um takes d / 300 ms, rounded to 0.1 ms, at least one step (by hand from the positions)."""
    net = Network()
    points = np.random.default_rng(2).random((40, 3)) * 1000
    a = net.populate("a", 40, Cell(), at=Positions(points, speed=300.0))
    net.connect(a, a, all_to_all(), w=1.0)
    i, j, _, delay = ij(net)
    expected = np.maximum(np.floor(distances(points[i], points[j]) / 30 + 0.5), 1)
    assert np.array_equal(np.round(delay * 10), expected)


def test_delays_default_to_one_step_and_round_to_the_nearest():
    """None is one step without a speed; 1.26 ms is 13 steps of 0.1 ms."""
    net, a, b = two(3, 3)
    net.connect(a, b, all_to_all(), w=1.0)
    with pytest.warns(UnusualValue, match="1.3 ms is used"):
        net.connect(b, a, all_to_all(), w=1.0, delay=1.26)
    assert np.allclose(ij(net, name="a->b")[3], 0.1) and np.allclose(ij(net, name="b->a")[3], 1.3)


# rows


def everything(seed=1):
    """A network with every kind of drawing, parts and unions."""
    net = Network(seed=seed)
    a = net.populate("a", 150, Cell(), at=Sheet(100, 100, speed=100))
    b = net.populate("b", 90, Cell(), at=Sheet(100, 100, speed=100))
    net.connect(a, a, probability(0.2), w=Normal(1, 0.3, low=0), delay=Normal(1.5, 0.7))
    net.connect(a, b, in_degree(25), w=2.0, delay=Uniform(0.1, 3))
    net.connect(b, a, in_degree(12), w=-2.0, multapses=False)
    net.connect(b[5:50] + a[40:60], b + a[:70], total_number(900), w=LogNormal(-1, 0.5), name="mixed", autapses=False)
    net.connect(b, b, by_distance(p=0.9, length=20), w=1.0)
    net.connect(b, b, out_degree(9), w=1.0, multapses=False, delay=0.5, name="again")
    net.connect(a, a, total_number(800), w=1.0, multapses=False, gain=1.0, name="gained")
    return net


def same(x, y):
    return all(np.array_equal(p, q) for p, q in zip(x[:4], y[:4], strict=True))


def test_rows_do_not_depend_on_threads_or_chunks(monkeypatch):
    """Bit for bit the same arrays for 1, 2 and 4 threads and for chunks of 100 synapses, since every draw is a function of its counter."""
    first, _ = built(everything())
    for threads in (2, 4):
        assert same(first, built(everything(), threads)[0])
    monkeypatch.setattr(rows_module, "CHUNK", 100)
    assert same(first, built(everything(), 2)[0])
    assert not same(first, built(everything(seed=2))[0])


def test_each_target_keeps_its_order_for_any_cut():
    """For one target the order of its synapses (source, delay, weight) is the same with 1 and 4 blocks."""
    net = everything()
    order = {}
    for n_blocks in (1, 4):
        rows, layout = built(net, 2, n_blocks)
        for p in net.projections.values():
            i, j, w, delay = synapses(rows, layout, p, net)
            by_target = np.argsort(j, kind="stable")
            order[n_blocks, p.name] = [x[by_target] for x in (i, j, w, delay)]
    for p in net.projections:
        assert all(np.array_equal(x, y) for x, y in zip(order[1, p], order[4, p], strict=True))


def test_adding_a_projection_or_population_shifts_no_other_draw():
    """Streams are keyed by name: what is there already keeps its synapses."""
    net = everything()
    before = {p.name: synapses(*built(net), p, net) for p in net.projections.values()}
    more = net.populate("more", 30, Cell())
    net.connect(more, net.populations["a"], probability(0.5), w=1.0)
    rows, layout = built(net)
    for name, old in before.items():
        assert all(np.array_equal(x, y) for x, y in zip(old, synapses(rows, layout, net[name], net), strict=True))


def test_seeds_are_separate():
    """Another seed for initial values or noise leaves the wiring; another one for wiring changes it."""
    net, a, b = two(wiring_seed=7, seed=1)
    net.connect(a, b, probability(0.1), w=1.0)
    again, c, d = two(wiring_seed=7, seed=2, noise_seed=3)
    again.connect(c, d, probability(0.1), w=1.0)
    other, e, f = two(wiring_seed=8)
    other.connect(e, f, probability(0.1), w=1.0)
    assert same(built(net)[0], built(again)[0]) and not np.array_equal(built(net)[0].slot, built(other)[0].slot)


def test_groups_merge_unless_they_meet():
    """One group a source population, except for projections that meet at a receptor of a target, have a gain or a rule."""
    groups = {(g.source.name, *(p.name for p in g.projections)) for g in built(everything())[0].groups}
    assert groups == {("a", "a->a", "a->b", "mixed"), ("a", "gained"), ("b", "b->a", "b->b"), ("b", "mixed", "again")}


def test_uniform_groups_store_no_weight():
    """A group of one scalar weight has no entry in w; two different weights have."""
    net, a, b = two(20, 30)
    net.connect(a, a, all_to_all(), w=0.5)
    net.connect(a, b, all_to_all(), w=0.5)
    net.connect(b, a, all_to_all(), w=0.5)
    net.connect(b, b, all_to_all(), w=0.25)
    rows, layout = built(net)
    assert [g.uniform for g in rows.groups] == [True, False] and len(rows.w) == 30 * 50
    assert (weight_index(rows, layout, net["a->b"]) == -1).all()
    assert (synapses(rows, layout, net["a->b"], net)[2] == 0.5).all()
    assert (rows.w[weight_index(rows, layout, net["b->b"])] == 0.25).all()


def test_weight_index_reads_and_writes_one_projection():
    """Writing through weight_index changes the weights of this projection, in the order of synapses, and no other's."""
    net = everything()
    rows, layout = built(net, n_blocks=2)
    others = {p.name: synapses(rows, layout, p, net) for p in net.projections.values()}
    at = weight_index(rows, layout, net["mixed"])
    i, j, w, _ = others.pop("mixed")
    assert np.array_equal(rows.w[at], w.astype(np.float32))
    rows.w[at] = i * 1000 + j
    assert np.array_equal(synapses(rows, layout, net["mixed"], net)[2], i * 1000 + j)
    for name, before in others.items():
        assert np.array_equal(synapses(rows, layout, net[name], net)[2], before[2])


def test_every_synapse_belongs_to_one_projection():
    """The synapses found for all projections are all synapses, each once."""
    net = everything()
    rows, layout = built(net, n_blocks=3)
    seen = np.concatenate([found(rows, layout, p).synapse for p in net.projections.values()])
    assert np.array_equal(np.sort(seen), np.arange(len(rows.slot)))


def test_long_segments_are_split():
    """600,000 synapses of one row and delay are three segments (a length has 18 bits)."""
    net, a, b = two(1, 100)
    net.connect(a, b, out_degree(600_000), w=1.0)
    rows, _ = built(net)
    assert np.diff((rows.seg >> 16).astype(int)).tolist() == [262143, 262143, 75714]


def test_expected_numbers():
    """count_synapses is exact for fixed numbers and the mean for probabilities."""
    net = everything()
    rows, layout = built(net)
    for name, expected in count_synapses(net).items():
        n = len(found(rows, layout, net[name]).i)
        assert abs(n - expected) <= (5 * math.sqrt(expected) if name in ("a->a", "b->b") else 0)


# refusals


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda a, b, c: c(a, b, probability(1.5), w=1), "p of probability is 1.5: a probability lies in 0..1"),
        (lambda a, b, c: c(a, b, probability(math.nan), w=1), "p of probability is nan"),
        (lambda a, b, c: c(a, b, in_degree(2.5), w=1), "k of in_degree is 2.5: must be a whole number"),
        (lambda a, b, c: c(a, b, in_degree(-1), w=1), "k of in_degree is -1"),
        (lambda a, b, c: c(a, b, in_degree(201), w=1, multapses=False), r"in_degree\(201\) at projection a->b .* different sources of 200"),
        (lambda a, b, c: c(a, a, out_degree(200), w=1, multapses=False, autapses=False), r"out_degree\(200\) at projection a->a .* of 199"),
        (lambda a, b, c: c(a, b, total_number(60_001), w=1, multapses=False), "more different pairs than the 60000"),
        (lambda a, b, c: c(a, b, one_to_one(), w=1), "200 sources and 300 targets"),
        (lambda a, b, c: c(a, b, by_distance(length=10), w=1), "by_distance at projection a->b needs positions"),
        (lambda a, b, c: c(a, b, by_distance(length=10, profile="gausian"), w=1), "did you mean 'gaussian'"),
        (lambda a, b, c: c(a, b, by_distance(length=0), w=1), "length of by_distance is 0"),
        (lambda a, b, c: c(a, b, from_arrays([0, 200], [0, 0]), w=1), r"i of projection a->b contains 200: .* 0..199"),
        (lambda a, b, c: c(a, b, from_arrays([0, 1], [0]), w=1), "2 sources i and 1 targets j"),
        (lambda a, b, c: c(a, b, from_arrays([0.5], [0]), w=1), "whole numbers"),
        (lambda a, b, c: c(a, b, from_arrays([0], [0], w=[math.nan])), "w of from_arrays is nan at place 0"),
        (lambda a, b, c: c(a, b, from_arrays([0], [0], w=[1.0]), w=2.0), "weights in its wiring and in w="),
        (lambda a, b, c: c(a, b, from_arrays([0], [0])), "no weights: give w="),
        (lambda a, b, c: c(a, b, from_matrix(np.zeros(3)), w=1), "2-D array"),
        (lambda a, b, c: c(a, b, 0.1, w=1), "give a rule such as probability"),
    ],
)
def test_rules_refuse_what_cannot_be(make, message):
    """Each message names the rule, the value and the remedy."""
    net, a, b = two()
    with pytest.raises(DescriptionError, match=message):
        make(a, b, net.connect)


def test_given_synapses_respect_the_switches():
    """Arrays with an autapse or a repeat are refused where the projection forbids them."""
    net, a, _ = two()
    net.connect(a, a, from_arrays([3], [3]), w=1.0, autapses=False)
    with pytest.raises(DescriptionError, match="synapse 0 of projection a->a connects an element with itself"):
        built(net)
    net, a, b = two()
    net.connect(a, b, from_arrays([3, 3], [4, 4]), w=1.0, multapses=False)
    with pytest.raises(DescriptionError, match="connect 3 with 4 more than once"):
        built(net)


@pytest.mark.parametrize("n_blocks", [1, 3])
def test_order_within_a_row_is_that_of_a_stable_sort(n_blocks):
    """Rows against NumPy: synapses given in random order, sorted by (source, block, delay) and then as given (np.lexsort is stable)."""
    rng = np.random.default_rng(4)
    n = 20_000
    i, j, delay = rng.integers(0, 50, n), rng.integers(0, 300, n), rng.integers(1, 9, n)
    net, a, b = two(50, 300)
    net.connect(a, b, from_arrays(i, j, w=np.arange(n), delay=delay * 0.1), receptor="exc")
    rows, layout = built(net, 2, n_blocks)
    key = layout.key(50 + j, 0)
    order = np.lexsort((delay, key >> 16, i))
    assert np.array_equal(rows.slot, (key & 0xFFFF)[order]) and np.array_equal(rows.w, order.astype(np.float32))
