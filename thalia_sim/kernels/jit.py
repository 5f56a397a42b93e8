"""The one place that compiles: `jit` for functions, `pointer` for kernels that are called by address, `load` for generated kernels.

Numba's disk cache does not notice that a *called* function in another file has changed, so everything of one version of the sources lives in
a folder of its own, named by a hash over them: an edit moves to a fresh folder, and stale machine code cannot be met.
"""

import contextlib
import hashlib
import os
import pathlib
import re
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numba
from numba.core.errors import NumbaExperimentalFeatureWarning

warnings.filterwarnings("ignore", category=NumbaExperimentalFeatureWarning)

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "cache": True}

compilations: list[str] = []
"""Names of what this process has compiled (not loaded from the cache), in order."""


def source_hash() -> str:
    """Hash over the sources of the package and the version of Numba."""
    digest = hashlib.sha256(numba.__version__.encode())
    for folder in ("kernels", "neurons", "sources", "plasticity"):
        for file in sorted((PACKAGE / folder).glob("*.py")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _root() -> pathlib.Path:
    """The folder for compiled code: NUMBA_CACHE_DIR, else the user's cache folder, else a temporary one with a warning."""
    asked = os.environ.get("NUMBA_CACHE_DIR")
    user = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for base in (asked, user):
        if not base:
            continue
        folder = pathlib.Path(base) / "thalia_sim" / source_hash()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    folder = pathlib.Path(tempfile.mkdtemp(prefix="thalia_sim-"))
    warnings.warn(
        f"no writable cache folder for compiled code, using {folder} for this process only: set NUMBA_CACHE_DIR", stacklevel=2
    )
    return folder


CACHE = _root()


@contextlib.contextmanager
def _cache_folder() -> Iterator[None]:
    """Point Numba's cache at our folder while one of our functions is decorated, and nobody else's."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function at its first call (or at once, with `signature`); no lock, C semantics of division, cached on disk."""
    if function is None:
        return lambda f: jit(f, **options)
    signature = options.pop("signature", None)
    with _cache_folder():
        decorate = numba.njit(**{**OPTIONS, **options}) if signature is None else numba.njit(signature, **{**OPTIONS, **options})
        return decorate(function)


def inlined(function: Callable[..., Any]) -> Any:
    """A scalar function, compiled only as a part of the kernel that calls it."""
    return numba.njit(error_model="numpy")(function)


def refusal(compiled: Any, arguments: tuple[Any, ...]) -> str | None:
    """Why a scalar function (made by `inlined`) cannot be compiled for arguments like these, in the first line that says so; None if it can."""
    try:
        compiled.compile(tuple(numba.typeof(x) for x in arguments))
    except Exception as error:
        lines = [line.strip(" .") for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()]
        return next((line for line in lines if line and not line.startswith("Failed in nopython")), type(error).__name__)
    return None


def pointer(signature: Any, function: Callable[..., Any]) -> Any:
    """A kernel of a fixed signature that the engine calls by address."""
    with _cache_folder():
        return numba.cfunc(signature, **OPTIONS)(function)


def load(name: str, text: str, names: dict[str, Any]) -> types.ModuleType:
    """Import generated source `text` as a real file in the cache folder, so that its machine code is cached too.

    `names` are put into its namespace first (the scalar functions of a model, say). The file's name carries a hash of the text; whoever
    generates it must put into the text whatever the names depend on (the hash of the model's source).
    """
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = CACHE / f"{name}_{digest}.py"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=CACHE, suffix=".tmp", delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
    module = types.ModuleType(f"thalia_sim.generated.{name}_{digest}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # Numba looks it up by name when it loads the machine code
    module.__dict__.update(names)
    exec(compile(text, str(path), "exec"), module.__dict__)
    return module


class _Listener(numba.core.event.Listener):
    def on_start(self, event: Any) -> None:
        compilations.append(getattr(event.data["dispatcher"], "__qualname__", str(event.data["dispatcher"])))

    def on_end(self, event: Any) -> None:
        pass


numba.core.event.register("numba:compile", _Listener())
