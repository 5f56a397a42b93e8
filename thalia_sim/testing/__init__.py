"""What whoever writes a neuron, a rule or a hook runs on it, in one line each; an AssertionError or DescriptionError says what is wrong.

    check_neuron(Leaky())
    check_rule(SoftSTDP())
    check_hook(lambda: Scaling("exc->exc"), network)
"""

from .hooks import check_hook as check_hook
from .neurons import check_neuron as check_neuron
from .rules import check_rule as check_rule
