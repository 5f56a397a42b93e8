"""A description as JSON and arrays, and back: what a checkpoint keeps of a network, of models, selections and hooks, without executing any text.

    form = Form(net); tree = form.write(value); form.arrays      # every array once, by the hash of its content
    read = Reader(arrays, net, classes); value = read(tree)

Numbers, texts, lists, tuples, dicts and None are themselves; everything else is a dict with one key that begins with "@":

    {"@array": hash}                         an array (or NumPy number)
    {"@tuple": [...]}  {"@range": [...]}  {"@dict": [[key, value], ...]}
    {"@selection": [[population, index], ...]}, {"@population": name}, {"@projection": name}
    {"@class": "module:name", "digest": ...} a class by its name, and a hash of its source
    {"@path": text}                          a path of a file
    {"@object": "module:name", "fields": {...}, "digest": ...}   a NamedTuple, a dataclass, or an object with attributes
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import CheckpointError
from .geometry import Geometry
from .given import short
from .network import Network
from .projection import Drive, Projection
from .selection import Population, Selection
from .sources import SpikeArray, SpikeFile

PACKAGE = __name__.partition(".")[0]
MAIN, SCRIPT = "__main__", "thalia_experiment"  # modules that hold what a user defines: a program's own file, an experiment's script


def content_name(array: NDArray[Any]) -> str:
    """Name of an array: SHA-256 over its type, shape and bytes."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}\0".encode())
    if array.size:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def class_name(cls: type, where: str) -> str:
    """module:name of a class that can be found again by it."""
    if "<locals>" in cls.__qualname__:
        raise CheckpointError(f"{where} is of class {cls.__name__}, defined inside a function: define it at the top of its file, to be found again")
    return f"{cls.__module__}:{cls.__qualname__}"


def digest_of(cls: type) -> str | None:
    """Hash of the sources of a declared model or current, or of the text of another class of the user's; None for classes of this package."""
    for mark in ("__thalia__", "__current__"):
        found = getattr(cls, mark, None)
        if found is not None:
            return str(found.digest)
    if cls.__module__.partition(".")[0] == PACKAGE:
        return None
    try:
        return hashlib.sha256(inspect.getsource(cls).encode()).hexdigest()[:16]
    except (OSError, TypeError):
        return None


class Form:
    """Writes values as trees; gathers their arrays."""

    def __init__(self, net: Network | None = None) -> None:
        self.net = net
        self.arrays: dict[str, NDArray[Any]] = {}

    def array(self, value: Any, name: str | None = None) -> dict[str, str]:
        """An array by its content's name, which may be known already."""
        array = np.asarray(value)
        if array.dtype.kind not in "biufS":
            raise CheckpointError(f"an array of type {array.dtype} cannot be saved: keep numbers, or texts as bytes")
        name = content_name(array) if name is None else name
        self.arrays.setdefault(name, array)
        return {"@array": name}

    def write(self, value: Any, where: str = "value") -> Any:
        """The tree of a value; `where` names it in an error."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (np.ndarray, np.generic)):
            return self.array(value)
        if isinstance(value, Population):
            return {"@population": value.name}
        if isinstance(value, Selection):
            return {"@selection": [[p.name, self.write(i if isinstance(i, range) else np.asarray(i))] for p, i in value.parts]}
        if isinstance(value, range):
            return {"@range": [value.start, value.stop, value.step]}
        if isinstance(value, type):
            return {"@class": class_name(value, where), "digest": digest_of(value)}
        if isinstance(value, PurePath):
            return {"@path": str(value)}
        if isinstance(value, list):
            return [self.write(x, where) for x in value]
        if isinstance(value, Mapping):
            return {"@dict": [[self.write(k, where), self.write(x, where)] for k, x in value.items()]}
        if isinstance(value, tuple) and not hasattr(value, "_asdict"):
            return {"@tuple": [self.write(x, where) for x in value]}
        return self.thing(value, where)

    def thing(self, value: Any, where: str) -> dict[str, Any]:
        """A NamedTuple, dataclass or object by its class and fields."""
        if hasattr(value, "_asdict"):
            fields = value._asdict()
        elif isinstance(value, Geometry):
            fields = {"name": value.name, "speed": value.speed, "period": value.period, "text": value.text}
        elif dataclasses.is_dataclass(value):
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        elif callable(value) or not hasattr(value, "__dict__"):
            raise CheckpointError(f"{where} is {short(value)}, which cannot be saved: keep numbers, texts, arrays, lists or NamedTuples of these")
        else:
            fields = vars(value)
        tree: dict[str, Any] = {"@object": class_name(type(value), where), "fields": {k: self.write(x, f"{where}.{k}") for k, x in fields.items()}}
        digest = digest_of(type(value))
        return tree if digest is None else {**tree, "digest": digest}


class Reader:
    """Values from trees; `array` gives an array by its name. Populations and selections are those of `net`."""

    def __init__(self, array: Callable[[str], NDArray[Any]], net: Network | None = None) -> None:
        self.array, self.net = array, net

    def cls(self, name: str) -> Any:
        """A class by its name; one of the file that Python was started with may now be in an experiment's script, and the other way round."""
        module, _, path = name.partition(":")
        for place in dict.fromkeys((module, *((MAIN, SCRIPT) if module in (MAIN, SCRIPT) else ()))):
            try:
                found: Any = sys.modules[place] if place in sys.modules else importlib.import_module(place)
                for part in path.split("."):
                    found = getattr(found, part)
            except (ImportError, AttributeError):
                continue
            return found
        raise CheckpointError(f"{path} of module {module} is not to be found: import the script that defines it first")

    def same(self, name: str, digest: str | None) -> Any:
        """A class by its name, if its source is what it was."""
        cls = self.cls(name)
        if digest != digest_of(cls):
            raise CheckpointError(f"{cls.__name__} has changed since the checkpoint was written: go on with the source of that time")
        return cls

    def __call__(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self(x) for x in tree]
        if not isinstance(tree, dict):
            return tree
        if "@object" in tree:
            return self.thing(tree)
        if "@class" in tree:
            return self.same(tree["@class"], tree["digest"])
        ((kind, inner),) = tree.items()
        if kind == "@array":
            found = self.array(inner)
            return found if found.ndim else found[()]
        if kind == "@tuple":
            return tuple(self(x) for x in inner)
        if kind == "@dict":
            return {self(k): self(x) for k, x in inner}
        if kind == "@range":
            return range(*inner)
        if kind == "@path":
            return Path(inner)
        if kind == "@population" and self.net is not None:
            return self.net.populations[inner]
        if kind == "@selection" and self.net is not None:
            return Selection([(self.net.populations[name], self(index)) for name, index in inner])
        raise CheckpointError(f"a checkpoint holds {kind!r}, which this version does not know: use the version that wrote it")

    def thing(self, tree: dict[str, Any]) -> Any:
        cls = self.same(tree["@object"], tree.get("digest"))
        fields = {k: self(x) for k, x in tree["fields"].items()}
        if cls is Geometry:
            return Geometry(place=_no_more_positions, **fields)
        if hasattr(cls, "_fields"):
            return cls(**fields)
        made = object.__new__(cls)
        for name, value in fields.items():
            object.__setattr__(made, name, value)
        return made


