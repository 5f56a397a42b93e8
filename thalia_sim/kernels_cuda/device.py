"""Plain functions as device functions, and the random numbers of `kernels.rng` among them.

Everything is inlined: Numba can compile a kernel that calls a device function only where a driver is, one that has it inlined anywhere.
"""

import types
from collections.abc import Callable
from typing import Any

from ..errors import SimulationError
from ..kernels import rng
from ..kernels.scalar import compiled_scalar

try:
    import numba_cuda  # noqa: F401  (Numba's own copy of the CUDA target is not kept up)
    from numba import cuda
except ImportError:
    cuda = None


def require() -> None:
    """Refuse to go on without numba-cuda."""
    if cuda is None:
        raise SimulationError("GPU kernels need numba-cuda, which is not installed: pip install 'thalia-sim[cuda]'")


def plain(function: Callable[..., Any]) -> Any:
    """A copy of a function whose globals hold plain Python functions where the original calls functions compiled for the CPU."""
    function = getattr(function, "py_func", function)
    scope = dict(function.__globals__)
    for name in function.__code__.co_names:
        if hasattr(scope.get(name), "py_func"):
            scope[name] = plain(scope[name])
    copy = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def device(function: Callable[..., Any]) -> Any:
    """A scalar function and all that it calls, as device functions that the kernel inlines."""
    return compiled_scalar(plain(function), cuda.jit(device=True, inline="always"))


def draws() -> dict[str, Any]:
    """The functions of `kernels.rng` that kernels draw with, by name."""
    return {name: device(getattr(rng, name)) for name in ("philox", "uniform", "normals")}
