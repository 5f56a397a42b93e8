"""Two workers share the suite, file by file (`setup.cfg`). Each has a folder of its own for compiled code: Numba's cache is not made for several
processes that compile the same function at once."""

import os
from pathlib import Path

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    base = os.environ.get("NUMBA_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "thalia_sim-tests"
    os.environ["NUMBA_CACHE_DIR"] = str(Path(base) / worker)
