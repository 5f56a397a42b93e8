"""Where a run came from: script, versions, machine type and git commit, without names of people, hosts or folders."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path, PurePath
from typing import Any


def provenance(script: str | Path | None = None) -> dict[str, Any]:
    """Metadata of format.META that do not depend on the network; `script` is the file that described it, if known."""
    path = Path(script) if script is not None else main_script()
    commit, dirty = git_state(path.parent if path is not None else Path.cwd())
    return {
        "script": path.read_text(encoding="utf-8", errors="replace") if path is not None else "",
        "script_name": path.name if path is not None else "",
        "versions_json": installed_versions(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_name(),
        "command": plain_command(sys.argv),
        "git_commit": commit,
        "git_dirty": dirty,
        "started": now(),
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def main_script() -> Path | None:
    """The file Python was started with, if it is somebody's script and not an installed program."""
    name = getattr(sys.modules.get("__main__"), "__file__", None)
    if name is None:
        return None
    path = Path(name).resolve()
    installed = [Path(sysconfig.get_path(key)).resolve() for key in ("purelib", "platlib", "stdlib", "scripts")]
    ours = Path(__file__).resolve().parents[1]
    own = path.suffix == ".py" and path.is_file() and not any(folder in path.parents for folder in [*installed, ours])
    return path if own else None


@cache
def installed_versions() -> dict[str, str]:
    """Version of each installed distribution, from the first lines of its metadata (parsing all of them takes ten times as long)."""
    package = sys.modules[__name__.partition(".")[0]]
    versions = {"thalia-sim": str(getattr(package, "__version__", "unknown"))}  # also where it runs from its folder, not installed
    for dist in importlib.metadata.distributions():
        head = (dist.read_text("METADATA") or dist.read_text("PKG-INFO") or "").partition("\n\n")[0]
        fields = dict(re.findall(r"^(Name|Version): *(\S+)", head, flags=re.M))
        if len(fields) == 2:
            versions[fields["Name"]] = fields["Version"]
    return dict(sorted(versions.items(), key=lambda item: item[0].lower()))


def cpu_name() -> str:
    try:
        from llvmlite.binding import get_host_cpu_name
    except ImportError:
        return platform.processor()
    return str(get_host_cpu_name())


def plain_command(argv: Sequence[str]) -> str:
    """The command line [program, word ...], absolute paths cut to their last part."""

    def plain(word: str) -> str:
        option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        return option + equals + (PurePath(value).name if PurePath(value).is_absolute() else value)

    program = PurePath(argv[0])
    first = "thalia-sim" if program.name == "__main__.py" and program.parent.name == "thalia_sim" else program.name
    return shlex.join([first, *(plain(word) for word in argv[1:])])


def git_state(folder: Path) -> tuple[str, int]:
    """(commit, dirty) of the repository around `folder`: ("", -1) without one; dirty is 1 if a tracked file was changed."""

    def git(*words: str) -> str | None:
        try:
            answer = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=5, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return answer.stdout.strip() if answer.returncode == 0 else None

    commit = git("rev-parse", "--verify", "HEAD")
    if commit is None:
        return "", -1
    changes = git("status", "--porcelain", "--untracked-files=no")
    return commit, -1 if changes is None else int(bool(changes))
