"""Everything that changes in a Simulation, as a tree and arrays, and back: what `save` writes and `resume` reads.

An array of the loop is saved, or it is rebuilt from the description (`REBUILT`), or it is empty at every interrupt (`EMPTY`); a test holds that each
is one of these. Synapses are saved as they are, so nothing is drawn again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import CheckpointError
from .hooks.contract import Hook
from .kernels import loop
from .kernels.pages import together
from .kernels.plastic import ADDRESSES
from .neurons.contract import model_of
from .plastic import write_decays
from .portable import Form, Reader, write_network
from .rows import Group, Rows
from .views.clamps import write_clamps

if TYPE_CHECKING:
    from .simulation import Simulation

STATIC = ("row_seg", "seg", "slot")  # synapses without their weights
SAVED = (
    "state", "held", "acc", "inbox", "par", "geom", "task", "sleep", "todo", "group", "group_w", "chunk", "chunk_next",
    "slot_head", "slot_tail", "slot_fill", "free", "in_flight", "count", "phase", "plastic",
)  # fmt: skip
RECORDS = ("rule_par", "pre", "synapse", "last", "ring", "seen", "passed", "plastic_count")  # of projections with rules
REBUILT_RECORDS = ("decay", "listed")
REBUILT = (
    "key", "block_task", "block_acc", "slot_kind", "piece", "pop_piece", "pop_group", "window", "when", "kernels", "rows", "check",
    "sampler", "sample_index",
    "sample", "clamp", "clamp_index", "clamp_value", "flags", "scratch", "temp", "plastic_at", "target", "block_target",
)  # fmt: skip
EMPTY = ("block_mark", "touched", "out", "out_first", "log_step", "log_id", "log_n", "bad", "meeting")
RUN = ("precision", "blocks", "sleeping", "step", "handled", "status", "serial")


def take(sim: Simulation) -> tuple[dict[str, Any], Form, list[str]]:
    """(tree, its arrays, names of those that never change) of a simulation between two stretches."""
    if sim.a.phase[loop.H_EMIT] != 0 or sim.a.log_n[0] != 0:
        raise CheckpointError("a simulation can be saved between two calls of run, or by a hook in handle")
    form = Form(sim.net)
    fixed = {name: sim.array_name(name) for name in (*STATIC, "w")}
    tree = {
        "run": {name: getattr(sim, name) for name in RUN},
        "network": write_network(form, sim.described),
        "rows": {name: form.array(getattr(sim.a, name), fixed[name]) for name in fixed},
        "groups": [take_group(form, group) for group in sim.rows.groups],
        "arrays": {name: form.array(np.array(getattr(sim.a, name))) for name in SAVED},
        "records": {name: form.array(np.array(getattr(sim.records, name))) for name in RECORDS},
        "views": {name: take_view(form, view) for name, view in sim.views.items()},
        "places": {name: [place.par, place.per_element] for name, place in sim.places.items()},
        "hooks": [take_hook(form, hook, sim) for hook in sim.hooks if hook.is_saved],
    }
    return tree, form, list(fixed.values())


def take_group(form: Form, group: Group) -> dict[str, Any]:
    numbers = {k: int(getattr(group, k)) for k in ("first_row", "n_rows", "first_syn", "n_syn", "uniform", "w_shift")}
    return {**numbers, "w_uniform": form.write(group.w_uniform), "source": group.source.name, "projections": [p.name for p in group.projections]}


def take_view(form: Form, view: Any) -> Any:
    """What a view knows that the arrays do not say: parameters, values of a drive, whether rows were changed."""
    return {key: form.write(value, f"{key} of {view.name}") for key, value in view.own_state().items()}


def take_hook(form: Form, hook: Hook, sim: Simulation) -> dict[str, Any]:
    """Class and settings of a hook, and the state that it declared."""
    where = f"hook {hook.name}"
    if changed := hook.changed_settings(sim):
        raise CheckpointError(f"{changed[0]} of {where} has changed since it was started: declare what changes with self.declare in start")
    return {
        "class": form.write(type(hook), where),
        "settings": {name: form.write(value, f"{name} of {where}") for name, value in hook.settings().items()},
        "state": {name: form.array(np.array(value)) for name, value in (hook.state() if hook.has_begun else {}).items()},
    }


# and back


def read_rows(sim_net: Any, stored: dict[str, Any], read: Reader) -> Rows:
    """Synapses as they were saved."""
    groups = []
    for g in stored["groups"]:
        group = Group([sim_net.projections[name] for name in g["projections"]], sim_net.populations[g["source"]])
        for k in ("first_row", "n_rows", "first_syn", "n_syn", "w_shift"):
            setattr(group, k, g[k])
        group.uniform, group.w_uniform = bool(g["uniform"]), np.float32(read(g["w_uniform"]))
        groups.append(group)
    rows = {name: read(ref) for name, ref in stored["rows"].items()}
    return Rows(rows["row_seg"].view(np.uint64), rows["seg"].view(np.uint64), rows["slot"], rows["w"], groups)


def read_hooks(stored: dict[str, Any], read: Reader) -> list[Hook]:
    """The hooks that were saved, not yet started."""
    return [read_hook(h, read, stored["run"]["status"] != "new") for h in stored["hooks"]]


def read_hook(stored: dict[str, Any], read: Reader, begun: bool) -> Hook:
    cls = read(stored["class"])
    if not (isinstance(cls, type) and issubclass(cls, Hook)):
        raise CheckpointError(f"{cls!r} is no Hook now: go on with the source of that time")
    hook = object.__new__(cls)
    for name, value in stored["settings"].items():
        vars(hook)[name] = read(value)
    if begun:
        vars(hook)["_resumed"] = {name: np.array(read(ref)) for name, ref in stored["state"].items()}
    return hook


def put(sim: Simulation, stored: dict[str, Any], read: Reader, hooks: list[Hook]) -> None:
    """Write what was saved into a simulation of the same description whose hooks have started; `hooks` are those that were saved."""
    for name, values in stored["views"].items():
        sim[name].take_state({key: read(value) for key, value in values.items()})
    arrays = {name: np.array(read(ref)) for name, ref in stored["arrays"].items()}
    task = sim.a.task.copy()
    keep = [k for k in range(loop.T_COLUMNS) if k not in (loop.T_KERNEL, loop.T_SPARSE, loop.T_CENSUS, loop.T_READ, loop.T_BOUND)]
    task[:, keep] = arrays["task"][:, keep]
    arrays["plastic"][:, ADDRESSES] = sim.a.plastic[:, ADDRESSES]
    sim.a = together(sim.a._replace(**{**arrays, "task": task}), loop.OF_ROWS)
    sim.records = sim.records._replace(**{name: np.array(read(ref)) for name, ref in stored["records"].items()})
    write_decays(sim)
    for population in sim.net.populations.values():
        place = sim.places[population.name]
        if model_of(population.model).kind == "neuron":
            place.par, place.per_element = stored["places"][population.name]
            sim[population.name].choose_kernels(anew=True)
    write_clamps(sim)
    for hook, saved in zip(hooks, stored["hooks"], strict=True):
        if hook.has_begun:
            hook.restore({name: read(ref) for name, ref in saved["state"].items()})
