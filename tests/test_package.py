"""What holds for the package as a whole: the README's commands, the version, imports, the settings that the tools really read."""

import configparser
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import thalia_sim
from thalia_sim.experiment import describe, load_script

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def blocks():
    """The fenced sh blocks of the README, in order."""
    return re.findall(r"^```sh\n(.*?)^```", README, flags=re.M | re.S)


def test_readme_first_command_sets_up_and_runs_the_main_job():
    first = blocks()[0]
    assert "python3 -m venv" in first and "pip install" in first
    (script,) = re.findall(r"thalia-sim run (\S+)", first)
    assert (ROOT / script).is_file()
    assert "thalia-sim plot" in first


def test_readme_second_command_runs_the_tests():
    second = blocks()[1]
    assert "python3 -m venv" in second and "pytest" in second and "[test]" in second


def test_ci_runs_the_second_command_as_it_stands():
    """The extraction in .ci/run gives exactly the second block."""
    script = (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    function = re.search(r"^readme_block\(\) \{\n.*?^\}", script, flags=re.M | re.S).group()
    done = subprocess.run(["bash", "-c", function + "\nreadme_block 2"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == blocks()[1]


def test_readme_links_exist():
    """Pictures and pages of the repository that the README points to."""
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_version_is_said_once():
    assert thalia_sim.__version__ == PROJECT["version"]
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_version_of_the_installed_package():
    try:
        installed = importlib.metadata.version("thalia-sim")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("thalia-sim is not installed: the tests run from the sources")
    assert installed == PROJECT["version"]


def test_every_dependency_has_a_range():
    extras = [d for part in PROJECT["optional-dependencies"].values() for d in part]
    for dependency in PROJECT["dependencies"] + extras:
        assert re.search(r">=.+,<", dependency), dependency


def test_pytest_reads_setup_cfg(pytestconfig):
    assert pytestconfig.inipath is not None and pytestconfig.inipath.name == "setup.cfg"


def test_readme_example_builds(tmp_path):
    """The experiment that the README shows loads, describes a network and takes its settings."""
    (text,) = re.findall(r"^```python\n(\"\"\".*?)^```", README, flags=re.M | re.S)
    (tmp_path / "rate.py").write_text(text)
    loaded = load_script(tmp_path / "rate.py")
    net = describe(loaded, seed=3, settings=["inhibition=6", "exc.tau_m=15"])
    assert net.n == 1000 and net.get("inh->exc+inh.w") == pytest.approx(-0.6) and net.get("exc.tau_m") == 15.0


def test_import_is_quick():
    """Under a second on an idle machine; the bound leaves room for a busy one. The best of three, since the first may read a cold disk."""
    code = "import time; t = time.perf_counter(); import thalia_sim; print(time.perf_counter() - t)"
    times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(3)]
    assert min(times) < 2.0


def test_import_opens_no_connection():
    """Neither the package nor its command line touches the network on import."""
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('connection')\n"
        "socket.socket.connect = refuse\n"
        "socket.create_connection = refuse\n"
        "import thalia_sim, thalia_sim.cli, thalia_sim.bench, thalia_sim.doctor, thalia_sim.circuits, thalia_sim.simulation\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_njit_stays_in_kernels():
    """House style: compiled code lives in kernels/ (and kernels_cuda/) only; the rest calls it."""
    found = [
        str(f.relative_to(ROOT))
        for f in (ROOT / "thalia_sim").rglob("*.py")
        if "kernels" not in f.relative_to(ROOT).parts[1] and re.search(r"\b(njit|cfunc|cuda\.jit)\b\(?", f.read_text(encoding="utf-8"))
    ]
    assert not found


def test_setup_cfg_holds_the_import_contracts():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    assert "importlinter" in settings and "mypy" in settings and "tool:pytest" in settings and "coverage:run" in settings
