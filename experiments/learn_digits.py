"""How well does a small spiking network learn handwritten digits by gradient, by Hebb, and by mixtures of both?

python experiments/learn_digits.py --out docs/figures/learn_digits.png --page docs/digits.md

The 8x8 digits of scikit-learn are shown for 20 ms each: a pixel fires regularly, the more often the darker it is. A hidden layer of LIF neurons and
ten output neurons follow; the output that fires most is the answer. Each way of learning is run with several seeds (of weights and order) on one
split. The picture has the learning curves, the page the table.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from thalia_sim import (
    FastSigmoid,
    HebbianConfig,
    HybridLearningConfig,
    LIFDelta,
    Network,
    Normal,
    SpikeArray,
    SpikingNetwork,
    all_to_all,
    cross_entropy,
)
from thalia_sim.analysis.plots import COLOURS, STYLE
from thalia_sim.units import mV, ms

STEPS = 20  # of 1 ms, an image's time
HIDDEN = 100
TAU = 20 * ms  # of the membranes
TRAIN = 1200  # images; the other 597 are the test
SPLIT = 2  # seed of the split; the rates below were chosen on another one
BATCH = 48
TAUGHT = 0.5 / ms  # rate that the teacher asks of the right output, 0 of the others
GRADIENT_LR, HEBBIAN_LR, CLAMPED_LR = 3.0, 30.0, 3.0
MIXTURES = ((1.0, 0.0), (0.9, 0.1), (0.7, 0.3), (0.5, 0.5), (0.3, 0.7), (0.1, 0.9), (0.0, 1.0))  # (gradient_weight, hebbian_weight)


class Digits(NamedTuple):
    """Images as spikes [steps, n, 64] and their classes [n]; a permutation whose first TRAIN are for training."""

    images: np.ndarray  # [n, 64], 0 (paper) to 1 (ink)
    spikes: np.ndarray
    classes: np.ndarray
    order: np.ndarray

    @property
    def train(self):
        return self.order[:TRAIN]

    @property
    def test(self):
        return self.order[TRAIN:]


def load():
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit("scikit-learn, which ships the digits, is not installed: python -m pip install scikit-learn") from None
    images, classes = load_digits(return_X_y=True)
    images = images / 16.0
    return Digits(images, regular_spikes(images), classes, np.random.default_rng(SPLIT).permutation(len(classes)))


def regular_spikes(images):
    """Spikes [steps, n, 64]: a pixel of full ink fires in every second step, one of half the ink in every fourth."""
    phase = np.cumsum(np.repeat(images[None] * 0.5, STEPS, axis=0), axis=0)
    return np.diff(np.floor(phase), axis=0, prepend=0.0)


def build(seed):
    net = Network(seed=seed, dt=1 * ms)
    cell = LIFDelta(tau_m=TAU, v_th=10 * mV, t_ref=0 * ms)
    net.populate("pixels", 64, SpikeArray())
    net.populate("hidden", HIDDEN, cell)
    net.populate("digits", 10, cell)
    net.connect("pixels", "hidden", all_to_all(), w=Normal(0.3 * mV, 1.0 * mV))
    net.connect("hidden", "digits", all_to_all(), w=Normal(0.2 * mV, 1.0 * mV))
    return net


def contrast(rates, classes):
    """Activities of the outputs for Hebb: clamped to the teacher, less those of the free network, which learn with the opposite sign."""
    return TAUGHT * np.eye(10)[classes] - rates


def clamped(rates, classes):
    """The teacher alone, centred over the classes."""
    return TAUGHT / 5 * (np.eye(10)[classes] - 0.1)


class Way(NamedTuple):
    """A way of learning: its configuration at full rates, and what the outputs are taught for Hebb."""

    name: str
    config: HybridLearningConfig
    teacher: object


def ways():
    hebbian = HebbianConfig(HEBBIAN_LR, weight_decay=0.0, max_weight=20.0)
    mixed = [Way(name_of(g, h), HybridLearningConfig(g, h, gradient_lr=GRADIENT_LR, hebbian=hebbian), contrast) for g, h in MIXTURES]
    config = HybridLearningConfig(0.0, 1.0, hebbian=hebbian.with_oja_rule().with_learning_rate(CLAMPED_LR))
    return [*mixed, Way("Hebb alone, clamped", config, clamped)]


def name_of(gradient, hebbian):
    if gradient == 0.0 or hebbian == 0.0:
        return "gradient alone" if hebbian == 0.0 else "Hebb alone, contrast"
    return f"gradient {gradient:g}, Hebb {hebbian:g}"


def accuracy(learner, digits, which):
    """Share of images whose own output fires most; of equal ones the first counts."""
    return float(np.mean(learner.forward(digits.spikes[:, which]).argmax(axis=1) == digits.classes[which]))


def train(digits, way, seed, epochs):
    """Test accuracy before learning and after each epoch, [epochs + 1], and the network; rates fall linearly to zero."""
    learner = SpikingNetwork(build(seed), surrogate=FastSigmoid(0.5))
    learner.exclude_from_hebbian("pixels->hidden")  # nobody teaches the hidden layer
    rng = np.random.default_rng(seed)
    curve = [accuracy(learner, digits, digits.test)]
    for epoch in range(epochs):
        left = 1.0 - epoch / epochs
        config = way.config.with_learning_rates(left * way.config.gradient_lr, left * way.config.hebbian.learning_rate)
        order = rng.permutation(digits.train)
        for batch in np.split(order, range(BATCH, len(order), BATCH)):
            rates = learner.forward(digits.spikes[:, batch])
            _, gradient = cross_entropy(rates * STEPS, digits.classes[batch])  # of the numbers of spikes
            learner.teach("digits", way.teacher(rates, digits.classes[batch]))
            learner.backward_hybrid(gradient * STEPS, config)
        curve.append(accuracy(learner, digits, digits.test))
    return np.array(curve), learner


def linear_classifier(digits):
    """Test accuracy of logistic regression on the pixels."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=5000).fit(digits.images[digits.train], digits.classes[digits.train])
    return float(fitted.score(digits.images[digits.test], digits.classes[digits.test]))


