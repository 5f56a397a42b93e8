"""The statistics of studies, against scipy, against a made-up world whose effects are known, and against courses worked by hand."""

import math
from functools import partial

import numpy as np
import pytest
from scipy import stats

from thalia_sim.errors import DescriptionError
from thalia_sim.measures.confidence import student
from thalia_sim.studies import indices
from thalia_sim.studies.ablation import Condition, conditions, read
from thalia_sim.studies.course_of_recovery import recovery
from thalia_sim.studies.courses import Course, averaged
from thalia_sim.studies.disturbances import NONE
from thalia_sim.studies.effects import differences, effect, is_equivalent, sign_of, slope
from thalia_sim.studies.outcome import Outcome
from thalia_sim.studies.points import Point
from thalia_sim.studies.sensitivity import Change, index_rows
from thalia_sim.studies.stability import rows as drift_rows
from thalia_sim.studies.workers import Ran

SEEDS = range(1, 9)


def pairs(shift, seed=5):
    """Values of two conditions by seed, which differ by `shift` on average."""
    rng = np.random.default_rng(seed)
    base = dict(zip(SEEDS, rng.normal(10.0, 3.0, len(SEEDS)), strict=True))
    return {s: v + shift + rng.normal(0.0, 0.5) for s, v in base.items()}, base


def test_effect_is_the_paired_t_interval_of_scipy():
    a, b = pairs(0.7)
    found = effect("m", "off alone", "rate", differences(a, b), reference=list(b.values()))
    asked = stats.ttest_rel(list(a.values()), list(b.values())).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((asked.low, asked.high), rel=1e-9)
    assert found.n == len(SEEDS) and found.relative == pytest.approx(found.mean / np.mean(list(b.values())))


@pytest.mark.parametrize("shift", [-0.9, 0.0, 0.9])
def test_sign_is_told_where_the_paired_test_is_significant(shift):
    """The sign is known just where scipy's paired t-test rejects at 5 %."""
    a, b = pairs(shift)
    found = effect("m", "", "rate", differences(a, b))
    p = stats.ttest_rel(list(a.values()), list(b.values())).pvalue
    assert (sign_of(found) == "?") == (p > 0.05)
    assert sign_of(found) == {-0.9: "-", 0.0: "?", 0.9: "+"}[shift]


def test_an_effect_that_never_was_is_no_sign_and_a_zero_reference_has_no_relative():
    found = effect("m", "", "rate", [0.0, 0.0, 0.0], reference=[0.0, 0.0, 0.0])
    assert sign_of(found) == "0" and math.isnan(found.relative)


@pytest.mark.parametrize("band", [0.2, 0.45, 0.8, 1.4])
def test_equivalence_is_both_one_sided_tests_of_scipy(band):
    """TOST: equivalent where both one-sided t-tests reject at 5 % (Schuirmann 1987)."""
    a, b = pairs(0.3)
    d = differences(a, b)
    above = stats.ttest_1samp(d, -band, alternative="greater").pvalue < 0.05
    below = stats.ttest_1samp(d, band, alternative="less").pvalue < 0.05
    assert is_equivalent(d, band) == (above and below)


def test_the_bands_of_that_test_fall_on_both_sides():
    a, b = pairs(0.3)
    assert not is_equivalent(differences(a, b), 0.2) and is_equivalent(differences(a, b), 1.4)
    assert not is_equivalent([0.1], 10.0)  # one seed shows nothing


@pytest.mark.parametrize("freedom", [1, 2, 5, 9, 30])
def test_quantiles_of_both_intervals(freedom):
    """Student's quantiles, from scipy."""
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)
    assert student(freedom, 0.90) == pytest.approx(stats.t.ppf(0.95, freedom), rel=1e-9)


def test_slope_is_that_of_linregress_without_unknown_bins():
    rng = np.random.default_rng(2)
    t = np.arange(20.0) * 50.0
    y = 3.0 + 0.01 * t + rng.normal(size=20)
    y[4] = np.nan
    known = ~np.isnan(y)
    assert slope(t, y) == pytest.approx(stats.linregress(t[known], y[known]).slope, rel=1e-12)
    assert math.isnan(slope([1.0], [2.0]))


