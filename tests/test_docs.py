"""The pages under docs/ say what the code does: tables of models, names of tests, examples that run."""

import inspect
import math
import re
from pathlib import Path

import pytest

import thalia_sim
from thalia_sim import units

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PLASTICITY = (ROOT / "docs" / "plasticity.md").read_text(encoding="utf-8")
MODELS = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
NEURONS = [thalia_sim.LIFDelta, thalia_sim.LIFExp1, thalia_sim.LIFExp, thalia_sim.LIFAlpha, thalia_sim.LIFCond, thalia_sim.AdaptiveLIF]
DRIVES = [thalia_sim.Poisson, thalia_sim.DC, thalia_sim.StepCurrent, thalia_sim.Ramp, thalia_sim.Sine, thalia_sim.OrnsteinUhlenbeck]
INTERVENTIONS = [kind for kind in vars(thalia_sim.interventions).values() if isinstance(kind, type) and hasattr(kind, "_fields")]
RULES = [kind for kind in vars(thalia_sim).values() if isinstance(kind, type) and hasattr(kind, "__thalia_rule__")]
SOURCES = [thalia_sim.PoissonSource, thalia_sim.SpikeArray, thalia_sim.SpikeFile]


def part(title, page=MODELS):
    """The text of a section of a page."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page, flags=re.M | re.S)[1]


def rows(text):
    """Cells of the tables' rows, without heads and rules."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip("`") for cell in row] for row in cells]


def shown(value):
    """A default as the tables write it."""
    if isinstance(value, float):
        return ("-inf" if value < 0 else "inf") if math.isinf(value) else f"{value:g}"
    return repr(value)


def test_every_model_is_described():
    """All declared neurons, sources and drives that the package exports."""
    tuples = {m for m in vars(thalia_sim).values() if isinstance(m, type) and hasattr(m, "_field_defaults")}
    rules = {m for m in tuples if hasattr(m, "__thalia_rule__")}
    operators = {m for m in tuples if m.__module__.startswith("thalia_sim.robustness.")}
    assert tuples - {thalia_sim.Sample, *INTERVENTIONS, *rules, *operators} == {*NEURONS, *DRIVES, *SOURCES}


def test_every_intervention_is_described():
    """All that the package exports, with the fields and defaults that are theirs alone."""
    shared = ("share", "elements", "at", "until", "name")
    table = [row[:3] for row in rows((ROOT / "docs" / "interventions.md").read_text(encoding="utf-8"))]
    assert INTERVENTIONS
    assert {tuple(row) for row in table} == {
        (kind.__name__, field, shown(kind._field_defaults[field]) if field in kind._field_defaults else "")
        for kind in INTERVENTIONS for field in kind._fields if field not in shared
    }  # fmt: skip


