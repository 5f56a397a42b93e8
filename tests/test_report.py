"""The page on a recording: what it says is what the recording holds, whatever a user wrote stays text, and a real browser shows it."""

import base64
import json
import re
from functools import cache
from html.parser import HTMLParser
from types import SimpleNamespace
from xml.etree import ElementTree

import chromium
import numpy as np
import pytest
from click.testing import CliRunner
from fake_simulation import FakeSimulation

from thalia_sim import LIFDelta, LIFExp, Network, Normal, Poisson, StepCurrent, from_arrays, probability
from thalia_sim.analysis import plots, report
from thalia_sim.analysis.measure_facts import number, quantities
from thalia_sim.analysis.measured import measure_recording
from thalia_sim.analysis.report import figures, page, report_page, write_report
from thalia_sim.cli import commands
from thalia_sim.errors import RecordingError
from thalia_sim.hooks import Hook, Recorder, Sample
from thalia_sim.recording import open_recording
from thalia_sim.recording.reader import Event

EVIL = "<img src=x onerror=alert(1)>&lt;\"'"  # what may stand in a name
SCRIPT = f'''"""Is </title><script>alert("a")</script> & {EVIL} a question?

Further words.
"""
x = "</pre></code></details><script>alert(2)</script> \x07 ünï 神经元 {{}} $\\\\frac{{1}}{{2}}$"
'''
ELEMENTS = set(
    "html head meta title style body main header nav section h1 h2 h3 p ul li a div span table thead tbody tr th td dl dt dd "
    "details summary pre code figure figcaption picture source img strong footer".split()
)
ATTRIBUTES = set("lang charset name content http-equiv class id href role aria-label tabindex scope media srcset src alt".split())
EMPTY = ("meta", "source", "img")


class Parsed(HTMLParser):
    """A page as its elements and texts; an end tag that closes nothing, or something else, is an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.inside = [], [], {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self.open.append((tag, []))

    def handle_endtag(self, tag):
        opened, texts = self.open.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"
        self.inside.setdefault(tag, []).append("".join(texts))

    def handle_data(self, data):
        for _, texts in self.open:
            texts.append(data)

    def all(self, tag):
        return [attributes for found, attributes in self.found if found == tag]

    def rows(self):
        """Each row of a table as the texts of its cells: the ends of rows and cells come in their order."""
        return self.inside.get("tr", [])


class Gauge(Hook):
    every = 10.0
    units = {"level": "mV"}

    def start(self, sim):
        self.declare(level=0.5, calls=0)

    def handle(self, sim):
        self.calls += 1
        self.level = 0.5 + sim.t

    def diagnostics(self):
        return {"level": float(self.level), "share": np.nan}


def network(exc="exc", inh="inh", name=None):
    net = Network(seed=5)
    a = net.populate(exc, 300, LIFDelta(tau_m=17.5))
    b = net.populate(inh, 60, LIFExp(tau_m=11.25), v=Normal(-60.0, 2.0))
    net.connect(a, b, probability(0.125), w=1.5, delay=2.5, receptor="exc", name=name)
    net.connect(b[:20], a, from_arrays([0, 3], [1, 2], w=[-0.5, -0.25]))
    net.drive(a, Poisson(rate=912.5), w=0.75)
    net.drive(b, StepCurrent(times=(0.0, 10.0), amplitudes=(0.0, 20.0)))
    return net


def record(path, net=None, hooks=(), duration=200.0, rate=20.0, fail_at=None, **options):
    """A recording of random spikes of a described network."""
    sim = FakeSimulation(net or network(), [*hooks, Recorder(path, **options)], rate=rate)
    if fail_at is None:
        sim.run(duration)
    else:
        with pytest.raises(FloatingPointError):
            sim.run(duration, fail_at=fail_at)
    return path


@cache
def page_of(path):
    with open_recording(path) as recording:
        return report_page(recording)


def words_of(recording):
    """The page, without drawing its figures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "all_figures", lambda *_: [])
        patch.setattr(report, "drawn", lambda *_: None)
        patch.setattr(report, "measure_figures", lambda *_: [])
        return Parsed(report_page(recording))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def full(folder):
    (folder / "question.py").write_text('"""Does it fire?\n\nMore words."""\nuntil = 200.0\n')
    state = [Sample("exc", "v", every=1.0), Sample("inh", "v", every=1.0)]
    options = {"until": 200.0, "settings": ["exc.tau_m=17.5"]}
    return record(folder / "full.h5", None, [Gauge()], state=state, weights=["exc->inh"], script=folder / "question.py", options=options)


