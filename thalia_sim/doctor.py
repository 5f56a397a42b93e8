"""What `thalia-sim doctor` looks at: versions, cores, memory, the cache of compiled code, CUDA."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import NamedTuple

CORE = ("numba", "llvmlite", "numpy", "h5py", "matplotlib", "tqdm", "click")


class Finding(NamedTuple):
    """One line of the report; status is "ok", "note" (works, but read it) or "broken"."""

    name: str
    status: str
    text: str


def examine() -> list[Finding]:
    """All findings, in the order in which they are read."""
    findings = [
        Finding("thalia-sim", "ok", version("thalia-sim")),
        Finding("python", "ok", f"{platform.python_version()} ({platform.system()} {platform.machine()})"),
    ]
    findings += [package(name) for name in CORE]
    findings += [cores(), memory()]
    if any(f.status == "broken" for f in findings):
        return findings
    return [*findings, compiled_cache(), trial_run(), cuda()]


def table(findings: list[Finding]) -> str:
    """The findings as aligned lines."""
    width = max(len(f.name) for f in findings)
    return "\n".join(f"{f.name:<{width}}  {f.status:<6}  {f.text}" for f in findings)


def version(name: str) -> str:
    """Installed version of a distribution, or "not installed"."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def package(name: str) -> Finding:
    """A package that the simulator needs."""
    found = version(name)
    return Finding(name, "broken" if found == "not installed" else "ok", found)


def cores() -> Finding:
    """How many cores this process may use; as many `--threads` are useful."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return Finding("cores", "ok", f"{usable} usable of {os.cpu_count()}: --threads up to {usable}")


def memory() -> Finding:
    """Physical memory; a synapse takes 2 bytes, with a weight of its own 6."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return Finding("memory", "note", "the system does not tell")
    return Finding("memory", "ok", f"{total / 1e9:.1f} GB")


def compiled_cache() -> Finding:
    """Where compiled code is kept and how much of it there is."""
    from .kernels import jit

    folder = Path(jit.CACHE)
    files = [f for f in folder.rglob("*") if f.is_file()]
    size = sum(f.stat().st_size for f in files) / 1e6
    text = f"{folder} ({len(files)} files, {size:.1f} MB); other versions beside it may be deleted"
    if not os.access(folder, os.W_OK):
        return Finding("cache", "note", f"{folder} is not writable, every process compiles again: set NUMBA_CACHE_DIR")
    return Finding("cache", "ok", text)


def trial_run() -> Finding:
    """Simulate a handful of neurons and say how long it took and whether anything was compiled for it."""
    from .kernels import jit

    begin, before = time.perf_counter(), len(jit.compilations)
    try:
        from .network import Network
        from .neurons import LIFDelta
        from .simulation import Simulation
        from .sources import Poisson

        net = Network(seed=1)
        net.drive(net.populate("cells", 10, LIFDelta()), Poisson(rate=1000.0), w=1.0)
        Simulation(net).run(10.0)
    except Exception as error:  # whatever it is, it is what the user came to see
        return Finding("trial run", "broken", f"{type(error).__name__}: {error}")
    compiled = len(jit.compilations) - before
    source = f"{compiled} functions compiled" if compiled else "from the cache"
    return Finding("trial run", "ok", f"10 neurons for 10 ms in {time.perf_counter() - begin:.2f} s, {source}")


def cuda() -> Finding:
    """Whether GPU kernels can be compiled and run."""
    found = version("numba-cuda")
    if found == "not installed":
        return Finding("cuda", "note", "numba-cuda is not installed: python -m pip install 'numba-cuda[cu12]' to compile for a GPU")
    try:
        from numba import cuda as target

        if not target.is_available():
            return Finding("cuda", "note", f"numba-cuda {found}, no usable GPU or driver: kernels compile but cannot run here")
        name = target.get_current_device().name
    except Exception as error:  # drivers fail in many ways
        return Finding("cuda", "note", f"numba-cuda {found}, {type(error).__name__}: {error}")
    text = name.decode() if isinstance(name, bytes) else str(name)
    return Finding("cuda", "ok", f"numba-cuda {found}, {text}")
