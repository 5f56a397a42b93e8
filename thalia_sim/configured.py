"""A network and its robustness from one configuration, in one call.

    net, hooks = from_thalia_config(ThaliaConfig(robustness=RobustnessConfig.biological()))
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .circuits.layered_cortex import LayeredCortexConfig, cortex_sites, layered_cortex
from .errors import DescriptionError, nearest
from .given import is_whole, read_json, short
from .hooks.contract import Hook
from .network import Network
from .robustness.config import RobustnessConfig
from .robustness.unified import UnifiedHomeostasis


@dataclass(frozen=True)
class ThaliaConfig:
    """A layered cortex, its seed, and the mechanisms that keep it in its working range."""

    seed: int = 1
    cortex: LayeredCortexConfig = LayeredCortexConfig()
    robustness: RobustnessConfig = field(default_factory=RobustnessConfig)

    def __post_init__(self) -> None:
        if not is_whole(self.seed):
            raise DescriptionError(f"seed of ThaliaConfig is {short(self.seed)}: give a whole number")
        for name, kind in (("cortex", LayeredCortexConfig), ("robustness", RobustnessConfig)):
            if not isinstance(getattr(self, name), kind):
                raise DescriptionError(f"{name} of ThaliaConfig is {short(getattr(self, name))}: give a {kind.__name__}")

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and dicts, ready for JSON; a rule of the cortex cannot be among them."""
        if self.cortex.rule is not None:
            raise DescriptionError(f"rule of LayeredCortexConfig is {short(self.cortex.rule)}, no number: leave it out, set it in the script")
        cortex = {f.name: getattr(self.cortex, f.name) for f in fields(self.cortex) if f.name != "rule"}
        return {"seed": self.seed, "cortex": cortex, "robustness": self.robustness.to_dict()}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> ThaliaConfig:
        """The configuration that `to_dict` gave; what is left out is the default, an unknown name is refused."""
        check_names(tree, "ThaliaConfig", cls)
        cortex = tree.get("cortex", {})
        check_names(cortex, "cortex", LayeredCortexConfig)
        return replace(
            cls(), seed=tree.get("seed", 1), cortex=LayeredCortexConfig(**cortex), robustness=RobustnessConfig.from_dict(tree.get("robustness", {}))
        )

    def to_json(self) -> str:
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> ThaliaConfig:
        return cls.from_dict(read_json(text, "ThaliaConfig"))


def check_names(tree: Any, what: str, kind: Any) -> None:
    """Refuse what is no mapping, or names a field that is not there."""
    if not isinstance(tree, Mapping):
        raise DescriptionError(f"{what} is {short(tree)}: give a dict of its fields")
    known = [f.name for f in fields(kind)]
    for name in tree:
        if name not in known:
            raise DescriptionError(f"{what} has no field {short(name)}: {nearest(str(name), known)}")


def from_thalia_config(config: ThaliaConfig) -> tuple[Network, list[Hook]]:
    """The network, and the hooks of its mechanisms: one UnifiedHomeostasis, none if no mechanism is on."""
    if not isinstance(config, ThaliaConfig):
        raise DescriptionError(f"config is {short(config)}: give a ThaliaConfig")
    net = layered_cortex(config.seed, config.cortex)
    on = config.robustness.get_enabled_mechanisms()
    return net, [UnifiedHomeostasis(config.robustness, **cortex_sites(net)._asdict())] if on else []
