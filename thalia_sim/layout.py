"""The cut of a network into target blocks: which block and which accumulator slot each element's receptors have.

Every population with receptors is cut into one piece a block, of equal size, so that the blocks carry equal load whatever the populations do.
The cut depends on the network alone, never on the number of workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import SimulationError
from .given import is_whole, short
from .neurons.contract import model_of

if TYPE_CHECKING:
    from .network import Network
    from .selection import Population

SLOTS = 65536  # of a block: a slot's number has 16 bits
ONE_BLOCK = 20_000  # networks with at most this many slots stay in one block: shorter rows cost more than a second worker brings


class Piece(NamedTuple):
    """The part of a population that lies in a block."""

    population: Population
    block: int
    lo: int  # first element
    n: int  # elements
    slot: int  # first slot within the block


class Layout:
    """Pieces in order of (population, block); slots of receptor r of a piece follow those of receptor r - 1."""

    def __init__(self, net: Network, blocks: int | None = None) -> None:
        self.net = net
        self.populations = list(net.populations.values())
        if blocks is not None and (not is_whole(blocks) or not 1 <= blocks < 65536):
            raise SimulationError(f"blocks is {short(blocks)}: give a whole number from 1 to 65535, or None to let the network decide")
        self.n_blocks = self.fewest_blocks() if blocks is None else int(blocks)
        self.block_slots = np.array([self.slots_of_block(b) for b in range(self.n_blocks)], dtype=np.int64)
        if self.block_slots.max(initial=0) > SLOTS:
            raise SimulationError(f"{blocks} blocks of up to {self.block_slots.max()} slots: a block has at most {SLOTS}, give more blocks")
        self.pieces = self.cut()
        self._of: dict[str, list[Piece]] = {p.name: [] for p in self.populations}
        for piece in self.pieces:
            self._of[piece.population.name].append(piece)

    def fewest_blocks(self) -> int:
        """One block for a small network, else the smallest even number of blocks whose slots have 16-bit numbers."""
        slots = sum(p.n * len(model_of(p.model).receptors) for p in self.populations)
        if slots <= ONE_BLOCK:
            return 1
        self.n_blocks = max(2, 2 * (slots // (2 * SLOTS)))
        while max(self.slots_of_block(b) for b in range(self.n_blocks)) > SLOTS:
            self.n_blocks += 2
        return self.n_blocks

    def bounds(self, n: int, b: int) -> tuple[int, int]:
        """First element and number of elements of block b's part of a population of n."""
        lo = n * b // self.n_blocks
        return lo, n * (b + 1) // self.n_blocks - lo

    def slots_of_block(self, b: int) -> int:
        return sum(self.bounds(p.n, b)[1] * len(model_of(p.model).receptors) for p in self.populations)

    def cut(self) -> list[Piece]:
        """All pieces; a population without receptors is one piece, in the blocks by turns."""
        pieces = []
        used = [0] * self.n_blocks
        for turn, population in enumerate(self.populations):
            receptors = len(model_of(population.model).receptors)
            if receptors == 0:
                pieces.append(Piece(population, turn % self.n_blocks, 0, population.n, 0))
                continue
            for b in range(self.n_blocks):
                lo, count = self.bounds(population.n, b)
                pieces.append(Piece(population, b, lo, count, used[b]))
                used[b] += count * receptors
        return pieces

    def kind(self, population: Population, receptor: int) -> int:
        """Number of a receptor among those of all populations, in their order."""
        before = self.populations[: self.populations.index(population)]
        return receptor + sum(len(model_of(p.model).receptors) for p in before)

    @property
    def n_kinds(self) -> int:
        return sum(len(model_of(p.model).receptors) for p in self.populations)

    def slot_kinds(self) -> NDArray[np.int64]:
        """`kind` of every slot, block after block."""
        first = np.concatenate([[0], np.cumsum(self.block_slots)])
        kinds = np.zeros(int(first[-1]), dtype=np.int64)
        for piece in self.pieces:
            for receptor in range(len(model_of(piece.population.model).receptors)):
                at = int(first[piece.block]) + piece.slot + receptor * piece.n
                kinds[at : at + piece.n] = self.kind(piece.population, receptor)
        return kinds

    def pieces_of(self, population: Population) -> list[Piece]:
        return self._of[population.name]

    def key(self, gids: NDArray[Any], receptor_index: int) -> NDArray[np.uint32]:
        """block << 16 | slot of a receptor of elements given by global number, [n]."""
        gids = np.asarray(gids, dtype=np.int64)
        first = np.array([p.population.offset + p.lo for p in self.pieces], dtype=np.int64)
        count = np.array([p.n for p in self.pieces], dtype=np.int64)
        keep = count > 0
        first, count = first[keep], count[keep]
        block = np.array([p.block for p in self.pieces], dtype=np.int64)[keep]
        slot = np.array([p.slot for p in self.pieces], dtype=np.int64)[keep]
        at = np.searchsorted(first, gids, side="right") - 1
        within = slot[at] + receptor_index * count[at] + gids - first[at]
        return (block[at] << 16 | within).astype(np.uint32)
