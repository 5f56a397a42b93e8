"""Who writes a recording, and whether that process still runs."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path


def this_process() -> str:
    """Hashes of host and boot, the process, and when it began; nothing that can be read back."""
    return f"{short_hash(platform.node())}:{short_hash(boot())}:{os.getpid()}:{process_begin(os.getpid())}"


def short_hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def boot() -> str:
    """Name of the time since this machine was started, empty where there is none."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text() if path.exists() else ""


def process_begin(pid: int) -> str:
    """When a process began, in the system's own count; empty where that is not to be had, or if there is no such process, or it is dead and only
    waits for its parent to hear of it (a zombie)."""
    try:
        state, *_, begin = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:20]
        return "" if state in "ZX" else begin
    except (OSError, ValueError):
        return ""


def is_alive(owner: str) -> bool | None:
    """Whether the process that `this_process` named still runs; None if it ran on another machine."""
    host, _, rest = owner.partition(":")
    started, _, rest = rest.partition(":")
    pid, _, begin = rest.partition(":")
    if host != short_hash(platform.node()) or not pid.isdigit():
        return None
    if started != short_hash(boot()):
        return False
    if begin:
        return process_begin(int(pid)) == begin
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
