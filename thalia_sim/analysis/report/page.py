"""The parts of an HTML page, as a tree that is written at the end.

A text put into the tree is a text and never markup, whatever it holds: ElementTree escapes all texts and attributes where it writes them, so no
place of the page can forget to. Nothing else of the page depends on what a user wrote, except lengths, which are cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

GENERATOR = "thalia-sim report"
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # of the browser too: no script, nothing fetched
ROWS = 300  # of a table
TEXT = 300_000  # characters of a text as it stands
CONTROLS = {k: 0x2400 + k for k in range(32) if chr(k) not in "\t\n\r"} | {0x7F: 0x2421}  # as their pictures: HTML forbids them


def node(tag: str, *content: Element | str | None, **attributes: str) -> Element:
    """An element with texts and elements in it; `class_` gives class, `aria_label` aria-label. None is left out."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): plain(value) for name, value in attributes.items()})
    for part in content:
        if isinstance(part, Element):
            made.append(part)
        elif part is not None and len(made):
            made[-1].tail = (made[-1].tail or "") + plain(part)
        elif part is not None:
            made.text = (made.text or "") + plain(part)
    return made


def plain(text: str) -> str:
    """The text without what no page may hold: control characters are shown as their pictures, half characters as question marks."""
    return text.translate(CONTROLS).encode("utf-8", "replace").decode("utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], label: str, numbers: Sequence[int] = ()) -> Element:
    """A table in a box of its own, in which it scrolls when the page is narrow. Columns `numbers` are aligned to the right, empty ones left out."""
    kept = [k for k in range(len(head)) if any(row[k] for row in rows)]

    def cells(tag: str, row: Sequence[str], **attributes: str) -> list[Element]:
        return [node(tag, row[k], **({"class_": "number"} if k in numbers else {}), **attributes) for k in kept]

    body = node("tbody", *(node("tr", *cells("td", row)) for row in rows[:ROWS]))
    whole = node("table", node("thead", node("tr", *cells("th", head, scope="col"))), body)
    box = node("div", whole, class_="wide", tabindex="0", role="region", aria_label=label)
    more = len(rows) - ROWS
    return box if more <= 0 else node("div", box, node("p", f"and {more:,} more, which the recording holds", class_="note"))


def facts(pairs: Sequence[tuple[str, Element | str]]) -> Element:
    """Names and what they are."""
    parts = [part for name, value in pairs for part in (node("dt", name), node("dd", value))]
    return node("dl", *parts)


def folded(title: str, *content: Element | None) -> Element:
    """Content that a click opens."""
    return node("details", node("summary", title), *content)


def verbatim(text: str) -> Element:
    """A text as it stands, with its lines; very long ones are cut."""
    rest = len(text) - TEXT
    shown = text if rest <= 0 else f"{text[:TEXT]}\n... and {rest:,} characters more, which the recording holds"
    return node("pre", node("code", shown), tabindex="0")


def command(text: str) -> Element:
    """A command line to copy."""
    return node("pre", node("code", text), class_="command", tabindex="0")


def section(title: str, name: str, *content: Element | None) -> Element | None:
    """A part of the page under a heading; None if there is nothing in it."""
    there = [part for part in content if part is not None]
    return node("section", node("h2", title), *there, id=name) if there else None


def whole_page(title: str, *content: Element | None) -> str:
    """The page as text."""
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("meta", name="generator", content=GENERATOR),
        node("meta", name="color-scheme", content="light"),
        node("title", title),
        node("style", Path(__file__).with_name("style.css").read_text(encoding="utf-8")),
    )
    head.insert(1, Element("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}))
    page = node("html", head, node("body", node("main", *content)), lang="en")
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def is_ours(path: Path) -> bool:
    """Whether a file is a page that was written here."""
    with open(path, "rb") as file:
        return f'name="generator" content="{GENERATOR}"'.encode() in file.read(4096)