MECHANISMS = [m for m in vars(thalia_sim.robustness).values() if isinstance(m, type) and issubclass(m, thalia_sim.Hook)]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_parameters_of_mechanisms(mechanism):
    """Every argument stands in the row of the mechanism, with its default where that is a number."""
    text = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{mechanism.__name__}(")]
    for name, parameter in list(inspect.signature(mechanism).parameters.items()):
        assert re.search(rf"\b{name}\b", row), f"{name} is not in the row of {mechanism.__name__}"
        if type(parameter.default) in (int, float):
            shown_so = [f", {parameter.default:g})", f", {parameter.default:,.0f})", f"({parameter.default:g})"]
            assert any(text in row.partition(name)[2] for text in shown_so), f"{name} = {parameter.default} of {mechanism.__name__}"


@pytest.mark.parametrize("model", NEURONS)
def test_parameters_of_neurons(model):
    """Every parameter with its default and unit, in the order of the code, and nothing else."""
    declared = model.__thalia__
    expected = [[f, shown(model._field_defaults[f]), declared.units[f]] for f in model._fields]
    assert [row[:3] for row in rows(part(model.__name__))] == expected
    for receptor in declared.receptors:
        assert f"`{receptor}`" in part(model.__name__)


def test_every_rule_is_described_with_its_size_and_cost():
    """All that the package exports; bytes are slot, weight and declared state; a source, and a cost that was measured."""
    table = rows(part("The rules", PLASTICITY))
    assert len(RULES) > 10 and {row[0] for row in table} == {kind.__name__ for kind in RULES}
    for name, equation, size, ns, ratio, source in table:
        assert int(size) == 6 + 4 * len(getattr(thalia_sim, name).__thalia_rule__.state)
        assert equation and source and 0.0 < float(ratio) < float(ns) * 10


def test_parameters_of_rules():
    """Every parameter with its default and unit, in the order of the code, and nothing else; made by experiments/rules_cost.py."""
    table = rows(part("Parameters", PLASTICITY))
    for kind in RULES:
        units = {f: "of w" if unit == "unit" else unit for f, unit in kind.__thalia_rule__.units.items()}
        expected = [[f, shown(float(kind._field_defaults[f])), units[f]] for f in kind._fields]
        assert [row[1:4] for row in table if row[0] == kind.__name__] == expected
    assert len(table) == sum(len(kind._fields) for kind in RULES)


@pytest.mark.parametrize("title, models", [("Drives", DRIVES), ("Populations that only send spikes", SOURCES)])
def test_parameters_of_drives_and_sources(title, models):
    expected = [[m.__name__, f, shown(m._field_defaults[f])] for m in models for f in m._fields]
    assert [row[:3] for row in rows(part(title))] == expected


def examples():
    """(file, its python blocks joined) of the README and the pages that have any."""
    for file in [ROOT / "README.md", *DOCS]:
        blocks = re.findall(r"^```python\n(.*?)^```", file.read_text(encoding="utf-8"), flags=re.M | re.S)
        if blocks:
            yield pytest.param(file, "\n".join(blocks), id=file.name)


@pytest.mark.parametrize("file, text", list(examples()))
def test_examples_run(file, text, tmp_path, monkeypatch):
    """All blocks of a page, one after the other; names of the package are at hand."""
    monkeypatch.chdir(tmp_path)
    names = {**vars(thalia_sim), **vars(units), "__name__": "example"}
    exec(compile(text, str(file), "exec"), names)


@pytest.mark.parametrize("page", ["guarantees.md", "plasticity.md"])
def test_guarantees_name_tests_that_exist(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    named = re.findall(r"\b(test_\w+)\.py::(\w+)", text)
    assert len(named) > 10
    for file, function in named:
        path = ROOT / "tests" / f"{file}.py"
        assert path.is_file(), path.name
        assert re.search(rf"^(def|class) {function}\b", path.read_text(encoding="utf-8"), flags=re.M), f"{file}.py::{function}"


@pytest.mark.parametrize("file", [ROOT / "README.md", *DOCS], ids=lambda f: f.name)
def test_links_between_pages(file):
    """Relative links lead somewhere; the page of figures is made by experiments/performance.py and may not be there yet."""
    for link in re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8")):
        if not link.startswith("http") and Path(link).name != "performance.md":
            assert (file.parent / link).exists(), link


def test_the_page_on_recordings_is_what_the_code_declares():
    """Every group, dataset and metadatum with its type, shape, unit and sentence."""
    from thalia_sim.recording import format as fmt

    page = (ROOT / "docs" / "recording.md").read_text(encoding="utf-8")
    expected = [f"| `{name}` | {sentence} |" for name, sentence in fmt.GROUPS.items()]
    entries = [entry for entry in vars(fmt).values() if isinstance(entry, fmt.Entry)]
    expected += [f"| `{e.path}` | {e.dtype} | `{e.shape}` | {e.units} | {e.sentence} |" for e in entries]
    expected += [f"| `/thalia/meta/{name}` | {units} | {sentence} |" for name, (units, sentence) in fmt.META.items()]
    there = [line for line in page.splitlines() if line.startswith("| `/") and "`, `" not in line and line.count("|") in (3, 4, 6)]
    missing = [line for line in expected if line not in there]
    assert not missing
    assert len(entries) > 20 and page.count("| `/spikes/{population}") >= 4
