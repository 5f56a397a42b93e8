"""Which rules move the weight while time passes."""

from __future__ import annotations

import dis
from functools import cache

from .contract import rule_of


@cache
def leaves_weight(cls: type) -> bool:
    """Whether `between` of a rule hands w on untouched, as that of short-term plasticity does: other rules need not know when it is called.

    That is so if it takes w once, without a branch, and gives back that very thing; of what is not as plain the answer is no.
    """
    made = rule_of(cls)
    if made.between is None:
        return True
    steps = list(dis.get_instructions(made.between))
    taken = [step for step in steps if step.argval == "w" or (isinstance(step.argval, tuple) and "w" in step.argval)]
    if len(taken) != 1 or any("JUMP" in step.opname or "FOR_ITER" in step.opname for step in steps):
        return False
    w = object()
    try:
        found = made.between(w, *[1.0] * len(made.reads("between")), 1.0, 0.1, cls())
    except Exception:  # w was used, or the rule has no defaults
        return False
    return (found[0] if isinstance(found, tuple) and found else found) is w
