"""What is done to a running network, as data: values that say what, to whom and when, and the hook that does it.

    Simulation(net, [Lesion("exc", share=0.2, at=500.0), Stimulate("inh", current=100.0, at=800.0, until=900.0), Recorder("a.h5")])

They stand in the list of hooks; all of them are carried out by one `Interventions`.
"""

from .hook import Interventions as Interventions
from .hook import gathered as gathered
from .hook import replay as replay
from .neurons import Clamp as Clamp
from .neurons import Lesion as Lesion
from .neurons import Silence as Silence
from .neurons import Stimulate as Stimulate
from .others import Restore as Restore
from .others import Switch as Switch
from .synapses import BlockPlasticity as BlockPlasticity
from .synapses import Scale as Scale
