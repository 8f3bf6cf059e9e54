"""Which place belongs to which caption: the paper's habit decides where a page alone does not, and no two items share one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

from breadth.announce.read.captions import Caption, Kind
from breadth.announce.read.field import Field, area, field_of, shared
from breadth.announce.read.regions import Region, Side, regions_of

__all__ = ["Habit", "assigned", "cost", "habit_of", "settled"]

Habit = dict[tuple[Kind, Side], float]
PRIOR: dict[Kind, dict[Side, float]] = {"Figure": {"above": 2.0, "below": 0.4}, "Table": {"above": 0.9, "below": 1.1}}  # votes
MOST = 4096  # combinations that are tried for a page before captions are settled one by one


def cost(caption: Caption, region: Region) -> float:
    """Return how ill a place suits a caption, by itself: 0 is a clear fit, 6 and more none."""
    total = max(0.0, region.gap - 14) / 10 + max(0.0, -region.gap) / 4
    if caption.kind == "Figure":
        total += 0 if region.drawn else 4
    else:
        total += 0 if region.ruled >= 2 else 0.7 if region.cells and region.rows > 1 else 1.5 if region.drawn else 4
    if region.crowded:
        total += 2
    if min(region.box[2] - region.box[0], region.box[3] - region.box[1]) < 22:
        total += 1.5
    return total + (2.5 if region.side in ("left", "right") else 0)


def habit_of(options: Sequence[tuple[Caption, Sequence[Region]]]) -> Habit:
    """Return what each side costs for figures and for tables: the log of how rarely the paper uses it, from captions that are clear."""
    votes: Counter[tuple[Kind, Side]] = Counter()
    for caption, regions in options:
        costs = sorted((cost(caption, r), r.side) for r in regions)
        if costs and costs[0][0] < 3 and (len(costs) == 1 or costs[1][0] - costs[0][0] > 2.5):
            votes[caption.kind, costs[0][1]] += 1
    habit: Habit = {}
    for kind, before in PRIOR.items():
        count = {side: votes[kind, side] + n for side, n in before.items()}
        for side, n in count.items():
            habit[kind, side] = -1.3 * math.log(n / sum(count.values()))
        habit[kind, "left"] = habit[kind, "right"] = 1.0
    return habit


@dataclass(frozen=True)
class Choice:
    """A caption with its place. cost: how ill it suits; rival: by how much the next best way of settling the page costs more for it."""

    caption: Caption
    region: Region
    cost: float
    rival: float


def clash(a: Region, b: Region) -> float:
    """Return what it costs that two captions take places that overlap; less where they face one another and can be parted."""
    both = shared(a.box, b.box) / max(min(area(a.box), area(b.box)), 1.0)
    facing = {a.side, b.side} == {"above", "below"}
    return 0.0 if both < 0.02 else (1.5 if facing else 5.0) + 2 * both


def assigned(options: Sequence[tuple[Caption, Sequence[Region]]], habit: Habit) -> list[Choice]:
    """Return the cheapest way of giving each caption of a page one of its places; a caption without any is left out."""
    able = [(c, list(rs)) for c, rs in options if rs]
    if not able:
        return []
    own = [[cost(c, r) + habit[c.kind, r.side] for r in rs] for c, rs in able]

    def total(pick: Sequence[int]) -> float:
        value = sum(own[i][k] for i, k in enumerate(pick))
        places = [able[i][1][k] for i, k in enumerate(pick)]
        return value + sum(clash(a, b) for i, a in enumerate(places) for b in places[i + 1 :])

    def swapped(i: int, k: int) -> float:
        return total([*best[:i], k, *best[i + 1 :]])

    best = [costs.index(min(costs)) for costs in own]
    if math.prod(len(costs) for costs in own) <= MOST:
        picks = [list(pick) for pick in product(*(range(len(costs)) for costs in own))]
        best = min(picks, key=total)
    else:
        for i, costs in enumerate(own):
            tried = [swapped(i, k) for k in range(len(costs))]
            best[i] = tried.index(min(tried))
    chosen = []
    for i, (caption, regions) in enumerate(able):
        others = [swapped(i, k) for k in range(len(regions)) if k != best[i]]
        chosen.append(Choice(caption, regions[best[i]], own[i][best[i]], min(others, default=math.inf) - total(best)))
    return chosen


def settled(field: Field, choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices with those parted that overlap: the ruled table keeps its place and the other is searched again around it."""
    out = list(choices)
    for i in range(len(out)):
        for j in range(i + 1, len(out)):
            if shared(out[i].region.box, out[j].region.box) < 0.02 * min(area(out[i].region.box), area(out[j].region.box)):
                continue
            keep, move = (i, j) if firm(out[i]) >= firm(out[j]) else (j, i)
            around = field_of(field.parts, [out[keep].region.box])
            again = [r for r in regions_of(around, out[move].caption) if r.side == out[move].region.side]
            if again:
                out[move] = replace(out[move], region=again[0], cost=out[move].cost + 0.7)
            else:
                parted(out, i, j, field)
    return out


def firm(choice: Choice) -> float:
    """Return how sure a place is of its own edges: a table between rules is, then the smaller one."""
    return 10.0 * (choice.caption.kind == "Table" and choice.region.ruled >= 2) - area(choice.region.box) / 1e6


def parted(out: list[Choice], i: int, j: int, field: Field) -> None:
    """Part two places that face one another in the widest blank between their captions."""
    upper, lower = (i, j) if out[i].caption.bbox[1] < out[j].caption.bbox[1] else (j, i)
    a, b = out[upper].region.box, out[lower].region.box
    box = (min(a[0], b[0]), out[upper].caption.bbox[3], max(a[2], b[2]), out[lower].caption.bbox[1])
    rows = field.clean.bands(box, 3)
    if len(rows) < 2 or {out[upper].region.side, out[lower].region.side} != {"above", "below"}:
        return
    _, end, start = max((s - e, e, s) for (_, e), (s, _) in pairwise(rows))
    for k, part in ((upper, (box[0], box[1], box[2], end + 0.5)), (lower, (box[0], start - 0.5, box[2], box[3]))):
        tight = field.clean.tight(part)
        if tight is not None:
            out[k] = replace(out[k], region=replace(out[k].region, box=tight), cost=out[k].cost + 1.5)
