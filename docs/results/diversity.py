"""The numbers of docs/results/diversity.md: real image packs through a random and a trained probe, with everything that stands beside.

    python docs/results/diversity.py PACKS WORK

PACKS: folder of the packs (.npz); WORK: folder for the trained probe, the embeddings (so that the script can be stopped and started), the
pages and tables.md. About 70 minutes on one core.
"""

from __future__ import annotations

import os
import sys
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from safetensors.torch import save_file

from breadth.cli.measured import write_page
from breadth.data.formats import load
from breadth.data.images import LabeledSet, prepare
from breadth.data.union import pooled, union
from breadth.learn.pretrain import PretrainSettings, pretrain
from breadth.measure.diversity import diversity_coefficient, embed
from breadth.measure.measurement import Measurement
from breadth.measure.settings import Settings
from breadth.measure.stability import flip_rate, rank_agreement
from breadth.measure.survey import survey, task2vec_of
from breadth.nets.build import Architecture
from breadth.stats.interval import Estimate

# The trained probe has seen these.
SEEN = ("tinyimagenet32_b", "icon_concepts", "crawl_tiles")
# Fewer than five classes.
SMALL = ("apple_leaf_disease", "blood_cells")
PAIRS = (
    ("mnist", "kannada_mnist"),
    ("tinyimagenet32_b", "tinyimagenet64_a"),
    ("omniglot_small", "quickdraw"),
    ("cifar10", "fruits360_varieties"),
    ("omniglot_small", "caltech101"),
    ("gtsrb_signs", "rsscn7_satellite"),
)
EPOCHS = 10


def trained_weights(packs: Path, work: Path) -> Path:
    """Train a ResNet-18 on all classes of SEEN and return the file of its body."""
    path = work / "trained.safetensors"
    if not path.exists():
        parts = [prepare(load(packs / f"{name}.npz"), size=32, channels=3) for name in SEEN]
        data = pooled(union(parts, "pooled-classes"))
        settings = PretrainSettings(images=EPOCHS * data.n_items, lr=3e-3)
        trained = pretrain(data, Architecture("resnet18", 64, 3, 32), settings, seed=0, folder=work / "probe")
        print(f"trained probe: accuracy {trained.history[-1]['accuracy']:.3f} on {data.n_classes} classes")
        weights = {k.removeprefix("body."): v.contiguous() for k, v in trained.weights.items() if k.startswith("body.")}
        save_file(weights, path)
    return path


def short(e: Estimate, digits: int = 3) -> str:
    return f"{e.value:.{digits}f} [{e.low:.{digits}f}, {e.high:.{digits}f}]"


def sources_table(found: dict[str, Measurement]) -> list[str]:
    lines = []
    for probe, m in found.items():
        assert m.scale is not None
        lines += [
            f"\n### {probe} probe: floor {short(m.scale.floor)}, ceiling {short(m.scale.ceiling)}, protocol {m.protocol['fingerprint']}\n",
            "| pack | classes | coefficient | noise floor | corrected | floor to ceiling | split half |",
            "|---|---|---|---|---|---|---|",
        ]
        for s in sorted(m.sources, key=lambda s: -s.corrected.value):
            assert s.position is not None
            assert s.split_half is not None
            lines.append(
                f"| {s.name} | {s.source.n_classes} | {short(s.diversity)} | {short(s.floor)} | {short(s.corrected)} | "
                f"{s.position.value:.0%} | {short(s.split_half)} |"
            )
    return lines


def agreement_table(found: dict[str, Measurement]) -> list[str]:
    """Rank correlation of the packs: probes with each other, and each other metric with the coefficient through the same probe."""
    lines = ["\n### Agreement (Spearman, Kendall of the packs)\n"]
    values = {
        (probe, kind): {s.name: getattr(s, kind).value for s in m.sources}
        for probe, m in found.items()
        for kind in ("diversity", "corrected")
    }
    for (a, one), (b, two) in combinations(values.items(), 2):
        r = rank_agreement(one, two)
        lines.append(f"- {' '.join(a)} and {' '.join(b)}: {r.spearman:.2f}, {r.kendall:.2f}")
    for probe, m in found.items():
        for name in [r.name for r in m.sources[0].rivals]:
            other = {s.name: next(r for r in s.rivals if r.name == name).estimate.value for s in m.sources}
            with_d, with_c = (rank_agreement(values[probe, kind], other) for kind in ("diversity", "corrected"))
            lines.append(f"- {probe}, {name}: coefficient {with_d.spearman:.2f}, corrected {with_c.spearman:.2f}")
    return lines


def flips(found: dict[str, Measurement]) -> list[str]:
    lines = ["\n### Orders that turn\n"]
    for kind in ("diversity", "corrected"):
        table = {probe: {s.name: getattr(s, kind).value for s in m.sources} for probe, m in found.items()}
        rates = flip_rate(table)
        lines.append(f"- {kind}: {sum(f.rate for f in rates) / len(rates):.1%} of {len(rates)} pairs of packs turn between probes")
    for probe, m in found.items():
        turned = [s.flip_rate for s in m.stability]
        low = sum(r > 0.05 for r in turned)
        lines.append(
            f"- {probe}: with tasks drawn anew {sum(turned) / len(turned):.1%} turn on average; {low} pairs turn in more than 5 %"
        )
    return lines


def unions_table(found: dict[str, Measurement], sets: dict[str, LabeledSet], settings: dict[str, Settings]) -> list[str]:
    """Unions: from the distances at hand, and measured directly."""
    lines = ["\n### Unions\n", "| probe | union | parts | from stored embeddings | measured |", "|---|---|---|---|---|"]
    for probe, m in found.items():
        mix, names = m.mixture(), [s.name for s in m.sources]
        how = settings[probe]
        for pair in PAIRS:
            weights = [0.5 if name in pair else 0.0 for name in names]
            both = union([sets[name] for name in pair])
            e = embed(both, task2vec_of(both, how), tasks=int(how.tasks), ways=how.ways, per_class=how.per_class, seed=1)
            parts = " and ".join(f"{m[name].diversity.value:.3f}" for name in pair)
            lines.append(
                f"| {probe} | {' + '.join(pair)} | {parts} | {short(mix.diversity(weights))} | {short(diversity_coefficient(e))} |"
            )
    return lines


def main(packs: Path, work: Path) -> None:
    names = sorted(p.stem for p in packs.glob("*.npz") if p.stem not in SMALL)
    sets = {name: prepare(load(packs / f"{name}.npz"), size=32, channels=3) for name in names}
    base = Settings(probe="resnet18", tasks=60, ways=5, per_class=9, store=work / "embeddings")
    settings = {
        "random": base,
        "trained": Settings(**{**base.__dict__, "weights": trained_weights(packs, work)}),
        "conv": Settings(**{**base.__dict__, "probe": "conv"}),
    }
    found = {}
    for probe, how in settings.items():
        found[probe] = survey(
            list(sets.values()), how, report=lambda done, left, now: print(f"{done:.1%} {left:.0f} s {now}", flush=True)
        )
        write_page(found[probe], work / probe)
    both = {probe: found[probe] for probe in ("random", "trained")}
    lines = [*sources_table(both), *unions_table(both, sets, settings), *agreement_table(found), *flips(found)]
    (work / "tables.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
