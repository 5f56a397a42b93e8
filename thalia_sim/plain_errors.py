"""How the command line shows what went wrong."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import click

from .errors import DescriptionError, MeasureError, PathError, RecordingError, SimulationError


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Show an error of the package as its one sentence and a script's error as its own traceback; exit code 1."""
    from .experiment import ScriptError

    try:
        yield
    except ScriptError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except (DescriptionError, MeasureError, PathError, RecordingError, SimulationError) as error:
        raise click.ClickException(str(error)) from error