def sweep(digits, seeds, epochs):
    """Curves [seeds, epochs + 1] of every way by its name."""
    curves = {}
    for way in ways():
        curves[way.name] = np.array([train(digits, way, seed, epochs)[0] for seed in seeds])
        last = curves[way.name][:, -1]
        print(f"{way.name:22s} median {np.median(last):.3f}, {last.min():.3f} to {last.max():.3f}", flush=True)
    return curves


def draw(curves, linear, out):
    """Left: test accuracy against epochs, median and range over seeds. Right: the last accuracy against the share of Hebb, a dot a seed."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 4.4), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
        shown = ("gradient alone", "gradient 0.7, Hebb 0.3", "gradient 0.3, Hebb 0.7", "Hebb alone, contrast", "Hebb alone, clamped")
        for name, colour, dash in zip(shown, COLOURS, ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), ":"), strict=False):
            of_seeds = 100 * curves[name]
            epochs = np.arange(of_seeds.shape[1])
            left.fill_between(epochs, of_seeds.min(axis=0), of_seeds.max(axis=0), color=colour, alpha=0.15, linewidth=0)
            left.plot(epochs, np.median(of_seeds, axis=0), color=colour, linestyle=dash, label=name)
        left.axhline(100 * linear, color="0.55", linewidth=0.8, label="linear classifier on the pixels")
        left.axhline(10, color="0.55", linewidth=0.8, linestyle=(0, (1, 2)), label="chance")
        left.set(xlabel="epoch", ylabel="test accuracy (%)", xlim=(0, epochs[-1]), ylim=(0, 100))
        left.set_title("Learning curves", fontsize=9, loc="left")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        shares, spread = [], np.linspace(-0.012, 0.012, len(of_seeds))
        for _, hebbian in MIXTURES:
            last = 100 * curves[name_of(1.0 - hebbian, hebbian)][:, -1]
            right.plot(hebbian + spread, last, "o", color=COLOURS[0], markersize=3, alpha=0.5, markeredgewidth=0)
            shares.append(np.median(last))
        right.plot([hebbian for _, hebbian in MIXTURES], shares, color=COLOURS[0], linewidth=1)
        right.axhline(100 * linear, color="0.55", linewidth=0.8)
        right.set(xlabel="weight of Hebb, 1 - weight of the gradient", ylabel="test accuracy after the last epoch (%)", xlim=(-0.04, 1.04))
        right.set_title("Mixtures: a dot a seed, the line joins medians", fontsize=9, loc="left")
        figure.savefig(out)


PAGE = """# Digits learned by gradient, by Hebb, and by both

