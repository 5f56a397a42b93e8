"""Scripts of studies and the modules beside them, in a process that lives on: what is run is what lies there now, under the key of its own text."""

import sys
from pathlib import Path

import pytest

from thalia_sim.experiment import load_script
from thalia_sim.studies import stability
from thalia_sim.studies.sources import imported_anew, source_of

NETWORK = (Path(__file__).parent / "study_network.py").read_text()
SHORT = {"settle": 20.0, "measure": 20.0}


def script(folder, text=""):
    folder.mkdir(exist_ok=True)
    (folder / "net.py").write_text(NETWORK + text)
    return folder / "net.py"


def measured(result):
    return {run["x"] for run in result.runs if run["parent"]}


BESIDE = "\nfrom near import X\n\ndef measure(recording):\n    return {'x': X}\n"
LATE = "\ndef measure(recording):\n    import near\n    return {'x': near.X}\n"


@pytest.mark.parametrize("text", [BESIDE, LATE], ids=["at the top", "in measure"])
def test_an_edited_module_is_read_again_in_the_same_process(tmp_path, text):
    """Against the text of the module: a number of the same length, written within the same second, and back again, which computes nothing."""
    path = script(tmp_path / "s", text)
    for number in ("1.0", "2.0", "1.0"):
        (path.parent / "near.py").write_text(f"X = {number}\n")
        assert measured(stability(path, [1], out=tmp_path / "out", **SHORT)) == {float(number)}


def test_scripts_in_different_folders_have_modules_of_their_own(tmp_path):
    """Both modules are called near; what else the process calls so is left as it was."""
    mine = sys.modules["near"] = object()
    path = list(sys.path)
    try:
        for number, name in enumerate(("a", "b"), start=1):
            each = script(tmp_path / name, BESIDE)
            (each.parent / "near.py").write_text(f"X = {number}.0\n")
            assert measured(stability(each, [1], out=tmp_path / "out", **SHORT)) == {float(number)}
        assert sys.modules["near"] is mine and sys.path == path
    finally:
        del sys.modules["near"]


def test_modules_of_a_script_go_and_others_stay(tmp_path):
    """A package beside the script, one that the script finds elsewhere by itself, and the package under test, of which a folder lies beside it."""
    elsewhere = tmp_path / "lib"
    elsewhere.mkdir()
    (elsewhere / "far_lib.py").write_text("y = 1\n")
    here = tmp_path / "s"
    path = script(here, f"\nimport sys\nsys.path.append({str(elsewhere)!r})\nimport far_lib\nimport pack.inner\n")
    for name in ("pack", "thalia_sim"):
        (here / name).mkdir()
        (here / name / "__init__.py").write_text("")
    (here / "pack" / "inner.py").write_text("x = 1\n")
    package = sys.modules["thalia_sim"]
    try:
        with imported_anew(path):
            load_script(path)
            assert {"pack", "pack.inner"} <= sys.modules.keys() and sys.modules["thalia_sim"] is package
        assert not {"pack", "pack.inner"} & sys.modules.keys() and "far_lib" in sys.modules and sys.modules["thalia_sim"] is package
        assert not list(here.rglob("*.pyc"))
    finally:
        sys.modules.pop("far_lib", None)


IMPORTS = [
    ("import pack.core\n", {}, True),
    ("import pack.core\n", {"pack/__init__.py": ""}, True),
    ("from pack import x\n", {"pack/__init__.py": "from .core import x\n"}, True),
    ("from pack import core\n", {"pack/__init__.py": ""}, True),
    ("import pack\n", {"pack/__init__.py": "from . import core\n"}, True),
    ("import pack.sub.deep\n", {"pack/__init__.py": "", "pack/sub/__init__.py": "", "pack/sub/deep.py": "from ..core import x\n"}, True),
    ("import pack.sub.deep\n", {"pack/sub/__init__.py": "import pack.core\n", "pack/sub/deep.py": ""}, True),
    ("import pack\n", {"pack/__init__.py": "", "core.py": ""}, False),
    ("import pack\n", {"pack/__init__.py": "from .... import core\n"}, False),
]


@pytest.mark.parametrize("text, files, follows", IMPORTS)
def test_the_source_follows_every_way_to_import(tmp_path, text, files, follows):
    """Against Python itself, by hand: whether pack/core.py is read when the script is imported, so whether an edit of it is another source."""
    (tmp_path / "net.py").write_text(text)
    (tmp_path / "pack" / "sub").mkdir(parents=True)
    for name, inner in {"pack/core.py": "x = 1\n", **files}.items():
        (tmp_path / name).write_text(inner)
    before = source_of(tmp_path / "net.py")
    (tmp_path / "pack" / "core.py").write_text("x = 2\n")
    assert (source_of(tmp_path / "net.py") != before) == follows


def test_a_script_is_one_source_by_whatever_path(tmp_path, monkeypatch):
    """By a relative path and through a link, the same as by its own."""
    path = script(tmp_path / "s", BESIDE)
    (path.parent / "near.py").write_text("X = 1.0\n")
    (tmp_path / "link.py").symlink_to(path)
    monkeypatch.chdir(path.parent)
    assert source_of("net.py") == source_of(path) == source_of(tmp_path / "link.py")
