"""Compile plain scalar functions together with the plain functions that they call.

A model's `step` may call helpers, of its own module or from around it. Numba follows calls to compiled functions only, so a copy of each function
is made whose globals and closure hold the compiled copies of its helpers. The originals stay plain Python and remain the reference.
"""

import types
from collections.abc import Callable
from typing import Any


def compiled_scalar(function: Callable[..., Any], decorate: Callable[[Any], Any], seen: dict[int, Any] | None = None) -> Any:
    """`decorate` applied to a copy of `function`, and to every plain Python function it uses, recursively."""
    seen = {} if seen is None else seen
    if id(function) in seen:
        return seen[id(function)]
    names = global_names(function.__code__)
    scope = dict(function.__globals__)
    for name in names:
        value = scope.get(name)
        if isinstance(value, types.FunctionType):
            scope[name] = compiled_scalar(value, decorate, seen)
    inside = [cell.cell_contents for cell in function.__closure__ or ()]
    cells = tuple(types.CellType(compiled_scalar(x, decorate, seen) if isinstance(x, types.FunctionType) else x) for x in inside)
    copy = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__module__ = __name__  # by which the machine code is found again: a script's own module may have another name next time
    seen[id(function)] = decorate(copy)
    return seen[id(function)]


def global_names(code: types.CodeType) -> set[str]:
    """Names that a function's code, and functions defined in it, may look up outside."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= global_names(constant)
    return names


