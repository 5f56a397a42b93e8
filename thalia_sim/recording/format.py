"""What a recording holds: every dataset with its type, shape, unit and one sentence.

The spike and report groups follow SONATA (Dai et al. 2020, PLoS Comput. Biol. 16:e1007696; developer guide of AllenInstitute/sonata), as
libsonata and bmtk read them: float64 times in ms, uint64 node ids counted from 0 within their population, float32 reports. Everything of our
own is under /thalia.
"""

from __future__ import annotations

from typing import NamedTuple

from ..integrity.commits import BASE, COLUMNS, TABLE

MAGIC = 0x0A7A  # of SONATA
SONATA_VERSION = (0, 1)
FORMAT_VERSION = "1.1"
SEED_SCHEME = "philox4x32/v1"
CHUNK = 16_384  # rows of a flat dataset
CHUNK_BYTES = 131_072  # about, of a dataset with rows
SORTING = {"none": 0, "by_id": 1, "by_time": 2}
STATUSES = ("running", "complete", "failed", "interrupted", "recovered")


class Entry(NamedTuple):
    """One dataset; words in braces are filled in where it is declared."""

    path: str
    dtype: str
    shape: str
    units: str
    sentence: str

    def named(self, **words: object) -> Entry:
        return Entry(*(field.format(**words) for field in self))


GROUPS = {
    "/spikes": "Spikes, one group for each recorded population (SONATA).",
    "/spikes/{population}": "Spikes of population {population}: row k of node_ids fired at row k of timestamps.",
    "/report": "Sampled state, one group for each population and variable (SONATA reports).",
    "/report/{report}": "{variable} of chosen elements of population {population}, sampled every {every} ms.",
    "/report/{report}/mapping": "Which element each column of data belongs to, and when the rows were taken.",
    "/thalia": "What else thalia_sim knows about this run: metadata, commits, counts, weights, diagnostics of hooks.",
    "/thalia/meta": "How this recording came about: script, configuration, seed, versions.",
    "/thalia/commit": "One row for each completed write: whatever lies beyond the last row was never completed.",
    "/thalia/recorded": "Which elements were recorded, for populations of which not all were.",
    "/thalia/counts": "Number of spikes of each population in each bin of time.",
    "/thalia/weights": "Snapshots of synaptic weights, one group for each chosen projection.",
    "/thalia/weights/{projection}": "Weights of projection {projection}: snapshot k is data[offset[k] : offset[k] + count[k]].",
    "/thalia/events": "What happened to the network beside its own dynamics: interventions, changes of a branch.",
    "/thalia/hooks": "Diagnostics of hooks, one group for each hook that has some.",
    "/thalia/hooks/{hook}": "What hook {hook} reported at each of its calls; all datasets share the first axis with t.",
}

