"""What a study of recovery does to a network: once, for good, between two runs. The network's mechanisms are left as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
    sim.attach(Interventions([Lesion(name, share=share, at=sim.t) for name in excitatory(sim.net)]))


def silenced_inhibition(sim: Any, share: float) -> None:
    """All populations that inhibit fall silent."""
    sim.attach(Interventions([Silence(name, at=sim.t) for name in inhibitory(sim.net)]))


def drive_doubled(sim: Any, share: float) -> None:
    """Twice the rate of every Poisson drive."""
    for name in poisson_drives(sim.net):
        sim[name].rate = DRIVEN * sim[name].rate


DISTURBANCES: dict[str, Callable[[Any, float], None]] = {
    f.__name__: f for f in (weights_high, weights_low, lesion, silenced_inhibition, drive_doubled)
}
LESION = lesion.__name__  # the only one that takes a share


def excitatory(net: Any) -> list[str]:
    """Populations of neurons that do not inhibit."""
    return [name for name in neurons(net) if name not in inhibitory(net)]


def poisson_drives(net: Any) -> list[str]:
    return [name for name, drive in net.drives.items() if isinstance(drive.source, Poisson)]


DISTURBED: dict[str, tuple[Callable[[Any], Collection[str]], str]] = {  # what of a network it is done to, and how that is called
    "weights_high": (lambda net: net.projections, "projection"),
    "weights_low": (lambda net: net.projections, "projection"),
    "lesion": (excitatory, "population of neurons that does not inhibit"),
    "silenced_inhibition": (inhibitory, "population that inhibits"),
    "drive_doubled": (poisson_drives, "Poisson drive"),
}


def checked(names: Any, net: Any, known: Sequence[str] = tuple(DISTURBANCES)) -> tuple[str, ...]:
    """The names of disturbances; PathError if one is not known, DescriptionError if there is nothing in the network that it could be done to."""
    names = asked.names(names, "disturb")
    if not names:
        raise DescriptionError(f"disturb of the study is empty: name some of {', '.join(known)}")
    for name in names:
        if name not in known:
            raise PathError(f"unknown disturbance {name!r}: {nearest(name, known)}")
        refuse_nothing(name, net)
    return tuple(dict.fromkeys(names))


def refuse_nothing(name: str, net: Any) -> None:
    """Refuse a disturbance of what the network has not."""
    if name in DISTURBED and not DISTURBED[name][0](net):
        left = ", ".join(each for each, (find, _) in DISTURBED.items() if find(net))
        raise DescriptionError(f"disturbance {name} finds no {DISTURBED[name][1]} in the network: name some of {left or NONE} with --disturb")


def disturb(sim: Any, name: str, share: float) -> None:
    """Do it now; the control is left alone."""
    refuse_nothing(name, sim.net)
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
