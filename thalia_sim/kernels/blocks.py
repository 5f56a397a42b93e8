"""Kernels over a block of neurons, written out from a model's declaration and called by address with one fixed signature.

For each model four loops around the same scalar functions:

    dense   one step of every neuron of the piece, as a vector loop
    bound   keeps state that input was added to within its bounds (models with `bounds`, where one of them is finite)
    sparse  one step of the neurons in `todo` (touched or awake), each brought up to date first; leaves in `todo` who stays awake, and in
            flags[0] whether a state was not finite
    census  who could fire without input goes into `todo`, the others fall asleep (their state is anchored at `step`)
    read    state of the neurons in `todo` at `step`: written to `inbox` (key 0) or back into the state (key 1)

Each comes in three forms, so that no memory is read for what is the same everywhere (see `form_of`). The text is generated because Numba has no
loop over the fields of a tuple; it lies as a readable file in the cache folder.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from ..errors import DescriptionError
from .jit import inlined, jit, load, pointer, refusal
from .machine import function_value, prefetch
from .rng import normals, philox, uniform
from .scalar import compiled_scalar

I8, F8, U1, U8, I4 = types.int64, types.float64, types.uint8, types.uint64, types.int32


def signature(precision: str) -> Any:
    """Signature of every kernel of a piece, for state in "double" or "single"."""
    state = F8 if precision == "double" else types.float32
    return I8(
        state[::1],  # state: dynamic state of all populations, one after another, field by field
        F8[::1],  # held: thresholds, external currents, anchors, counters
        F8[::1],  # acc: accumulated input of all blocks, and state that input is added to
        F8[::1],  # inbox: input of pieces that sleep, in the order of acc; for `read` its output
        F8[::1],  # par: parameters and constants
        I8[::1],  # geom: row of numbers that says where this piece lies (Geom)
        U8,  # key of the random stream
        I8,  # step
        I4[::1],  # todo
        I8,  # n_todo
        I4[::1],  # out: indices of the neurons that fired
        U1[::1],  # flags: scratch
    )


@intrinsic
def block_kernel(typingctx, address, state):
    """The kernel at an address, for state arrays of this type."""
    kind = types.FunctionType(signature("double" if state.dtype == F8 else "single"))

    def generate(context, builder, signature, args):
        return function_value(context, builder, kind, args[0])

    return kind(types.int64, state), generate


class Geom(NamedTuple):
    """Columns of a piece's row: a piece is the part of one population that lies in one block."""

    n: int = 0  # elements of the population
    state: int = 0  # start of its first state field in `state`
    held: int = 0  # start of its first held field in `held`
    lo: int = 0  # first element of the piece
    count: int = 0  # elements of the piece
    acc: int = 0  # start of the first receptor in `acc`
    stride: int = 0  # distance of receptors in `acc`
    par: int = 0  # start in `par`
    anchor: int = 0  # start of the anchors in `held` (step up to which a neuron's state is current)
    extra: int = 0  # for sources: start of what they keep in `held`
    more: int = 0  # slots of the piece; for drives: first slot of the receptor within the block
    first: int = 0  # for drives: first target of the piece in the drive's own numbering
    end: int = 0  # for drives: end of these


G = Geom(*range(len(Geom._fields)))
AHEAD = 12  # neurons between the request of a sleeper's cache lines and its use
ARGS = "state, held, acc, inbox, par, geom, key, step, todo, n_todo, out, flags"


@jit
def scan(flags, lo, out):
    """Indices lo + k of the nonzero flags into out; returns their number."""
    found = 0
    n = flags.shape[0]
    whole = n // 8
    words = flags[: whole * 8].view(np.uint64)
    for q in range(whole):
        if words[q] != 0:
            for k in range(q * 8, q * 8 + 8):
                if flags[k] != 0:
                    out[found] = lo + k
                    found += 1
    for k in range(whole * 8, n):
        if flags[k] != 0:
            out[found] = lo + k
            found += 1
    return found


@jit
def sort_few(out, n):
    """Sort the first n of out in place (Shell 1959): they come nearly ordered or few."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for a in range(gap, n):
            x = out[a]
            b = a
            while b >= gap and out[b - gap] > x:
                out[b] = out[b - gap]
                b -= gap
            out[b] = x
        gap //= 3


class Kernels(NamedTuple):
    """Addresses of a model's kernels (cfuncs); None where the model has no bounds or cannot sleep."""

    dense: Any
    bound: Any
    sparse: Any
    census: Any
    read: Any


def _tuple(name: str, fields: tuple[str, ...], values: str) -> str:
    return f"{name}({', '.join(values.format(f=f, k=k) for k, f in enumerate(fields))})"