# a made-up world: measure = 5 + 2 a - 3 b + 4 a b + seed, a and b are 1 where the mechanism is on


def world(subsets, fails=()):
    planned, facts = {}, {}
    for seed in SEEDS:
        for off in conditions(["a", "b"], subsets):
            point = Point("s.py", "0", seed, 1.0, off=tuple(sorted(off)), is_measured=True)
            a, b = "a" not in off, "b" not in off
            planned[seed, Condition(off, NONE)] = point
            measures = {"y": 5.0 + 2.0 * a - 3.0 * b + 4.0 * a * b + 10.0 * seed}
            is_failed = (seed, off) in fails
            facts[point.key] = {"status": "failed", "error": "no", "measures": {}} if is_failed else {"status": "complete", "measures": measures}
    return Outcome(planned, Ran(facts, False), ())


@pytest.mark.parametrize("mechanisms, single, subsets", [(1, 2, 2), (2, 4, 4), (3, 8, 8), (5, 12, 32)])
def test_conditions_that_coincide_are_one(mechanisms, single, subsets):
    """None and all off, each off alone and on alone: 2 m + 2, of which those of one mechanism are two, and those of two four; subsets: 2^m."""
    names = [f"m{k}" for k in range(mechanisms)]
    assert (len(conditions(names, False)), len(conditions(names, True))) == (single, subsets)


def test_ablation_finds_the_contrasts_of_the_made_up_world():
    """off alone: a: -(2 + 4), b: -(-3 + 4); on alone: 2, -3; interaction 4. Between seeds everything is 10 apart, which pairs take away."""
    rows = {(r.subject, r.comparison): r for r in read(world(False), ["a", "b"], [NONE], False)}
    expected = {("a", "off alone"): -6.0, ("b", "off alone"): -1.0, ("a", "on alone"): 2.0, ("b", "on alone"): -3.0, ("all", "interaction"): 4.0}
    assert {key: r.mean for key, r in rows.items()} == pytest.approx(expected)
    assert all(r.n == len(SEEDS) and r.high - r.low < 1e-9 for r in rows.values())


def test_ablation_of_all_subsets_finds_factorial_effects():
    """Main effects: a: mean of 2 and 2 + 4, b: mean of -3 and -3 + 4 (Fisher 1935)."""
    rows = {(r.subject, r.comparison): r.mean for r in read(world(True), ["a", "b"], [NONE], True)}
    assert rows["a", "main effect"] == pytest.approx(4.0) and rows["b", "main effect"] == pytest.approx(-1.0)
    assert rows["a x b", "interaction"] == pytest.approx(4.0)


def test_a_failed_run_takes_its_seed_out_of_the_effects_that_need_it():
    broken = world(False, fails={(3, frozenset({"a"}))})
    rows = {(r.subject, r.comparison): r for r in read(broken, ["a", "b"], [NONE], False)}
    assert rows["a", "off alone"].n == len(SEEDS) - 1 and rows["b", "off alone"].n == len(SEEDS)
    assert len(broken.missing()) == 1 and broken.missing()[0].endswith("a off, to 1 ms: no")


def test_a_seed_with_an_open_run_does_not_count():
    whole = world(False)
    whole.ran.facts[whole.planned[8, Condition(frozenset({"b"}), NONE)].key]["status"] = "interrupted"
    assert whole.seeds == list(range(1, 8))
    assert all(r.n == 7 for r in read(whole, ["a", "b"], [NONE], False))


