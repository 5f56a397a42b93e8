"""Can handwritten digits be told apart by which neurons fire first? Pixels become spike latencies, the spikes a file, the file drives a network.

thalia-sim run experiments/digits.py --out digits.h5

Each 8x8 image (scikit-learn's digits) is shown for `window` ms: a pixel fires once, the earlier the darker it is. The spikes of all images
are written to `digits_input.h5` in the SONATA format and read back from there. Ten groups of neurons listen, each through the mean image of its
class over the first half of the set; a shared pool of inhibitory neurons lets the fastest group win. The images shown are from the second half.
At the end `digits.png` shows the response to each class, and the share of images whose own group fired most is printed.
"""

from pathlib import Path

import numpy as np

from thalia_sim import Hook, LIFExp, Network, SpikeFile, all_to_all, from_matrix
from thalia_sim.recording.spike_file import write_spikes
from thalia_sim.units import mV, ms, pA, pF

INPUT = Path("digits_input.h5")
WINDOW = 60 * ms  # an image's share of the time
LATEST = 20 * ms  # when the palest pixel fires that fires at all
CLASSES, PER_CLASS, GROUP = 10, 6, 20  # classes, images shown of each, neurons a group

until = CLASSES * PER_CLASS * WINDOW


def load_digits():
    """Images [n, 64] from 0 (paper) to 1 (ink) and their classes [n]."""
    try:
        from sklearn.datasets import load_digits as load
    except ImportError:
        raise SystemExit("scikit-learn, which ships the digits, is not installed: python -m pip install scikit-learn") from None
    images, classes = load(return_X_y=True)
    return images / 16.0, classes


def latencies(images):
    """Spike times (ms) and pixels of images shown one after the other; pixels with less than a quarter of the ink stay silent."""
    shown, pixels = np.nonzero(images >= 0.25)
    times = 1 * ms + shown * WINDOW + LATEST * (1.0 - images[shown, pixels])
    order = np.lexsort((pixels, times))
    return times[order], pixels[order]


def choose(classes, seed):
    """Indices of the images shown, class by class, from the second half of the set."""
    rng = np.random.default_rng(seed)
    second = np.arange(len(classes) // 2, len(classes))
    return np.concatenate([rng.choice(second[classes[second] == c], PER_CLASS, replace=False) for c in range(CLASSES)])


def templates(images, classes):
    """What speaks for each class [64, 10]: mean image of the class over the first half of the set, less the mean of all, norm 1."""
    first = slice(0, len(classes) // 2)
    means = np.stack([images[first][classes[first] == c].mean(axis=0) for c in range(CLASSES)], axis=1)
    contrast = means - means.mean(axis=1, keepdims=True)
    return contrast / np.linalg.norm(contrast, axis=0)


def build(seed=1, w=1500.0 * pA, inhibition=100.0 * pA):
    images, classes = load_digits()
    times, pixels = latencies(images[choose(classes, seed)])
    write_spikes(INPUT, {"pixels": (times, pixels)}, force=True)

    net = Network(seed=seed)
    cell = LIFExp(tau_m=10 * ms, tau_exc=5 * ms, tau_inh=5 * ms, c_m=250 * pF, v_th=-50 * mV, v_reset=-65 * mV, t_ref=2 * ms)
    source = net.populate("pixels", 64, SpikeFile(INPUT, "pixels"))
    groups = net.populate("groups", CLASSES * GROUP, cell)
    pool = net.populate("pool", 40, cell)

    evidence = np.repeat(templates(images, classes), GROUP, axis=1) * w  # [64, 200] pA
    spread = np.random.default_rng(seed).uniform(0.8, 1.2, evidence.shape)
    net.connect(source, groups, from_matrix(np.maximum(evidence, 0.0) * spread), receptor="exc", name="for")
    net.connect(source, groups, from_matrix(np.minimum(evidence, 0.0) * spread), receptor="inh", name="against")
    net.connect(groups, pool, all_to_all(), w=60 * pA, receptor="exc")
    net.connect(pool, groups, all_to_all(), w=-inhibition, receptor="inh")
    return net


class RasterByClass(Hook):
    """Collects the spikes of the groups; at the end draws them against the class shown and counts how often the right group won."""

    def __init__(self, picture="digits.png"):
        self.picture = picture
        self.times, self.cells = [], []

    def start(self, sim):
        self.first = sim.net["groups"].offset

    def spikes(self, sim, steps, ids):
        own = (ids >= self.first) & (ids < self.first + CLASSES * GROUP)
        self.times.append((steps[own] + 1) * sim.dt)
        self.cells.append(ids[own] - self.first)

    def finish(self, sim, status):
        times, cells = np.concatenate([[], *self.times]), np.concatenate([np.zeros(0, int), *self.cells])
        votes = np.zeros((CLASSES * PER_CLASS, CLASSES))
        np.add.at(votes, (np.minimum(times // WINDOW, len(votes) - 1).astype(int), cells // GROUP), 1)
        shown = np.repeat(np.arange(CLASSES), PER_CLASS)
        right = np.mean((votes.argmax(axis=1) == shown) & (votes.max(axis=1) > 0))
        print(f"own group fired most for {right:.0%} of {len(shown)} images (chance {1 / CLASSES:.0%})")
        self.draw(times, cells)

    def draw(self, times, cells):
        """A column for each class shown, a band for each group; spikes of the own group dark."""
        import matplotlib

        matplotlib.use("agg")
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(10, 5), layout="constrained")
        span = PER_CLASS * WINDOW
        own = (times // span).astype(int) == cells // GROUP
        axes.scatter(times[~own], cells[~own], s=2, color="0.7", linewidths=0)
        axes.scatter(times[own], cells[own], s=2, color="C3", linewidths=0)
        for c in range(1, CLASSES):
            axes.axvline(c * span, color="0.85", linewidth=0.5)
            axes.axhline(c * GROUP - 0.5, color="0.85", linewidth=0.5)
        axes.set_xticks((np.arange(CLASSES) + 0.5) * span, [str(c) for c in range(CLASSES)])
        axes.set_yticks((np.arange(CLASSES) + 0.5) * GROUP, [str(c) for c in range(CLASSES)])
        axes.set(xlabel=f"digit shown ({PER_CLASS} images each, {WINDOW:g} ms an image)", ylabel="group", xlim=(0, until))
        figure.savefig(self.picture, dpi=150)
        plt.close(figure)


def hooks():
    return [RasterByClass()]