SPIKE_TIMES = Entry(
    "/spikes/{population}/timestamps", "f8", "[n_spikes]", "ms", "Time of each spike of population {population}, in the order of firing."
)
SPIKE_IDS = Entry(
    "/spikes/{population}/node_ids", "u8", "[n_spikes]", "1", "Which element of population {population} fired, counted from 0 within it."
)
REPORT_DATA = Entry(
    "/report/{report}/data",
    "f4",
    "[n_times, n_elements]",
    "{units}",
    "{variable} of population {population}: one row for each time, one column for each element of mapping/node_ids.",
)
REPORT_NODES = Entry("/report/{report}/mapping/node_ids", "u8", "[n_elements]", "1", "Element of each column, counted from 0 within {population}.")
REPORT_POINTERS = Entry(
    "/report/{report}/mapping/index_pointers", "u8", "[n_elements + 1]", "1", "Columns of element k are index_pointers[k] to index_pointers[k + 1]."
)
REPORT_ELEMENTS = Entry("/report/{report}/mapping/element_ids", "u4", "[n_columns]", "1", "Compartment of each column; 0 is the soma.")
REPORT_POSITIONS = Entry("/report/{report}/mapping/element_pos", "f4", "[n_columns]", "1", "Place along the compartment, 0 to 1; 0.5 for a soma.")
REPORT_TIME = Entry("/report/{report}/mapping/time", "f8", "[3]", "ms", "Start, stop (exclusive) and step of the times of the rows of data.")
RECORDED = Entry("/thalia/recorded/{population}", "u8", "[n_recorded]", "1", "Elements of {population} whose spikes are in this file.")
COUNTS = Entry(
    "/thalia/counts/data",
    "u4",
    "[n_bins, n_populations]",
    "1",
    "Spikes in bin k, which covers times t with start + k * bin < t <= start + (k + 1) * bin; the last bin may have been cut short.",
)
COUNTS_NAMES = Entry("/thalia/counts/populations", "text", "[n_populations]", "text", "Population of each column of data.")
WEIGHT_TIMES = Entry("/thalia/weights/{projection}/t", "f8", "[n_snapshots]", "ms", "Time of each snapshot.")
WEIGHT_OFFSET = Entry("/thalia/weights/{projection}/offset", "i8", "[n_snapshots]", "1", "Where in data each snapshot begins.")
WEIGHT_COUNT = Entry("/thalia/weights/{projection}/count", "i8", "[n_snapshots]", "1", "Number of synapses of each snapshot.")
WEIGHT_DATA = Entry(
    "/thalia/weights/{projection}/data", "f4", "[sum of count]", "{units}", "Weights of {projection}, all snapshots one after another."
)
WEIGHT_I = Entry(
    "/thalia/weights/{projection}/i", "u4", "[n_synapses]", "1", "Source of each synapse: its number within the source of the projection."
)
WEIGHT_J = Entry(
    "/thalia/weights/{projection}/j", "u4", "[n_synapses]", "1", "Target of each synapse: its number within the target of the projection."
)
WEIGHT_DELAY = Entry("/thalia/weights/{projection}/delay", "f4", "[n_synapses]", "ms", "Delay of each synapse.")
HOOK_TIMES = Entry("/thalia/hooks/{hook}/t", "f8", "[n_calls]", "ms", "When hook {hook} was called.")
HOOK_FIELD = Entry(
    "/thalia/hooks/{hook}/{field}", "f8", "[n_calls]", "{units}", "{field} as reported by hook {hook} at each of its calls; nan where not known."
)
EVENT_TIMES = Entry("/thalia/events/t", "f8", "[n_events]", "ms", "When each event happened.")
EVENT_OFFSET = Entry("/thalia/events/offset", "i8", "[n_events]", "1", "Where in text each event begins.")
EVENT_COUNT = Entry("/thalia/events/count", "i8", "[n_events]", "1", "Bytes of the text of each event.")
EVENT_TEXT = Entry(
    "/thalia/events/text", "u1", "[sum of count]", "text", "For each event JSON: source, kind, and facts, all that is needed to repeat it."
)
COMMIT = Entry(
    TABLE,
    "compound",
    "[n_commits]",
    "step: 1, t: ms, wall: s, lengths: 1, crc: 1, check: 1",
    "Step, simulated time, wall time since the start, number of valid rows of each dataset named in columns, CRC-32 of the rows that this "
    "commit added to each, and CRC-32 of all that stands before it in the row.",
)
COMMIT_BASE = Entry(
    BASE, "u8", "[n_datasets]", "1", "Rows of each dataset named in columns that lie in earlier files of the same run."
)
COMMIT_COLUMNS = Entry(COLUMNS, "text", "[n_datasets]", "text", "Dataset of each entry of lengths.")

META = {
    "script": ("text", "Text of the script that described this run."),
    "script_name": ("text", "Name of the script's file."),
    "config_json": ("text", "Resolved configuration: the network as built, options of the run and of the recorder, as JSON."),
    "config_sha256": ("text", "SHA-256 of config_json."),
    "populations_json": ("text", "Name, size, first global id and model of every population, in order of creation, as JSON."),
    "seed": ("1", "Seed from which all random numbers of the run follow."),
    "seed_scheme": ("text", "How random numbers follow from the seed."),
    "dt_ns": ("ns", "Step of the clock."),
    "threads": ("1", "Worker threads; they do not change the result."),
    "precision": ("text", "Floating-point precision of the state."),
    "versions_json": ("text", "Versions of the installed Python packages, as JSON."),
    "python": ("text", "Version of Python."),
    "platform": ("text", "Operating system and kind of processor."),
    "cpu": ("text", "Processor as the compiler names it."),
    "command": ("text", "Command line that started the run, folders left out."),
    "git_commit": ("text", "Git commit of the script's folder, empty if it is in no repository."),
    "git_dirty": ("1", "1 if tracked files differed from that commit, 0 if not, -1 if unknown."),
    "started": ("text", "When the run was started, UTC."),
}


def report_name(population: str, variable: str, first: bool) -> str:
    """Group of a report: SONATA wants the population's name, so the first variable has it; further ones add theirs."""
    return population if first else f"{population}.{variable}"