@pytest.mark.parametrize("subsets", [False, True])
def test_mechanisms_that_do_nothing_have_no_effect_by_rounding(subsets):
    """Six of them, and values such as 0.7 and 29.3: v - v - ... - v + 5 v, summed so, is not 0. Where one acts it alone has an effect."""
    names = [f"m{k}" for k in range(5 if subsets else 6)]
    for value, act in [(0.7, 0.0), (29.3, 0.0), (0.37, 0.0), (17.7, 0.1)]:
        planned, facts = {}, {}
        for seed in SEEDS:
            for off in conditions(names, subsets):
                point = Point("s.py", "0", seed, 1.0, off=tuple(sorted(off)), is_measured=True)
                planned[seed, Condition(off, NONE)] = point
                facts[point.key] = {"status": "complete", "measures": {"y": value * seed + act * ("m0" not in off)}}
        rows = read(Outcome(planned, Ran(facts, False), ()), names, [NONE], subsets)
        idle = [r for r in rows if r.subject != "m0" or act == 0.0]
        assert {(r.mean, r.verdict) for r in idle} == {(0.0, "0")}
        assert all(r.mean == pytest.approx(act * (-1 if r.comparison == "off alone" else 1)) for r in rows if r.subject == "m0")


# recovery


T = np.arange(10) * 100.0 + 50.0


def test_recovery_of_a_course_worked_by_hand():
    """Control 10; depth -0.8 in bin 1, half of it first in bin 3 (-0.4), a tenth in bin 5 (-0.05), then 0.3 over, the last fifth at 0.1 and 0.2."""
    d = np.array([-0.5, -0.8, -0.6, -0.4, -0.2, -0.05, 0.3, 0.1, 0.1, 0.2])
    found = recovery(T, 10.0 * (1.0 + d), np.full(10, 10.0))
    assert found == pytest.approx((-0.8, 350.0, 550.0, 0.15, 0.3))


def test_recovery_that_is_not_reached_is_no_number():
    found = recovery(T, np.full(10, 20.0), np.full(10, 10.0))
    assert found.depth == 1.0 and math.isnan(found.t50) and math.isnan(found.t90) and found.residual == 1.0 and found.overshoot == 0.0


def test_recovery_is_relative_to_a_control_that_moves_itself():
    """What the control does too is no deviation."""
    control = np.linspace(10.0, 20.0, 10)
    found = recovery(T, control + np.where(np.arange(10) == 2, 6.0, 0.0), control)
    assert found == pytest.approx((0.4, 350.0, 350.0, 0.0, 0.0))


def test_recovery_beside_a_silent_control_is_unknown():
    assert all(map(math.isnan, recovery(T, np.ones(10), np.zeros(10))))


# stability


def lines(slopes, noise):
    rng = np.random.default_rng(1)
    return [Course(T, 10.0 + b * (T - T.mean()) + noise * rng.normal(size=len(T)), "Hz") for b in slopes]


def test_drift_of_lines_with_known_slopes():
    """Slope b per ms over 1000 ms at mean 10: drift 100 b. Slopes 0.9e-3, 1e-3, 1.1e-3: 0.1 on average, and out of a margin of 0.05."""
    start, end, per_hour, drift = drift_rows("rate.exc", lines([0.9e-3, 1.0e-3, 1.1e-3], 0.0), 1000.0, "robustness on", 0.05, 3)
    assert (start.mean, end.mean) == pytest.approx((10.0 - 0.45, 10.0 + 0.45))
    assert per_hour.mean == pytest.approx(3600.0) and per_hour.unit == "Hz/h"
    width = student(2) * 0.01 / math.sqrt(3)
    assert (drift.low, drift.high) == pytest.approx((0.1 - width, 0.1 + width))
    assert drift.verdict == "not shown within the margin, excludes 0"


def test_no_drift_is_claimed_only_within_the_margin():
    steady = drift_rows("rate.exc", lines([0.0] * 8, 0.05), 1000.0, "", 0.05, 8)[-1]
    noisy = drift_rows("rate.exc", lines([0.0] * 8, 3.0), 1000.0, "", 0.05, 8)[-1]
    assert steady.verdict == "no drift: within the margin, includes 0"
    assert noisy.verdict == "not shown within the margin, includes 0"


