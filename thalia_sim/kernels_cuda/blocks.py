"""Kernels over a block of neurons for the GPU, written out from a model's declaration: the four loops of `kernels.blocks`, one thread a neuron.

    dense   one step of every neuron of the piece; fired[k]
    sparse  one step of the neurons in `todo`, each brought up to date first; fired[q], awake[q] and bad[0] by place q in `todo`
    census  awake[k] for who could fire without input; everyone is anchored at `step`
    read    state of the neurons in `todo` at `step` into `out`, field by field; nothing else changes

k counts within the piece. Arrays of state, parameters and geometry are those of the CPU; `acc` counts input in whole multiples of `quantum`.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types

from ..kernels.blocks import G, _indent, bounded, inputs_type
from ..kernels.jit import load
from .device import cuda, device, draws, require

I8, F8, U1, U8, I4 = types.int64, types.float64, types.uint8, types.uint64, types.int32
QUANTUM = 2.0**-32
"""Default resolution of accumulated input, in the unit of the weights: rounding under 1.2e-10 an event, a sum of up to 2^31."""
ARGS = "state, held, live, acc, par, geom, key, step, quantum, todo, fired, awake, bad, out"


def signature(precision: str) -> Any:
    """Signature of every kernel of a piece, for state in "double" or "single"."""
    state = F8 if precision == "double" else types.float32
    return types.void(
        state[::1],  # state: dynamic state of all populations, one after another, field by field
        F8[::1],  # held: thresholds, external currents, anchors
        F8[::1],  # live: state that input is added to, in the places of acc
        I8[::1],  # acc: accumulated input of all blocks, in quanta
        F8[::1],  # par: parameters and constants
        I8[::1],  # geom: where this piece lies (kernels.blocks.Geom)
        U8,  # key of the random stream
        I8,  # step
        F8,  # quantum
        I4[::1],  # todo: elements for sparse and read
        U1[::1],  # fired
        U1[::1],  # awake
        I4[::1],  # bad: [1] set to 1 where a state is not finite
        F8[::1],  # out: what is read
    )


class Kernels(NamedTuple):
    """A model's kernels; None where the model cannot sleep."""

    dense: Any
    sparse: Any
    census: Any
    read: Any


def fields(names: tuple[str, ...], place: str, step: str) -> dict[str, str]:
    """Where each of `names` lies: place, place + step, place + 2 * step, ..."""
    first = [place, f"{place} + {step}"]
    return {f: first[k] if k < 2 else f"{place} + {k} * {step}" if step != "1" else f"{place} + {k}" for k, f in enumerate(names)}


