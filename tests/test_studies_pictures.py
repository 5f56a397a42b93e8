"""Pictures of studies: where they can be written is known before anything runs, and what they leave out is said."""

import math
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from thalia_sim.cli import commands
from thalia_sim.studies import figures
from thalia_sim.studies.effects import effect
from thalia_sim.studies.figures import widths_of
from thalia_sim.studies.results import Result

NETWORK = Path(__file__).parent / "study_network.py"


@pytest.fixture
def script(tmp_path):
    return shutil.copy(NETWORK, tmp_path / "net.py")


def study(kind, *words):
    return CliRunner().invoke(commands, ["study", kind, "--workers", "1", *map(str, words)])


def asked(script, folder):
    return (script, "--seeds", 1, "--out", folder, "--settle", "20 ms", "--measure", "20 ms")


# the command


UNFIT = [("a.jpg", "give a name that ends in .png, .svg or .pdf"), ("none/a.png", "does not exist: create it first"), ("f.png", "cannot be written")]


@pytest.mark.parametrize("name, message", UNFIT)
def test_a_picture_that_cannot_be_written_is_refused_before_anything_runs(script, tmp_path, name, message):
    (tmp_path / "f.png").mkdir()
    told = study("ablation", *asked(script, tmp_path / "a"), "--figure", tmp_path / name)
    assert told.exit_code in (1, 2) and message in told.stderr.replace("is a directory", "cannot be written") and not (tmp_path / "a").exists()


def test_a_folder_in_which_nothing_may_be_written_is_refused(script, tmp_path, monkeypatch):
    """What the system says of the folder, as root may write everywhere."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    told = study("ablation", *asked(script, tmp_path / "a"), "--figure", tmp_path / "a.png")
    assert told.exit_code == 1 and "a.png cannot be written: choose a file and a folder" in told.stderr and not (tmp_path / "a").exists()


def test_without_anything_to_draw_the_table_is_printed_and_the_exit_code_is_that_of_the_study(script, tmp_path):
    """A measure that there is not: 0; a budget that ends before the first seed is whole: 3."""
    told = study("ablation", *asked(script, tmp_path / "a"), "--by", "nope", "--figure", tmp_path / "a.png")
    assert told.exit_code == 0 and "no measure is named 'nope'" in told.stdout and not (tmp_path / "a.png").exists()
    assert f"wrote {tmp_path / 'a' / 'ablation.h5'}" in told.stdout and "no picture: study in" in told.stdout
    long = ("--settle", "1000 s", "--budget", "0.3s", "--quiet", "--figure", tmp_path / "b.png")
    told = study("ablation", *asked(script, tmp_path / "b"), *long)
    assert told.exit_code == 3 and "0 of 1 seeds count" in told.stdout and "no picture: study in" in told.stdout
    told = study("ablation", *asked(script, tmp_path / "b"), *long, "--json")
    assert told.exit_code == 3 and told.stdout.startswith("{") and "no picture" not in told.stdout and "no picture: study in" in told.stderr


# what is drawn


def made_up(folder, effects):
    return Result("recovery", folder, {"script": "net.py", "seeds": [1, 2]}, effects, [], [1, 2], [], [], False, [])


@pytest.mark.parametrize("number", [figures.MOST, figures.MOST + 18])
def test_the_title_says_how_many_panels_are_left_out(tmp_path, monkeypatch, number):
    """A panel for each of 12 or 30 measures, of which 12 are shown."""
    titles = []
    monkeypatch.setattr(figures, "save_picture", lambda figure, out: titles.append((figure.get_suptitle(), len(figure.axes))))
    made_up(tmp_path, [effect("lesion", "after - control", f"m{k}", [1.0, 2.0]) for k in range(number)]).figure(tmp_path / "a.png")
    ((title, panels),) = titles
    assert panels == 12 and (title.splitlines()[1:] == ["12 of 30 panels are shown: choose measures by --by"]) == (number > 12)


def test_intervals_of_times_begin_at_0():
    """Of 100 and 700 ms the interval is that of 400 +- 3812 ms, by Student's quantile 12.706 for two; other quantities may be below 0."""
    time = effect("lesion", "t50", "course", [100.0, 700.0], unit="ms")
    assert widths_of(time) == pytest.approx((400.0, 12.7062 * 300.0), rel=1e-5)
    assert widths_of(time._replace(unit="1", measure="course")) == pytest.approx((3811.86, 3811.86), rel=1e-5)
    assert widths_of(effect("lesion", "t50", "course", [100.0], unit="ms")) == (0.0, 0.0)


@pytest.mark.parametrize("unknown", [("on", "off"), ("off",)], ids=["both", "one of two"])
def test_marks_of_two_conditions_do_not_overlap(tmp_path, monkeypatch, unknown):
    """By the boxes in which words are drawn: no two of them meet, and the point of the other condition is in none."""
    drawn = []
    monkeypatch.setattr(figures, "save_picture", lambda figure, out: drawn.append((figure, figure.canvas.draw())))
    rows = [
        effect(name, quantity, "course", [math.nan] if quantity == "t90" and switch in unknown else [3.0, 4.0], unit="ms", condition=switch)
        for name in ("lesion", "drive_doubled") for quantity in ("t50", "t90") for switch in ("on", "off")
    ]  # fmt: skip
    made_up(tmp_path, rows).figure(tmp_path / "a.png")
    ax = drawn[0][0].axes[0]
    boxes = [text.get_window_extent() for text in ax.texts]
    assert [text.get_text() for text in ax.texts] == ["no value"] * (2 * len(unknown))
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[k + 1 :])
    places = [ax.transData.transform((0.0, y))[1] for line in ax.lines if line.get_marker() == "o" for y in line.get_ydata()]
    for box in boxes:
        inside = [y for y in places if box.y0 <= y <= box.y1]
        assert inside and max(inside) - min(inside) < 0.1  # pixels: those of its own row and condition
