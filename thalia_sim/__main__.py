"""`python -m thalia_sim` is `thalia-sim`."""

from .cli import main

main()