def block_text(model: Any, per_element: bool, constants: tuple[str, ...]) -> str:
    """Source of the kernels of a model; `constants` are the fields of what `derive` returns."""
    state = {f: f"state[{at}]" for f, at in fields(model.stored, "s", "n_all").items()}
    places = fields(model.receptors, "a", f"geom[{G.stride}]")
    state |= {model.adds[r]: f"live[{at}]" for r, at in places.items() if r in model.adds}
    loaded = {f: f"np.float64({place})" for f, place in state.items()}
    held = {f: f"held[{at}]" for f, at in fields(model.held, "h", "n_all").items()}
    acc = {f: f"acc[{at}]" for f, at in places.items()}
    both = fields(tuple(f"p_{f}" for f in model.params) + tuple(f"c_{f}" for f in constants), "q", "n_all" if per_element else "1")
    par = {f: f"par[{at}]" for f, at in both.items()}
    get = [
        f"n_all, element = geom[{G.n}], geom[{G.lo}] + k",
        f"s, h, a = geom[{G.state}] + element, geom[{G.held}] + element, geom[{G.acc}] + k",
        f"q = geom[{G.par}]" + (" + element" if per_element else ""),
        "p = Params(" + ", ".join(par[f"p_{f}"] for f in model.params) + ")",
        "c = Constants(" + ", ".join(par[f"c_{f}"] for f in constants) + ")",
        "old = State(" + ", ".join({**loaded, **held}[f] for f in model.state_fields) + ")",
    ]
    noise = {
        None: [],
        "uniform": ["w0, w1, w2, w3 = philox(key, np.uint64(step), np.uint64(element))", "noise_u = uniform(w0, w1)"],
        "normal": ["w0, w1, w2, w3 = philox(key, np.uint64(step), np.uint64(element))", "noise_z, _ = normals(w0, w1, w2, w3)"],
    }[model.noise]
    xs = [f"{acc[f]} * quantum" if f in model.receptors else f"noise_{f}" for f in model.inputs]
    one_step = noise + ["x = Inputs(" + ", ".join(xs) + ")" if xs else "x = None", "new, f = step_function(old, x, c, p)"]
    if model.adds:
        receptor = {field: r for r, field in model.adds.items()}
        added = [bounded(model, f, f"new.{f} + {acc[receptor[f]]} * quantum") if f in receptor else f"new.{f}" for f in model.state_fields]
        one_step += [f"new = State({', '.join(added)})"]
    put = [f"{state[f]} = new.{f}" for f in model.moving] + [f"{acc[f]} = 0" for f in model.receptors]
    anchor = f"held[geom[{G.anchor}] + element]"
    text = f'''"""Generated GPU kernels: model {model.name}, sources {model.digest}, {"per element" if per_element else "uniform"}."""


def dense({ARGS}):
    k = cuda.grid(1)
    if k < geom[{G.count}]:
{_indent(get + one_step + put + ["fired[k] = f"], 8)}
'''
    if not model.sleeps:
        return text
    return (
        text
        + f'''

def sparse({ARGS}):
    index = cuda.grid(1)
    if index < todo.shape[0]:
        k = todo[index] - geom[{G.lo}]
{_indent([*get, f"behind = step - {anchor}", "if behind > 0.0:", "    old = advance_function(old, behind, c, p)", *one_step, *put], 8)}
        {anchor} = step + 1.0
        if {" or ".join(f"new.{f} - new.{f} != 0.0" for f in model.moving)}:
            cuda.atomic.max(bad, 0, 1)
        fired[index] = f
        awake[index] = may_fire_function(new, c, p)


def census({ARGS}):
    k = cuda.grid(1)
    if k < geom[{G.count}]:
{_indent([*get, f"{anchor} = step", "awake[k] = may_fire_function(old, c, p)"], 8)}


def read({ARGS}):
    index = cuda.grid(1)
    if index < todo.shape[0]:
        k = todo[index] - geom[{G.lo}]
{_indent([*get, f"behind = step - {anchor}", "if behind > 0.0:", "    old = advance_function(old, behind, c, p)"], 8)}
{_indent([f"out[{at} * todo.shape[0] + index] = old.{f}" for at, f in enumerate(model.moving)], 8)}
'''
    )


def block_source(model: Any, constants: type, per_element: bool) -> Any:
    """Module with the kernels of a model as plain functions whose helpers are device functions."""
    require()
    names = {
        "np": np,
        "cuda": cuda,
        "State": model.state,
        "Params": model.cls,
        "Constants": constants,
        "Inputs": inputs_type(model),
        "step_function": device(model.step),
    }
    if model.noise is not None:
        names |= draws()
    if model.sleeps:
        names |= {"advance_function": device(model.advance), "may_fire_function": device(model.may_fire)}
    return load(f"cuda_block_{model.name}", block_text(model, per_element, tuple(constants._fields)), names)  # type: ignore[attr-defined]


def make_block(model: Any, constants: type, per_element: bool) -> Kernels:
    """The kernels of a model, compiled at their first launch; call them as kernels.dense[blocks, threads](...)."""
    module = block_source(model, constants, per_element)
    return Kernels(*(cuda.jit(getattr(module, f)) if hasattr(module, f) else None for f in Kernels._fields))
