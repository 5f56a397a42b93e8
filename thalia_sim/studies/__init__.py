"""Studies: one script over many seeds and conditions, within a budget of time, each run a recording, with paired statistics.

    from thalia_sim.studies import Effort, ablation
    print(ablation("cortex.py", range(1, 11), out="ablation", settle="2 s", measure="10 s", effort=Effort(workers=4)).table())
"""

from .ablation import ablation as ablation
from .effects import Effect as Effect
from .recovery import recovery as recovery
from .results import Result as Result
from .sensitivity import sensitivity as sensitivity
from .stability import stability as stability
from .workers import Effort as Effort
