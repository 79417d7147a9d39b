"""Places labels of one height so that they do not overlap, moving them as little as possible."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class _Block:
    """Labels that touch, by rank. `wanted_px` is where the middle of the block would like to stand."""

    first: int
    last: int
    wanted_px: float

    def top_px(self, height_px: float, low_px: float, high_px: float) -> float:
        length_px = (self.last - self.first + 1) * height_px
        return min(max(self.wanted_px - length_px / 2, low_px), max(low_px, high_px - length_px))


def spread(wanted_px: Sequence[float], *, height_px: float, low_px: float, high_px: float) -> list[float]:
    """Move the centres of labels apart until they are `height_px` from each other, inside [low_px, high_px].

    The order of the wanted places is kept. Labels that meet form a block around the mean of what they want, which
    is the least-squares answer (pool adjacent violators). Where there is no room for all, the last ones run over.
    """
    order = sorted(range(len(wanted_px)), key=lambda index: wanted_px[index])
    blocks: list[_Block] = []
    for rank, index in enumerate(order):
        blocks.append(_Block(rank, rank, wanted_px[index]))
        while len(blocks) > 1 and _meet(blocks[-2], blocks[-1], height_px, low_px, high_px):
            after, before = blocks.pop(), blocks.pop()
            blocks.append(_merge(before, after))
    centres = [0.0] * len(wanted_px)
    for block in blocks:
        top_px = block.top_px(height_px, low_px, high_px)
        for rank in range(block.first, block.last + 1):
            centres[order[rank]] = top_px + (rank - block.first + 0.5) * height_px
    return centres


def _meet(before: _Block, after: _Block, height_px: float, low_px: float, high_px: float) -> bool:
    end_px = before.top_px(height_px, low_px, high_px) + (before.last - before.first + 1) * height_px
    return end_px > after.top_px(height_px, low_px, high_px) + 1e-9


def _merge(before: _Block, after: _Block) -> _Block:
    count_before = before.last - before.first + 1
    count_after = after.last - after.first + 1
    wanted = (before.wanted_px * count_before + after.wanted_px * count_after) / (count_before + count_after)
    return _Block(before.first, after.last, wanted)
