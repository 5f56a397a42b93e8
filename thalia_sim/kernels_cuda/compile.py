"""Kernels to PTX, without a card or driver: what a GPU would run, checked for types and for everything that a GPU cannot do."""

from typing import Any

from numba import types

from ..errors import DescriptionError
from . import blocks, rows
from .device import cuda, device, require

TARGETS = ((7, 5), (8, 0), (9, 0))
"""Compute capabilities that are checked: Turing, Ampere, Hopper."""


def ptx(
    model: Any,
    cc: tuple[int, int] = (7, 5),
    *,
    per_element: bool = False,
    precision: str = "double",
    kernels: tuple[str, ...] = blocks.Kernels._fields,
) -> dict[str, str]:
    """PTX of a model's block kernels by name (dense, and sparse, census, read if it can sleep).

    model: class or instance of a declared neuron model. per_element: parameters are arrays. precision: of the state, "double" or "single".
    Needs numba-cuda with its toolkit (`pip install 'thalia-sim[cuda]'`), else SimulationError; no card, no driver.
    """
    declared = declaration(model)
    module = blocks.block_source(declared, constants_of(declared), per_element)
    how = blocks.signature(precision)
    return {name: compiled(getattr(module, name), how, cc) for name in kernels if hasattr(module, name)}


def row_ptx(cc: tuple[int, int] = (7, 5)) -> dict[str, str]:
    """PTX of the row kernels by name."""
    return {kernel.__name__: compiled(kernel, rows.SIGNATURE, cc) for kernel in rows.ROWS}


def scalar_ptx(model: Any, cc: tuple[int, int] = (7, 5), precision: str = "double") -> dict[str, str]:
    """PTX of a model's scalar functions by name (step, and advance, may_fire if it has them), each as a device function of its own."""
    require()
    m = declaration(model)
    number = types.float64
    dynamic = number if precision == "double" else types.float32
    s = types.NamedTuple([dynamic if f in m.stored else number for f in m.state_fields], m.state)
    p = types.NamedUniTuple(number, len(m.params), m.cls)
    constants = constants_of(m)
    c = types.NamedUniTuple(number, len(constants._fields), constants)  # type: ignore[attr-defined]
    x = types.NamedUniTuple(number, len(m.inputs), blocks.inputs_type(m)) if m.inputs else types.none
    found = {"step": (m.step, (s, x, c, p)), "advance": (m.advance, (s, number, c, p)), "may_fire": (m.may_fire, (s, c, p))}
    return {
        name: compiled(device(function).py_func, arguments, cc, device=True)
        for name, (function, arguments) in found.items()
        if function is not None
    }


def compiled(function: Any, how: Any, cc: tuple[int, int], **options: Any) -> str:
    """PTX of one function."""
    require()
    arguments = how.args if hasattr(how, "args") else how
    text, _ = cuda.compile_ptx(function, arguments, cc=cc, **options)
    return text


def declaration(model: Any) -> Any:
    """The declaration of a neuron model."""
    found = getattr(model, "__thalia__", model)
    if getattr(found, "step", None) is None:
        raise DescriptionError(f"{model!r} has no step function to compile: give a class or instance declared with @neuron")
    return found


def constants_of(model: Any) -> type:
    """Type of what a model's `derive` returns."""
    return type(model.derive(model.cls(), 0.1))