def _indent(lines: list[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)


UNIFORM, HELD, ELEMENT = "uniform", "held per element", "all per element"


def bounded(model: Any, field: str, value: str) -> str:
    """Text of a value within the bounds of its field."""
    by = f"p.{model.bounds[field]}" if field in model.bounds else None
    return value if by is None else f"min(max({value}, -{by}), {by})"


def form_of(per_element: bool, same_held: bool) -> str:
    """Form of a model's kernels: one value of parameters and held state for all; held state per element; parameters per element too."""
    return ELEMENT if per_element else UNIFORM if same_held else HELD


def block_text(model: Any, form: str, constants: tuple[str, ...]) -> str:
    """Source of the four kernels of a model; `constants` are the fields of what `derive` returns."""
    per_element = form == ELEMENT
    params = model.params
    width = len(params)
    rows = [f"n_all, lo, n = geom[{G.n}], geom[{G.lo}], geom[{G.count}]", "if n == 0:", "    return 0", f"a = geom[{G.state}] + lo"]
    for f in model.stored:
        rows += [f"s_{f} = state[a : a + n]", "a += n_all"]
    rows += [f"h = geom[{G.held}] + lo"]
    for f in model.held:
        rows += [f"s_{f} = held[h]" if form == UNIFORM else f"s_{f} = held[h : h + n]", "h += n_all"]
    place = {r: f"geom[{G.acc}] + {k} * geom[{G.stride}]" for k, r in enumerate(model.receptors)}
    rows += [f"{'s_' + model.adds[r] if r in model.adds else 'x_' + r} = acc[{at} : {at} + n]" for r, at in place.items()]
    sent = [f"y_{r} = inbox[{at} : {at} + n]" for r, at in place.items()]
    rows += [f"q = geom[{G.par}]" + (" + lo" if per_element else "")]
    if per_element:
        for f in params:
            rows += [f"p_{f} = par[q : q + n]", "q += n_all"]
        for f in constants:
            rows += [f"c_{f} = par[q : q + n]", "q += n_all"]
        tuples = ["p = " + _tuple("Params", params, "p_{f}[k]"), "c = " + _tuple("Constants", constants, "c_{f}[k]")]
        once: list[str] = []
    else:
        once = [
            "p = " + _tuple("Params", params, "par[q + {k}]"),
            "c = " + _tuple("Constants", constants, f"par[q + {width} + {{k}}]"),
        ]
        tuples = []
    values = [f"s_{f}" if f in model.held and form == UNIFORM else f"np.float64(s_{f}[k])" for f in model.state_fields]
    get_s = f"s = State({', '.join(values)})"
    put_s = [f"s_{f}[k] = t.{f}" for f in model.moving]
    noise = {
        None: [],
        "uniform": ["w0, w1, w2, w3 = philox(key, np.uint64(step), np.uint64(lo + k))", "noise_u = uniform(w0, w1)"],
        "normal": ["w0, w1, w2, w3 = philox(key, np.uint64(step), np.uint64(lo + k))", "noise_z, _ = normals(w0, w1, w2, w3)"],
    }[model.noise]

    def inputs(kind: str) -> str:
        xs = [f"{kind}_{f}[k]" if f in model.receptors else f"noise_{f}" for f in model.inputs]
        return "x = Inputs(" + ", ".join(xs) + ")" if xs else "x = None"

    clear = [f"x_{f}[k] = 0.0" for f in model.receptors if f not in model.adds]
    receptor = {field: r for r, field in model.adds.items()}
    add = [bounded(model, f, f"t.{f} + y_{receptor[f]}[k]") if f in receptor else f"t.{f}" for f in model.state_fields]
    adding = [f"t = State({', '.join(add)})"] if model.adds else []
    clear_y = [f"y_{f}[k] = 0.0" for f in model.receptors]
    head = f"model {model.name}, sources {model.digest}, {form}"
    fetched = ["anchor", *(f"s_{f}" for f in model.state_fields if f in model.moving or form != UNIFORM), *(f"y_{f}" for f in model.receptors)]
    fetch = [f"prefetch({x}, k)" for x in fetched]
    anchor = [f"anchor = held[geom[{G.anchor}] + lo : geom[{G.anchor}] + lo + n]"]
    text = f'''"""Generated kernels: {head}."""


def dense({ARGS}):
{_indent(rows + once, 4)}
    fired = flags[:n]
    for k in range(n):
{_indent(tuples + noise + [get_s, inputs("x"), "t, f = step_function(s, x, c, p)", *put_s, *clear, "fired[k] = f"], 8)}
    return scan(fired, lo, out)
'''
    if model.bounds:
        text += f'''

def bound({ARGS}):
{_indent(rows + once, 4)}
    for k in range(n):
{_indent([*tuples, *(f"s_{f}[k] = " + bounded(model, f, f"s_{f}[k]") for f in model.bounds)], 8)}
    return n
'''
    if not model.sleeps:
        return text
    return (
        text
        + f'''

def sparse({ARGS}):
{_indent(rows + sent + anchor + once, 4)}
    found = 0
    awake = 0
    flags[0] = 0
    for index in range(n_todo):
        if index + AHEAD < n_todo:
            k = np.int64(todo[index + AHEAD]) - lo
{_indent(fetch, 12)}
        k = np.int64(todo[index]) - lo
        behind = step - anchor[k]
        if behind < 0.0:
            continue
{_indent(tuples + [get_s], 8)}
        if behind > 0.0:
            s = advance_function(s, behind, c, p)
{_indent([*noise, inputs("y"), "t, f = step_function(s, x, c, p)", *adding, *put_s, *clear_y], 8)}
        anchor[k] = step + 1.0
        if {" or ".join(f"s_{f}[k] - s_{f}[k] != 0.0" for f in model.moving)}:
            flags[0] = 1
        if f:
            out[found] = lo + k
            found += 1
        if may_fire_function(t, c, p):
            todo[awake] = lo + k
            awake += 1
    sort_few(out, found)
    return found | awake << 32


def census({ARGS}):
{_indent(rows + anchor + once, 4)}
    awake = 0
    for k in range(n):
{_indent(tuples + [get_s], 8)}
        anchor[k] = step
        if may_fire_function(s, c, p):
            todo[awake] = lo + k
            awake += 1
    return awake


def read({ARGS}):
{_indent(rows + anchor + once, 4)}
    for index in range(n_todo):
        k = np.int64(todo[index]) - lo
        behind = step - anchor[k]
{_indent(tuples + [get_s], 8)}
        t = s
        if behind > 0.0:
            t = advance_function(s, behind, c, p)
        if key == 0:
{_indent([f"inbox[{q} * n_todo + index] = t.{f}" for q, f in enumerate(model.moving)], 12)}
        else:
{_indent(put_s, 12)}
            anchor[k] = step
    return n_todo
'''
    )


_made: dict[tuple[str, str, str, str], Kernels] = {}


def make_block(model: Any, constants: type, form: str, precision: str) -> Kernels:
    """The kernels of a model in one of their forms: compiled once a machine."""
    made = (model.name, model.digest, form, precision)
    if made in _made:
        return _made[made]
    names = {
        "np": np,
        "scan": scan,
        "prefetch": prefetch,
        "AHEAD": AHEAD,
        "sort_few": sort_few,
        "philox": philox,
        "uniform": uniform,
        "normals": normals,
        "State": model.state,
        "Params": model.cls,
        "Constants": constants,
        "Inputs": inputs_type(model),
        "step_function": compiled_scalar(model.step, inlined),
    }
    if model.sleeps:
        names["advance_function"] = compiled_scalar(model.advance, inlined)
        names["may_fire_function"] = compiled_scalar(model.may_fire, inlined)
    text = block_text(model, form, tuple(constants._fields))
    module = load(f"block_{model.name}", text, names)
    how = signature(precision)
    try:
        kernels = Kernels(*(pointer(how, getattr(module, f)) if hasattr(module, f) else None for f in Kernels._fields))
    except Exception:
        if (problem := refused(model, constants, names)) is None:
            raise
        raise DescriptionError(problem) from None
    _made[made] = kernels
    return kernels


def refused(model: Any, constants: type, names: dict[str, Any]) -> str | None:
    """Which function of a model cannot be compiled, and why, in a sentence; None if all can."""
    kinds: list[Any] = [model.state, constants, model.cls]
    s, c, p = (kind(*[1.0] * len(kind._fields)) for kind in kinds)
    x = names["Inputs"](*[1.0] * len(model.inputs)) if model.inputs else None
    for function, arguments in (("step", (s, x, c, p)), ("advance", (s, 1.0, c, p)), ("may_fire", (s, c, p))):
        problem = refusal(names[f"{function}_function"], arguments) if f"{function}_function" in names else None
        if problem:
            return f"{function} of model {model.name} cannot be compiled ({problem}): use math, arithmetic and numbers only"
    return None


def inputs_type(model: Any) -> Any:
    """NamedTuple type of `x` of a model's step."""
    from collections import namedtuple

    return namedtuple("Inputs", model.inputs) if model.inputs else type(None)


