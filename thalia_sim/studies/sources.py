"""A script and the modules beside it that it imports: the text by which its runs are known, and their import anew for each of them.

A process lives through many runs, of one script before and after a change, or of scripts in different folders whose modules share a name. Python
imports a module once, so what belongs to the script is put aside before it is loaded.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..experiment import MODULE

PACKAGE = __name__.partition(".")[0]
KEPT = sys.stdlib_module_names | {PACKAGE, MODULE}  # never imported anew, whatever lies beside a script
ALONE = threading.RLock()  # a process has one script at a time: scripts are imported under one name


@functools.cache
def package_source() -> str:
    """SHA-256 of the Python files of this package, as far as this process is concerned: the version alone stays while the package is worked on."""
    root, digest = Path(__file__).resolve().parent.parent, hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        text = file.read_bytes()
        digest.update(f"{file.relative_to(root).as_posix()} {len(text)}\n".encode() + text)
    return digest.hexdigest()


def source_of(script: str | Path) -> str:
    """SHA-256 of a script and of the modules beside it that it imports, itself or through one another. Data that they read are not known."""
    digest = hashlib.sha256()
    for name, text in sorted(texts_of(Path(script).resolve()).items()):
        digest.update(f"{name} {len(text)}\n".encode() + text)
    return digest.hexdigest()


def texts_of(script: Path) -> dict[str, bytes]:
    """File below the script's folder -> its text, of the script and of what it imports from there."""
    texts: dict[str, bytes] = {}
    waiting = [script]
    while waiting:
        file = waiting.pop()
        name = file.relative_to(script.parent).as_posix()
        if name not in texts:
            texts[name] = file.read_bytes()
            waiting += neighbours(texts[name], file.parent, script.parent)
    return texts


def neighbours(text: bytes, own: Path, folder: Path) -> list[Path]:
    """The files below a folder that a Python text imports, with the packages on the way; `own` is where the text lies."""
    found: list[Path] = []
    for base, name in imports_of(text, own, folder):
        parts = name.split(".") if name else []
        for stem in (base.joinpath(*parts[:k]) for k in range(len(parts) + 1)):
            found += [stem.parent / f"{stem.name}.py", stem / "__init__.py"]
    return [file for file in found if folder in file.parents and file != folder / "__init__.py" and file.is_file()]


def imports_of(text: bytes, own: Path, folder: Path) -> list[tuple[Path, str]]:
    """(folder, dotted name in it) of each import of a Python text; of one that cannot be read, which fails when it is loaded, none."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return []
    found: list[tuple[Path, str]] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [(folder, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = (folder, own, *own.parents)[min(node.level, len(own.parents) + 1)]
            inner = [f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names]
            found += [(base, name) for name in (node.module or "", *inner)]
    return [(base, name) for base, name in found if base != folder or top(name) != PACKAGE]


@contextlib.contextmanager
def imported_anew(script: str | Path) -> Iterator[None]:
    """While it lasts, what a script imports from beside it is read anew, and found before all else of that name.

    Modules of these names that the process has, from the same folder or another one, are put aside and come back at the end; those of the script
    go then. No byte code is written: it is told from an edited file by size and second alone.
    """
    script = Path(script).resolve()
    names = {top(name.removesuffix(".py").replace("/", ".")) for name in (texts_of(script) if script.is_file() else ())} - KEPT
    with ALONE:
        before, path, writes_none = dict(sys.modules), list(sys.path), sys.dont_write_bytecode
        for name in before:
            if top(name) in names:
                del sys.modules[name]
        sys.path.insert(0, str(script.parent))
        sys.dont_write_bytecode = True
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path[:], sys.dont_write_bytecode = path, writes_none
            new = {name: module for name, module in sys.modules.items() if before.get(name) is not module}
            for name in [name for name in new if top(name) not in KEPT and lies_in(new.get(top(name)), script.parent)]:
                del sys.modules[name]
            sys.modules.update({name: module for name, module in before.items() if top(name) in names})


def top(name: str) -> str:
    """pack of pack.inner."""
    return name.partition(".")[0]


def lies_in(module: Any, folder: Path) -> bool:
    """Whether a module or package that is no part of another one was found in a folder."""
    places = list(getattr(module, "__path__", ())) or [getattr(module, "__file__", None) or "/"]
    return any(Path(place).resolve().parent == folder for place in places)