@pytest.fixture(scope="module")
def hostile(folder):
    """Everything that a user may name or write, as nasty as it is accepted."""
    (folder / "evil.py").write_text(SCRIPT, encoding="utf-8")
    evil = EVIL + " $x_$ $\\frac"
    hooks = [type("Nasty", (Gauge,), {"name": evil, "units": {"level": EVIL}, "diagnostics": lambda self: {"_" + EVIL: 1.0, "神经元": 2.0}})()]
    net = network("神经元", "_" + "long" * 60, name=evil)
    return record(folder / "hostile 'a'.h5", net, hooks, weights=[evil], script=folder / "evil.py", options={EVIL: [EVIL] * 3, "settings": [EVIL]})


@pytest.fixture(scope="module")
def failed(folder):
    return record(folder / "failed.h5", fail_at=50.0)


@pytest.fixture(scope="module")
def empty(folder):
    return record(folder / "empty.h5", Network(seed=2), duration=20.0)


# what the page says


def test_the_page_says_what_the_recording_holds(full):
    text = page_of(full)
    parsed = Parsed(text)
    with open_recording(full) as recording:
        meta, n = recording.meta, len(recording.spikes("exc")[0])
    assert parsed.inside["h1"] == ["question.py"] and "Does it fire?" in parsed.inside["p"]
    assert any(p == "seed 5 · 200 ms simulated · 360 elements" for p in parsed.inside["p"])
    assert "The run came to its end." in parsed.inside["p"]
    assert f"excLIFDelta300{n:,}{n / 300 / 0.2:.3g}" in parsed.rows()
    for fact in (meta["config_sha256"], meta["seed_scheme"], meta["python"], meta["platform"], meta["cpu"], meta["command"]):
        assert fact in "".join(parsed.inside["main"])
    assert "thalia-sim run full.h5" in parsed.inside["pre"]
    assert (meta["script"]) in parsed.inside["pre"] and "exc.tau_m=17.5" in parsed.inside["main"][0]


def test_the_configuration_has_units(full):
    """Each parameter with its value and unit; selections, wiring, drives in words; all of it as JSON."""
    parsed = Parsed(page_of(full))
    assert "tau_m17.5 ms" in parsed.rows() and "tau_m11.25 ms" in parsed.rows()
    assert "v at the startNormal(mean -60, sd 2) mV" in parsed.rows()
    assert "exc->inhexc → inhProbability(p 0.125)1.5 pA2.5 msexc" in parsed.rows()
    assert "inh->excinh[0:20] → excFromArrays(i 2 values, j 2 values, w 2 values)of the wiringone stepsyn" in parsed.rows()
    assert "poisson->excexcPoisson(rate 912.5 Hz)0.75 mVsyn" in parsed.rows()
    assert "state recordedv of exc, every 1 ms" in parsed.rows() and "weights recordedexc->inh, at the start and the end" in parsed.rows()
    with open_recording(full) as recording:
        assert json.loads(next(t for t in parsed.inside["code"] if t.startswith("{"))) == recording.config


def test_populations_of_a_model_share_a_table(folder):
    """What they have in common once, what sets them apart by population."""
    net = Network(seed=1)
    for k in range(3):
        net.populate(f"p{k}", 10 + k, LIFDelta(tau_m=10.0 + k, v_th=12.5))
    with open_recording(record(folder / "models.h5", net)) as recording:
        parsed = words_of(recording)
    assert parsed.inside["h3"].count("LIFDelta") == 1 and "p0 (10), p1 (11), p2 (12)" in parsed.inside["p"]
    assert parsed.rows().count("v_th12.5 mV") == 1
    start = parsed.rows().index("populationtau_m")
    assert parsed.rows()[start : start + 4] == ["populationtau_m", "p010 ms", "p111 ms", "p212 ms"]


