"""What activity costs, and what happens when it costs more than there is: a soft constraint on energy.

    cost = baseline + cost_per_spike * spikes per second          (energy per second; a spike's share: Attwell & Laughlin 2001,
    penalty = scale * max(0, cost - budget)                        J. Cereb. Blood Flow Metab. 21:1133)
    d ln gain / dt = -rate (cost / budget - 1),   low <= gain <= 1 (up to `high` if symmetric)

cost is averaged exponentially over tau and corrected for its beginning at nothing: avg / (1 - exp(-t / tau)).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import DescriptionError, PathError, nearest
from ..given import short, truth
from .arguments import around_one, not_negative, positive
from .counting import SpikeCounter
from .inputs import inputs_of, lay_gain, take_gain


class MetabolicConstraint(SpikeCounter):
    """Watches what a population's activity costs, and acts on what is over the budget: on its inputs, on how fast synapses learn, on the reward.

    population      whose spikes cost
    budget          energy per second
    cost_per_spike  energy a spike; any unit, that of the budget
    baseline        energy per second, whatever happens
    scale           penalty for an energy per second above the budget
    reduce_gain     multiply the inputs by the gain, which goes down while the cost is above the budget and returns to 1 below it
    slow_learning   multiply m_energy of projections with rules by 1 / (1 + penalty)
    lower_reward    take the penalty off m_reward of projections whose rules read it
    symmetric       let the gain rise above 1, up to `high`, while the cost is below the budget: a quiet network is then driven up
    rate            1/s, of the gain; low, high: its bounds
    tau             ms, over which the cost is averaged; every: ms between two calls
    inputs          names of the inputs that are multiplied; None: all onto the population
    projections     names of those whose learning or reward is changed; None: all that have rules, or rules that read m_reward

    What it changes lies over what was described or written, and is taken back when the hook is detached.
    """

    units = {"cost": "1/s", "penalty": "1", "gain": "1", "learning": "1", "total": "1"}
    is_mechanism = property(lambda self: bool(self.reduce_gain or self.slow_learning or self.lower_reward))  # else it only watches
    transient = ("onto", "learning", "rewarding")  # names of inputs, and of projections whose learning and reward it changes
    avg: Any  # declared: energy per second before the correction, ms over which it was averaged, energy since the start
    elapsed: Any
    total: Any
    gain: Any
    own_rate: Any  # [projections] m_energy and m_reward without the hook, and as it wrote them last
    written_rate: Any
    own_reward: Any
    written_reward: Any

    def __init__(
        self, population: str, *, budget: float, cost_per_spike: float = 0.001, baseline: float = 0.0, scale: float = 0.1, reduce_gain: bool = True,
        slow_learning: bool = False, lower_reward: bool = False, symmetric: bool = False, rate: float = 1.0, low: float = 0.1, high: float = 2.0,
        tau: float = 1000.0, every: float = 100.0, inputs: Any = None, projections: Any = None,
    ) -> None:  # fmt: skip
        where = f"of {self.name} of {short(population)}"
        self.population, self.inputs, self.projections = population, inputs, projections
        self.reduce_gain, self.symmetric = truth(reduce_gain, f"reduce_gain {where}"), truth(symmetric, f"symmetric {where}")
        self.slow_learning, self.lower_reward = truth(slow_learning, f"slow_learning {where}"), truth(lower_reward, f"lower_reward {where}")
        self.budget, self.cost_per_spike = positive(budget, f"budget {where}"), positive(cost_per_spike, f"cost_per_spike {where}")
        self.baseline, self.scale = not_negative(baseline, f"baseline {where}"), not_negative(scale, f"scale {where}")
        self.rate, self.tau, self.every = positive(rate, f"rate {where}"), positive(tau, f"tau {where}"), every
        self.low, self.high = around_one(low, high, where)

    def start(self, sim: Any) -> None:
        self.watch(sim, (self.population,))
        self.onto = inputs_of(sim, self.population, self.inputs, self.name) if self.reduce_gain else ()
        self.learning, self.rewarding = rates, rewards = self.learners(sim), self.rewarded(sim)
        self.declare(avg=0.0, elapsed=0.0, total=0.0, gain=1.0)
        self.declare_name(sim)
        self.declare(own_rate=read(sim, rates, "m_energy"), written_rate=read(sim, rates, "m_energy"))
        self.declare(own_reward=read(sim, rewards, "m_reward"), written_reward=read(sim, rewards, "m_reward"))

    def learners(self, sim: Any) -> list[str]:
        """Projections whose m_energy is multiplied."""
        return ruled(sim, self.projections, self.name) if self.slow_learning else []

    def rewarded(self, sim: Any) -> list[str]:
        """Projections off whose m_reward the penalty is taken."""
        if not self.lower_reward:
            return []
        names = ruled(sim, self.projections, self.name)
        found = [name for name in names if "m_reward" in sim.net.projections[name].chain.read]
        if not found:
            raise DescriptionError(f"{self.name}: no rule of {', '.join(names)} reads m_reward: leave lower_reward out, or learn by RewardSTDP")
        return found

    @property
    def cost(self) -> float:
        """Running energy per second; nan before the first call."""
        return float(self.avg) / -math.expm1(-float(self.elapsed) / self.tau) if self.elapsed else math.nan

    @property
    def penalty(self) -> float:
        """For what is over the budget; 0 before the first call."""
        return penalty(self.cost, self.budget, self.scale)

    def handle(self, sim: Any) -> None:
        (count,), span = self.taken(sim)
        if span == 0.0:
            return
        now = cost_rate(int(count), span, self.cost_per_spike, self.baseline)
        keep = math.exp(-span / self.tau)
        self.avg = keep * float(self.avg) + (1.0 - keep) * now
        self.elapsed += span
        self.total += now * span * 1e-3
        if self.reduce_gain:
            high = self.high if self.symmetric else 1.0
            self.gain = next_gain(float(self.gain), self.cost / self.budget, self.rate * span * 1e-3, self.low, high)
            lay_gain(sim, self.onto, self.population, self.own_name, float(self.gain))
        follow(sim, self.learning, "m_energy", self.own_rate, self.written_rate, lambda own: own / (1.0 + self.penalty))
        follow(sim, self.rewarding, "m_reward", self.own_reward, self.written_reward, lambda own: own - self.penalty)

    def finish(self, sim: Any, status: str) -> None:
        take_gain(sim, self.onto, self.own_name)
        follow(sim, self.learning, "m_energy", self.own_rate, self.written_rate, lambda own: own)
        follow(sim, self.rewarding, "m_reward", self.own_reward, self.written_reward, lambda own: own)

    def diagnostics(self) -> dict[str, float]:
        """Running cost, penalty, gain, the factor of learning rates, and all energy since the start."""
        if not self.has_begun:
            return dict.fromkeys(self.units, math.nan)
        factor = 1.0 / (1.0 + self.penalty) if self.slow_learning else 1.0
        return {"cost": self.cost, "penalty": self.penalty, "gain": float(self.gain), "learning": factor, "total": float(self.total)}


def cost_rate(count: int, span: float, cost_per_spike: float, baseline: float) -> float:
    """Energy per second of so many spikes in `span` ms."""
    return baseline + cost_per_spike * count / (span * 1e-3)


def penalty(cost: float, budget: float, scale: float) -> float:
    """scale * max(0, cost - budget); 0 where the cost is not known."""
    return scale * max(0.0, cost - budget) if cost > budget else 0.0


def next_gain(gain: float, share: float, step: float, low: float, high: float) -> float:
    """The gain after a step (rate times duration) at a cost of `share` of the budget."""
    return min(max(gain * math.exp(-step * (share - 1.0)), low), high)


def follow(sim: Any, names: list[str], field: str, own: np.ndarray, written: np.ndarray, change: Any) -> None:
    """Write a modulator of projections, changed from its own value, which is what somebody else wrote last."""
    for k, name in enumerate(names):
        learning = sim[name].learning
        now = float(getattr(sim[name], field))
        if now != written[k]:
            own[k] = now
        value = float(change(float(own[k])))
        if value != now:
            learning.write(field, value)
        written[k] = value


def read(sim: Any, names: list[str], field: str) -> np.ndarray:
    return np.array([float(getattr(sim[name], field)) for name in names], dtype=np.float64)


def ruled(sim: Any, chosen: Any, hook: str) -> list[str]:
    """Names of the chosen projections, which must have rules; None: all that do."""
    known = [name for name, p in sim.net.projections.items() if p.chain is not None]
    names = known if chosen is None else [chosen] if isinstance(chosen, str) else list(chosen)
    for name in names:
        if name not in sim.net.projections:
            raise PathError(f"{hook}: unknown projection {short(name)}: {nearest(str(name), sim.net.projections)}")
        if name not in known:
            raise DescriptionError(f"{hook}: projection {name} has no rule: connect it with rule=")
    if not names:
        raise DescriptionError(f"{hook}: no projection has a rule: connect one with rule=, or leave slow_learning and lower_reward out")
    return names
