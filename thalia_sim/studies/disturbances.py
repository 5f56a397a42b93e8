"""What a study of recovery does to a network: once, for good, between two runs. The network's mechanisms are left as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DescriptionError, PathError, nearest
from ..interventions import Interventions, Lesion, Silence
from ..sources import Poisson
from . import asked
from .inhibition import inhibitory, neurons

HIGH, LOW, DRIVEN = 2.0, 0.5, 2.0  # factors
NONE = "none"  # the control


def weights_high(sim: Any, share: float) -> None:
    """Twice the stored weights of every projection, up to the bounds of its rules."""
    scale_weights(sim, HIGH)


def weights_low(sim: Any, share: float) -> None:
    """Half the stored weights of every projection, down to the bounds of its rules."""
    scale_weights(sim, LOW)


def lesion(sim: Any, share: float) -> None:
    """A share of each excitatory population is lost, drawn by the seed."""
    lost = [name for name in neurons(sim.net) if name not in inhibitory(sim.net)]
    refuse_none(lost, "lesion", "population of neurons that does not inhibit")
    sim.attach(Interventions([Lesion(name, share=share, at=sim.t) for name in lost]))


def silenced_inhibition(sim: Any, share: float) -> None:
    """All populations that inhibit fall silent."""
    silenced = inhibitory(sim.net)
    refuse_none(silenced, "silenced_inhibition", "population that inhibits")
    sim.attach(Interventions([Silence(name, at=sim.t) for name in silenced]))


def drive_doubled(sim: Any, share: float) -> None:
    """Twice the rate of every Poisson drive."""
    drives = [name for name, drive in sim.net.drives.items() if isinstance(drive.source, Poisson)]
    refuse_none(drives, "drive_doubled", "Poisson drive")
    for name in drives:
        sim[name].rate = DRIVEN * sim[name].rate


DISTURBANCES: dict[str, Callable[[Any, float], None]] = {
    f.__name__: f for f in (weights_high, weights_low, lesion, silenced_inhibition, drive_doubled)
}


def checked(names: Any, known: Sequence[str] = tuple(DISTURBANCES)) -> tuple[str, ...]:
    """The names of disturbances; PathError if one is not known."""
    names = asked.names(names, "disturb")
    if not names:
        raise DescriptionError(f"disturb of the study is empty: name some of {', '.join(known)}")
    for name in names:
        if name not in known:
            raise PathError(f"unknown disturbance {name!r}: {nearest(name, known)}")
    return tuple(dict.fromkeys(names))


def disturb(sim: Any, name: str, share: float) -> None:
    """Do it now; the control is left alone."""
    if name != NONE:
        DISTURBANCES[name](sim, share)


def scale_weights(sim: Any, factor: float) -> None:
    """Write every projection's weights times a factor, within the bounds of its rules."""
    for name in sim.net.projections:
        view = sim[name]
        w = factor * view.w
        if view.learning is not None:
            rules = view.learning.in_force()
            w = np.copysign(np.clip(np.abs(w), rules.weakest, rules.strongest), w)
        view.w = w


def refuse_none(found: list[str], name: str, noun: str) -> None:
    if not found:
        raise DescriptionError(f"disturbance {name} finds no {noun} in the network: leave it out of --disturb")