def test_measures_are_those_of_the_measuring_command(full):
    """One row a population with the numbers of `thalia-sim measure`; what cannot be drawn of so short a run is said."""
    found = measure_recording(full)
    with open_recording(full) as recording:
        parsed = words_of(recording)
    for name, m in found.populations.items():
        values = [number(v) for k, v in quantities(m).items() if k != "rate_hz"]
        assert f"{name}{m.stationarity.verdict}{''.join(values)}" in parsed.rows()
    assert "power spectrum: shorter than a segment, or silent." in Parsed(page_of(full)).inside["p"]


def test_hooks_are_tables_and_lines(full):
    parsed = Parsed(page_of(full))
    assert "levelmV0.5200.50.5200.5" in parsed.rows() and "share––––" in parsed.rows()
    assert any("called 21 times, from 0 to 200 ms" in p for p in parsed.inside["p"])
    assert [c for c in parsed.inside["figcaption"] if c in ("level", "share")] == ["level", "share"]


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        ("complete", "", "The run came to its end."),
        ("failed", "ValueError: the electrode broke.", "The run failed at 200 ms of 1 s: ValueError: the electrode broke. All"),
        ("interrupted", "", "The run was stopped at 200 ms of 1 s; thalia-sim resume full.h5 goes on from its last checkpoint."),
        ("recovered", "", "The run died at 200 ms of 1 s; its recording was put into order afterwards"),
        ("running", "", "The run died at 200 ms of 1 s: its process is gone"),
    ],
)
def test_how_a_run_ended_in_words(full, status, error, told):
    with open_recording(full) as recording:
        recording.status, recording.error = status, error
        recording.config["run"]["until"] = 1000.0
        assert any(p.startswith(told) for p in words_of(recording).inside["p"])


def test_a_run_that_goes_on(folder):
    """Read by the process that writes it: it lives."""
    seen = []

    class Look(Hook):
        at = 100.0

        def handle(self, sim):
            recorder.commit(sim)
            with open_recording(folder / "running.h5") as recording:
                seen.append(words_of(recording))

    recorder = Recorder(folder / "running.h5")
    sim = FakeSimulation(network(), [Look(), recorder])
    for hook in sim.hooks:
        hook.start(sim)
    sim.advance(1000)
    sim.hooks[0].handle(sim)
    for hook in sim.hooks:
        hook.finish(sim, "complete")
    assert "The run goes on: this is what it had recorded at 100 ms." in seen[0].inside["p"]


def test_a_failed_run_says_why(failed):
    with open_recording(failed) as recording:
        told = [p for p in words_of(recording).inside["p"] if p.startswith("The run failed")]
    assert told == ["The run failed at 50 ms: FloatingPointError: v of exc[3] is nan. All that was recorded up to then is shown."]


def test_events_are_shown_and_marked(full, monkeypatch):
    """Interventions and changes in a table; in figures over time, and only there, a line at each."""
    lesion = {"what": "thalia_sim.interventions.neurons:Lesion", "target": "exc", "share": None, "elements": list(range(20)), "at": 12.5, "name": ""}
    told = [Event(12.5, "interventions", "begin", lesion), Event(50.0, EVIL, "change", {"path": "noise_seed", "value": 7})]
    with open_recording(full) as recording:
        assert "Events" not in words_of(recording).inside["h2"]
        monkeypatch.setattr(recording, "events", lambda: told)
        parsed = words_of(recording)
        assert "Events" in parsed.inside["h2"]
        assert "12.5Lesion beginsexcelements 20 (0, 1, 2, 3, 4, 5, 6, 7 …)" in parsed.rows()
        assert f"50changenoise_seedvalue 7{EVIL}" in parsed.rows()
        monkeypatch.setattr(figures, "FIGURES", (figures.FIGURES[1], figures.FIGURES[3]))
        captions = ["".join(f.itertext()) for f in figures.all_figures(recording, (12.5, 50.0))]
    assert ["dotted: events" in caption for caption in captions] == [True, False]


def test_what_cannot_be_run_again_from_the_file_alone(full):
    """A branch, a script that ran the simulation itself, no script: the command is not shown, and why."""
    with open_recording(full) as recording:
        assert "thalia-sim run full.h5" in words_of(recording).inside["pre"]
        for told, change in (
            ("which it left at 100 ms", lambda: setattr(recording, "begin", 100.0)),
            ("ran the simulation itself", lambda: recording.config["run"].pop("settings")),
            ("holds no script", lambda: recording.meta.update(script="")),
        ):
            change()
            parsed = words_of(recording)
            assert any(told in p for p in parsed.inside["p"]) and "thalia-sim run full.h5" not in parsed.inside["pre"]


