"""GPU kernels without a GPU: all compile to PTX, and Numba's CUDA simulator runs a small network on them like the CPU does.

PTX shows that every scalar function and kernel uses only what a GPU has; the simulator runs the kernels' logic, thread by thread, in Python.
"""

import importlib.util
import math
import os
import subprocess
import sys
from typing import NamedTuple

import pytest

import thalia_sim
from thalia_sim import AdaptiveLIF, LIFAlpha, LIFCond, LIFDelta, LIFExp, LIFExp1, SimulationError, neuron

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed (pip install 'thalia-sim[cuda]')", allow_module_level=True)

from thalia_sim.kernels_cuda import ptx, row_ptx, scalar_ptx  # noqa: E402
from thalia_sim.kernels_cuda.compile import TARGETS  # noqa: E402

MODELS = [LIFDelta, LIFExp, LIFExp1, LIFAlpha, LIFCond, AdaptiveLIF]


class State(NamedTuple):
    v: float  # mV


class Step(NamedTuple):
    decay: float


def derive(p, dt):
    return Step(math.exp(-dt / p.tau_m))


def pulled(v, by):
    """A helper that `step` calls: compiled with it."""
    return v * by if abs(v) > 1e-30 else 0.0


def step(s, x, c, p):
    v = pulled(s.v, c.decay) + x.exc + p.sd * x.z
    fired = v >= p.v_th
    return State(0.0 if fired else v), fired


@neuron(state=State, derive=derive, step=step, receptors=("exc",), noise="normal")
class Noisy(NamedTuple):
    """A user's model, with a helper and noise of its own."""

    tau_m: float = 20.0  # ms
    v_th: float = 15.0  # mV
    sd: float = 0.1  # mV


def names(model):
    declared = model.__thalia__
    loops = ["dense", "sparse", "census", "read"] if declared.sleeps else ["dense"]
    functions = ["step", "advance", "may_fire"] if declared.sleeps else ["step"]
    return loops, functions


def test_every_built_in_model_is_here():
    """A new model must be added to this file's list."""
    found = {m for m in vars(thalia_sim).values() if isinstance(m, type) and getattr(getattr(m, "__thalia__", None), "step", None)}
    assert found == set(MODELS)


@pytest.mark.parametrize("model", [*MODELS, Noisy])
def test_block_kernels_compile(model):
    """All loops of each model for Turing: entry points of 64-bit arithmetic, nothing left to be linked."""
    found = ptx(model, (7, 5))
    assert list(found) == names(model)[0]
    for text in found.values():
        assert ".target sm_75" in text and text.count(".entry") == 1
        assert ".extern" not in text


@pytest.mark.parametrize("model", [*MODELS, Noisy])
def test_dense_kernel_compiles_for_ampere(model):
    """With parameters per element."""
    text = ptx(model, (8, 0), per_element=True, kernels=("dense",))["dense"]
    assert ".target sm_80" in text and ".entry" in text


@pytest.mark.parametrize("model", [LIFDelta, LIFCond, Noisy])
def test_kernels_compile_for_hopper(model):
    """With state in single precision."""
    found = ptx(model, (9, 0), precision="single", kernels=("dense", "sparse"))
    assert all(".target sm_90" in text and "ld.global.f32" in text for text in found.values())


@pytest.mark.parametrize("model", [*MODELS, Noisy])
def test_scalar_functions_compile(model):
    """step, advance and may_fire, each by itself, as device functions."""
    found = scalar_ptx(model)
    assert list(found) == names(model)[1]
    assert all(".func" in text and ".entry" not in text for text in found.values())


@pytest.mark.parametrize("cc", TARGETS)
def test_row_kernels_compile_and_add_whole_numbers(cc):
    """Input is summed by 64-bit integer atomics: no floating-point atomic, whose order would show."""
    for text in row_ptx(cc).values():
        assert "add.u64" in text and "red.global.add.f" not in text and "atom.global.add.f" not in text


def test_without_numba_cuda_the_error_names_the_remedy(monkeypatch):
    from thalia_sim.kernels_cuda import device

    monkeypatch.setattr(device, "cuda", None)
    with pytest.raises(SimulationError, match=r"pip install 'thalia-sim\[cuda\]'"):
        ptx(LIFDelta)


def test_the_simulator_runs_a_network_like_the_cpu():
    """Forty neurons with weights of their own, one weight and sleeping pieces; see `cuda_network.py`."""
    done = subprocess.run(
        [sys.executable, os.path.join(os.path.dirname(__file__), "cuda_network.py")],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "spikes equal" in done.stdout