def test_looks_are_averaged_over_the_piece_that_ends_with_them():
    """Looks at 50, 100, 150 and 200 ms in pieces of 100 ms."""
    found = averaged(Course(np.array([50.0, 100.0, 150.0, 200.0]), np.array([1.0, 3.0, 5.0, 9.0]), "mV"), 100.0, 2)
    assert found.value.tolist() == [2.0, 7.0] and found.t.tolist() == [50.0, 150.0]


# indices


VALUES = {"x": 2.0, "y": -1.0}


def test_morris_of_a_plane_is_its_slopes():
    """y = 3 x + 5 y over x 1..3 and y -1.5..-0.5: elementary effects over the whole range are 6 and 5, without spread (Morris 1991)."""
    sampled = indices.sample("morris", VALUES, 0.5, 6)
    found = {(i.parameter, i.name): i.value for i in indices.analyze("morris", VALUES, 0.5, sampled, sampled @ [3.0, 5.0])}
    assert found["x", "mu*"] == pytest.approx(6.0) and found["y", "mu*"] == pytest.approx(5.0)
    assert found["x", "sigma"] == pytest.approx(0.0, abs=1e-9)


def test_sobol_of_a_plane_is_its_shares_of_variance():
    """Variances of 3 x and 5 y over widths 2 and 1: 36 / 12 and 25 / 12, so 0.590 and 0.410; sampled, within 2 %."""
    sampled = indices.sample("sobol", VALUES, 0.5, 1024)
    found = {(i.parameter, i.name): i.value for i in indices.analyze("sobol", VALUES, 0.5, sampled, sampled @ [3.0, 5.0])}
    assert found["x", "S1"] == pytest.approx(36 / 61, abs=0.02) and found["y", "ST"] == pytest.approx(25 / 61, abs=0.02)


def test_indices_of_what_failed_are_unknown_and_of_what_never_moved_0():
    sampled = indices.sample("morris", VALUES, 0.5, 2)
    y = np.zeros(len(sampled))
    assert all(i.value == 0.0 for i in indices.analyze("morris", VALUES, 0.5, sampled, y))
    y[0] = np.nan
    assert all(math.isnan(i.value) for i in indices.analyze("morris", VALUES, 0.5, sampled, y))


@pytest.mark.parametrize("lost", [{}, {"y": math.nan}], ids=["failed", "without a value"])
def test_a_seed_that_lacks_a_run_is_left_out_of_the_indices(lost):
    """y = 3 x + 5 y + seed: those of the mean over the other seeds, 6 and 5; of their number is n. Without any seed they are unknown."""
    sampled = indices.sample("morris", VALUES, 0.5, 6)
    changes = [(f"x={x!r}", f"y={y!r}") for x, y in sampled]
    planned, facts = {}, {}
    for seed in SEEDS:
        for change, row in zip(changes, sampled, strict=True):
            point = planned[seed, Change("on", change)] = Point("s.py", "0", seed, 1.0, change, is_measured=True)
            facts[point.key] = {"status": "complete", "measures": {"y": float(row @ [3.0, 5.0]) + seed, "other": math.nan}}
    facts[planned[3, Change("on", changes[4])].key] = {"status": "failed" if not lost else "complete", "error": "no", "measures": lost}
    outcome = Outcome(planned, Ran(facts, False), ())
    analyze = partial(indices.analyze, "morris", VALUES, 0.5, sampled)
    rows = {(r.subject, r.comparison): r for r in index_rows(outcome, "y", "on", changes, analyze)}
    assert rows["x", "mu*"].mean == pytest.approx(6.0) and rows["y", "mu*"].mean == pytest.approx(5.0)
    assert {r.n for r in rows.values()} == {len(SEEDS) - 1} and len(outcome.seeds) == len(SEEDS)
    assert {(r.n, math.isnan(r.mean)) for r in index_rows(outcome, "other", "on", changes, analyze)} == {(0, True)}


def test_sobol_refuses_samples_that_are_no_power_of_2():
    with pytest.raises(DescriptionError, match="samples of the study are 12: .* power of 2, such as 16"):
        indices.sample("sobol", VALUES, 0.5, 12)