# figures


def pictures(text):
    """(alt, SVG of the wide form, SVG of the narrow form) of each figure."""
    found = [(tag, a) for tag, a in Parsed(text).found if tag in ("source", "img")]
    sources, images = [a for tag, a in found if tag == "source"], [a for tag, a in found if tag == "img"]
    assert len(sources) == len(images) == text.count("<figure>")
    prefix = "data:image/svg+xml;base64,"
    for source, image in zip(sources, images, strict=True):
        assert source["srcset"].startswith(prefix) and image["src"].startswith(prefix)
        yield (image["alt"], *(ElementTree.fromstring(base64.b64decode(uri.removeprefix(prefix))) for uri in (image["src"], source["srcset"])))


def width_of(svg):
    return float(svg.get("width").removesuffix("pt")) / 72.0


def test_every_figure_has_two_widths_and_words(full):
    found = list(pictures(page_of(full)))
    assert [alt.partition(":")[0] for alt, _, _ in found] == [
        *("spikes", "population rates", "v of single elements", "weights"),
        *("rates of neurons", "inter-spike intervals", "correlation of counts", "weights"),
        *("level", "share"),
    ]
    for _, wide, narrow in found:
        assert (width_of(wide), width_of(narrow)) == pytest.approx((figures.WIDE, figures.NARROW))
        for svg in (wide, narrow):
            assert len(list(svg.iter("{http://www.w3.org/2000/svg}path"))) > 3
    assert "Lines: exc, inh. rate (Hz) from 0 to" in found[1][0]


def test_figures_fetch_nothing(full, hostile):
    """All references within a figure are to its own parts, or data."""
    number = 0
    for path in (full, hostile):
        for _, *both in pictures(page_of(path)):
            for svg in both:
                links = [v for e in svg.iter() for k, v in e.attrib.items() if k.rpartition("}")[2] == "href"]
                assert all(v.startswith(("#", "data:image/png")) for v in links)
                number += len(links)
                assert not list(svg.iter("{http://www.w3.org/2000/svg}script"))
    assert number > 100


def test_a_figure_can_be_added(full, monkeypatch):
    """One entry of the table is all that it takes."""

    def counts(ax, recording, population):
        ax.plot(*recording.counts(population)[:2], label=population)
        plots.caption(ax, "counts", ["bins of 1 ms"])

    panel = figures.Panel(counts, lambda recording: [(name,) for name in recording.populations], "spikes in a bin")
    monkeypatch.setattr(figures, "FIGURES", (*figures.FIGURES, panel))
    with open_recording(full) as recording:
        captions = ["".join(f.itertext()) for f in figures.all_figures(recording)]
    assert captions[-2:] == ["counts: spikes in a bin, bins of 1 ms."] * 2


def test_names_stay_names_in_figures(hostile):
    """No formula is made of dollar signs, no line is hidden by an underscore, long names leave room for the figure."""
    text = page_of(hostile)
    alts = [alt for alt, _, _ in pictures(text)]
    assert any("Lines: 神经元, " in alt for alt in alts) and any("$x_$" in alt for alt in alts)
    rates = next(wide for alt, wide, _ in pictures(text) if alt.startswith("population rates"))
    texts = ["".join(t.itertext()).strip() for t in rates.iter("{http://www.w3.org/2000/svg}text")]
    assert "神经元" in texts and any(t.endswith("longlong") and len(t) < 40 for t in texts)


def test_weights_that_are_not_finite_are_left_out_of_the_figure(folder, monkeypatch):
    monkeypatch.setattr(FakeSimulation, "__getitem__", lambda sim, name: SimpleNamespace(
        target=sim.net[name].target, receptor="v", w=np.array([1.0, np.nan, np.inf]),
        synapses=lambda: {"i": [0, 1, 2], "j": [0, 1, 2], "delay": np.full(3, 1.5)},
    ))  # fmt: skip
    net = Network(seed=1)
    a = net.populate("a", 3, LIFDelta())
    net.connect(a, a, probability(0.5), w=1.0)
    text = page_of(record(folder / "nan.h5", net, weights=["a->a"]))
    assert any(alt.startswith("weights") and "Lines: a->a" in alt for alt, _, _ in pictures(text))
    assert "Not measured: weight nan at place 1 is not finite: leave this synapse out." in Parsed(text).inside["p"]