![Test accuracy of a spiking network by epoch and by mixture]({picture})

*Made by `python experiments/learn_digits.py --out docs/figures/learn_digits.png --page docs/digits.md`, in {minutes:.1f} minutes on one core.
Bands are the range over {seeds} seeds.*

The 8x8 digits of scikit-learn, {train} for training and {test} for the test, one split for all. An image lasts {steps} ms; a pixel fires
regularly, at full ink every other ms. {hidden} hidden and 10 output neurons (`LIFDelta`, membrane of {tau:g} ms, steps of 1 ms), {weights:,} weights;
the output that fires most is the answer, of equal ones the first. {epochs} epochs in batches of {batch}; learning rates fall linearly to zero. They
were chosen by hand on another split, that of the clamped rule only coarsely.

| way of learning | test accuracy, median | lowest and highest of {seeds} seeds |
| --- | --- | --- |
{rows}
| logistic regression on the pixels (scikit-learn) | {linear:.3f} | |

- **gradient**: cross entropy of the outputs' numbers of spikes, surrogate gradient through time into both projections, plain descent, global norm
  clipped at 1.
- **Hebb, contrast**: the classic rule on the output projection, with the outputs' activities clamped to a teacher, less those of the free network
  (contrastive Hebbian learning; Movellan 1991; with one layer the rule of Widrow and Hoff). The hidden weights stay as drawn.
- **Hebb, clamped**: Oja's rule on the output projection with the teacher alone. Its weights become the differences between mean hidden activities of
  the classes; without a bias or equal norms these are a poor classifier.
- **mixtures**: `HybridLearningConfig(gradient_weight, hebbian_weight)` with the gradient and the contrast above.

{conclusion}
"""


def page(curves, linear, seeds, epochs, minutes, picture):
    rows = [f"| {name} | {np.median(c[:, -1]):.3f} | {c[:, -1].min():.3f} to {c[:, -1].max():.3f} |" for name, c in curves.items()]
    return PAGE.format(
        picture=picture, minutes=minutes, seeds=seeds, train=TRAIN, test=1797 - TRAIN, steps=STEPS, hidden=HIDDEN, tau=TAU, weights=74 * HIDDEN,
        epochs=epochs, batch=BATCH, rows="\n".join(rows), linear=linear, conclusion=conclusion(curves),
    )  # fmt: skip


def conclusion(curves):
    """What the table says, in sentences that hold for its numbers."""
    medians = {name: float(np.median(c[:, -1])) for name, c in curves.items()}
    mixed = {name: m for name, m in medians.items() if name.startswith("gradient 0")}
    best = max(mixed, key=mixed.__getitem__)
    gain = mixed[best] - medians["gradient alone"]
    ranges = curves[best][:, -1], curves["gradient alone"][:, -1]
    apart = ranges[0].min() > ranges[1].max() or ranges[0].max() < ranges[1].min()
    verdict = "the ranges over seeds do not overlap" if apart else "the ranges over seeds overlap, so this is no difference to build on"
    return f"The best mixture, {best}, is {abs(gain):.3f} {'above' if gain >= 0 else 'below'} the gradient alone; {verdict}."


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("learn_digits.png"), help="picture (.png, .svg or .pdf)")
    parser.add_argument("--page", type=Path, help="page of text with the table")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    given = parser.parse_args()
    if given.seeds < 1 or given.epochs < 1:
        sys.exit("give at least one seed and one epoch")
    begun, digits = time.perf_counter(), load()
    curves, linear = sweep(digits, range(1, given.seeds + 1), given.epochs), linear_classifier(digits)
    print(f"logistic regression    {linear:.3f}")
    draw(curves, linear, given.out)
    if given.page is not None:
        minutes = (time.perf_counter() - begun) / 60
        picture = given.out.resolve().relative_to(given.page.resolve().parent)
        given.page.write_text(page(curves, linear, given.seeds, given.epochs, minutes, picture), encoding="utf-8")


if __name__ == "__main__":
    main()