def _no_more_positions(n: int, rng: Any) -> Any:
    raise CheckpointError("a geometry that was read from a checkpoint places no new elements: describe it again")


# networks


def as_built(net: Network) -> Network:
    """A description that later changes of `net` do not reach: what a running simulation was made from. Shares all values, which are exchanged,
    never changed."""
    kept = copy.copy(net)
    kept.populations = {name: copy.copy(p) for name, p in net.populations.items()}
    for population in kept.populations.values():
        population.initial = dict(population.initial)
    kept.projections = {name: copy.copy(p) for name, p in net.projections.items()}
    kept.drives = {name: copy.copy(d) for name, d in net.drives.items()}
    return kept


def write_network(form: Form, net: Network) -> dict[str, Any]:
    """Tree of a whole description."""
    return {
        "seeds": [net.seed, net.wiring_seed, net.initial_seed, net.noise_seed],
        "dt": net.dt,
        "populations": [
            {
                "name": p.name, "n": p.n, "model": form.write(own_spikes(p.model), f"model of {p.name}"), "initial": form.write(p.initial),
                "at": form.write(p.at), "geometry": form.write(p.geometry),
            }
            for p in net.populations.values()
        ],
        "projections": [
            {k: form.write(getattr(p, k), f"{k} of {p.name}") for k in PROJECTION}
            for p in net.projections.values()
        ],
        "drives": [{k: form.write(getattr(d, k), f"{k} of {d.name}") for k in DRIVE} for d in net.drives.values()],
    }  # fmt: skip


def own_spikes(model: Any) -> Any:
    """A source that reads a file as one that holds what it read: a checkpoint needs no other file."""
    return SpikeArray(*model.spikes()) if isinstance(model, SpikeFile) else model


PROJECTION = ("name", "source", "target", "wiring", "w", "delay", "receptor", "autapses", "multapses", "gain", "rule")
DRIVE = ("name", "target", "source", "w", "receptor")


def read_network(read: Reader, tree: dict[str, Any]) -> Network:
    """The description that a tree was made from."""
    seed, wiring, initial, noise = tree["seeds"]
    net = Network(seed, tree["dt"], wiring, initial, noise)
    read.net = net
    for p in tree["populations"]:
        population = Population(p["name"], p["n"], read(p["model"]), net.n)
        population.initial, population.at, population.geometry = read(p["initial"]), read(p["at"]), read(p["geometry"])
        net.populations[population.name] = population
    for d in tree["projections"]:
        projection = object.__new__(Projection)
        vars(projection).update({k: read(d[k]) for k in PROJECTION}, dt=net.dt)
        net.projections[projection.name] = projection
    for d in tree["drives"]:
        drive = object.__new__(Drive)
        vars(drive).update({k: read(d[k]) for k in DRIVE})
        net.drives[drive.name] = drive
    return net
