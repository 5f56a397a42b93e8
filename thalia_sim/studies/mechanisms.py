"""The mechanisms that a script attaches to its network, by name, and its hooks with some of them switched off.

Those of a UnifiedHomeostasis go by the names in its configuration (`ei_balance`), all others by the name of their hook (`synapticscaling`). Hooks
that only watch are none, nor are interventions. Two hooks of one name are one mechanism.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..errors import PathError, nearest
from ..hooks.contract import Hook
from ..robustness import UnifiedHomeostasis


def mechanisms_in(hooks: Sequence[Hook]) -> list[str]:
    """Names of all mechanisms, each once, in the order of the hooks."""
    found: list[str] = []
    for hook in hooks:
        if isinstance(hook, UnifiedHomeostasis):
            found += hook.config.get_acting_mechanisms()
        elif hook.is_mechanism:
            found.append(hook.name)
    return list(dict.fromkeys(found))


def without(hooks: Sequence[Hook], off: Collection[str]) -> list[Hook]:
    """The hooks without the mechanisms named."""
    known = mechanisms_in(hooks)
    for name in off:
        if name not in known:
            raise PathError(f"mechanism {name!r} is not among the hooks of the script: {nearest(name, known)}")
    left: list[Hook] = []
    for hook in hooks:
        if isinstance(hook, UnifiedHomeostasis):
            switches = {name: False for name in hook.config.get_enabled_mechanisms() if name in off}
            at = hook.sites
            left.append(UnifiedHomeostasis(hook.config.switched(**switches), at.exc, at.inh, at_input=at.at_input, over=at.over))
        elif not (hook.is_mechanism and hook.name in off):
            left.append(hook)
    return left