# a page that can be trusted


def test_what_a_user_wrote_stays_text(hostile):
    """Only the page's own elements and attributes are there, and every hostile text can be read in full."""
    parsed = Parsed(page_of(hostile))
    assert {tag for tag, _ in parsed.found} <= ELEMENTS
    assert {name for _, attributes in parsed.found for name in attributes} <= ATTRIBUTES
    shown = "".join(parsed.inside["main"])
    assert SCRIPT.replace("\x07", "␇") in parsed.inside["pre"]
    assert f'Is </title><script>alert("a")</script> & {EVIL} a question?' in parsed.inside["p"]
    assert EVIL + " $x_$ $\\frac" in parsed.inside["h3"] and "_" + "long" * 60 in shown and "神经元" in shown
    assert "thalia-sim run 'hostile '\"'\"'a'\"'\"'.h5'" in parsed.inside["pre"]


def test_names_that_only_a_file_can_hold(full):
    """A recording from elsewhere may have any names: half characters, markup, control characters."""
    with open_recording(full) as recording:
        described = recording.config["network"]["populations"]["exc"]
        recording.config["network"]["populations"] = {"<script>alert(1)</script>\ud800\x00": described}
        recording.meta["script_name"] = "</title><script>alert(3)</script>"
        recording.meta["versions"]["<b>"] = "</table>"
        recording.error, recording.status = "</p><script>alert(4)</script>", "failed"
        parsed = words_of(recording)
    assert {tag for tag, _ in parsed.found} <= ELEMENTS
    assert "<script>alert(1)</script>?␀ (300)" in parsed.inside["p"]
    assert parsed.inside["h1"] == ["</title><script>alert(3)</script>"] and any("alert(4)" in p for p in parsed.inside["p"])


@pytest.mark.parametrize("name", ["full", "hostile", "empty"])
def test_nothing_is_fetched(name, request):
    """Links lead to parts of the page that exist; sources are data; the policy for the browser says the same."""
    text = page_of(request.getfixturevalue(name))
    parsed = Parsed(text)
    ids = [a["id"] for _, a in parsed.found if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["href"].removeprefix("#") in ids for a in parsed.all("a"))
    assert all(a.get(k, "data:").startswith("data:") for _, a in parsed.found for k in ("src", "srcset"))
    assert not re.search(r"url\(|@import|http", parsed.inside["style"][0])
    assert {a.get("content") for a in parsed.all("meta")} >= {page.POLICY, page.GENERATOR}


def test_an_empty_network_has_a_page(empty):
    parsed = Parsed(page_of(empty))
    assert "The network has no populations." in parsed.inside["p"] and "Figures" not in parsed.inside["h2"]
    assert "<figure" not in page_of(empty)


@pytest.mark.parametrize("sizes, duration", [((("exc", 5), ("none", 0)), 50.0), ((("none", 0),), 20.0), ((("exc", 5),), 0.0)])
def test_small_and_silent_runs_have_a_page(folder, sizes, duration):
    net = Network(seed=1)
    for name, n in sizes:
        net.populate(name, n, LIFDelta())
    path = record(folder / "small.h5", net, duration=duration, rate=0.0, force=True)
    assert "small.h5" in Parsed(page_of(path)).inside["main"][0]


def test_a_page_stays_small(folder):
    """Many populations, spikes and projections: under 3 MB, and what is left out is said."""
    net = Network(seed=1)
    for k in range(40):
        net.populate(f"layer{k}", 100, LIFDelta(tau_m=10.0 + k))
    first = net["layer0"]
    for k in range(400):
        net.connect(first, first, probability(0.01), w=1.0, name=f"projection {k}")
    path = record(folder / "large.h5", net, state=[Sample(first[:3], "v", every=0.1)], duration=200.0, rate=300.0, counts=None)
    text = page_of(path)
    assert len(text.encode()) < 3e6
    told = Parsed(text).inside["p"]
    assert "and 100 more, which the recording holds" in told and any(p.endswith("layer23 (100), 16 more") for p in told)
    raster, rates = Parsed(text).inside["figcaption"][:2]
    assert raster.endswith("every 2nd name.") and rates.endswith("24 more lines are not named.")


