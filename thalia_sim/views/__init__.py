"""Reading and writing a running simulation by name: `sim["exc"].v`, `sim["exc->inh"].w`, `sim["poisson->exc"].rate`.

What is read is a copy, brought up to the present where neurons sleep; reading never changes a run. What is written acts from the next step on.
"""

from .drive import DriveView as DriveView
from .population import PopulationView as PopulationView
from .projection import ProjectionView as ProjectionView
from .source import SourceView as SourceView