def test_long_texts_are_cut():
    shown = "".join(page.verbatim("x" * (page.TEXT + 5)).itertext())
    assert len(shown) < page.TEXT + 100 and "and 5 characters more" in shown


# the command


def call(*words, code=0):
    result = CliRunner().invoke(commands, ["report", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


def test_the_command_writes_the_page_beside_the_recording(full):
    """And the same recording gives the same page, byte for byte."""
    assert call(full) == f"wrote {full.with_suffix('.html')}\n"
    assert full.with_suffix(".html").read_text(encoding="utf-8") == page_of(full)


def test_a_report_may_be_written_again(empty, tmp_path):
    for _ in range(2):
        call(empty, "-o", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page_of(empty)


def test_nothing_but_a_report_is_overwritten(full, tmp_path):
    other = tmp_path / "index.html"
    other.write_text("<!DOCTYPE html><title>mine</title>")
    assert "exists and is no report" in call(full, "-o", other, code=1) and "mine" in other.read_text()
    assert "ends in .html" in call(full, "-o", full, code=1)
    assert "create it first" in call(full, "-o", tmp_path / "no" / "a.html", code=1)
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(RecordingError, match="cannot be written"):
        write_report(full, tmp_path / "folder.html")
    assert "no HDF5 file" in call(other, "-o", tmp_path / "b.html", code=1) and not (tmp_path / "b.html").exists()


# a real browser

BROWSER = chromium.find()
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium: put one on the PATH, or name it in THALIA_CHROMIUM")
# Of each image: its own size, its size on the page, and how many pixels of it are dark when it is drawn.
IMAGES = """Promise.all([...document.images].map(async image => {
    await image.decode();
    const box = image.getBoundingClientRect(), canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    let dark = 0;
    for (let k = 0; k < pixels.length; k += 4) dark += pixels[k + 3] > 128 && pixels[k] < 160;
    return [image.naturalWidth, image.naturalHeight, box.width, box.height, dark];
}))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium.Page(BROWSER, tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@needs_browser
@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("name", ["full", "hostile", "empty"])
def test_a_browser_shows_the_page(browser, name, width, request, tmp_path):
    """Chromium finds nothing to complain about, fetches nothing, shows every figure, and never scrolls sideways, also on a phone."""
    browser.seen.clear()
    browser.size(width)
    path = tmp_path / "page.html"
    path.write_text(page_of(request.getfixturevalue(name)), encoding="utf-8")
    browser.open(path)
    images = browser.value(IMAGES)
    assert len(images) == path.read_text(encoding="utf-8").count("<figure>")
    for natural_width, natural_height, shown_width, shown_height, dark in images:
        assert natural_width > 300 and natural_height > 80 and dark > 200
        assert natural_width == pytest.approx(96 * (figures.NARROW if width == 360 else figures.WIDE), abs=2)
        assert shown_width > 0.85 * min(width, 700) and shown_height > 80
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []
    assert all(url.startswith(("file:///", "data:")) for url in browser.requests()) and len(browser.requests()) > 0
    assert browser.value("document.querySelectorAll('script, iframe, object').length") == 0


@needs_browser
def test_the_browser_would_have_told(browser, tmp_path):
    """What the test above looks for is seen where it is: a complaint, a request, an image without content, a page that is too wide."""
    browser.seen.clear()
    browser.size(360)
    bad = tmp_path / "bad.html"
    wide = "<p style='width: 900px'>wide</p><img src='missing.png'>"
    bad.write_text(f"<meta name=viewport content='width=device-width'><script>console.error('no')</script>{wide}")
    browser.open(bad)
    assert browser.value("document.documentElement.scrollWidth") > 360
    assert any(c.get("type") == "error" for c in browser.complaints())
    assert any(url.endswith("missing.png") for url in browser.requests()) or len(browser.requests()) == 2
    assert browser.value("document.images[0].naturalWidth") == 0


@needs_browser
def test_the_policy_of_a_page_holds(browser, full, tmp_path):
    """Were a script to get into a page after all, the browser would not run it."""
    browser.seen.clear()
    path = tmp_path / "page.html"
    path.write_text(page_of(full).replace("</main>", "</main><script>window.ran = true</script>"), encoding="utf-8")
    browser.open(path)
    assert browser.value("window.ran === undefined")
    assert any("Content Security Policy" in str(c) for c in browser.complaints())
