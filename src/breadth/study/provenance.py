"""The audit of networks that were trained elsewhere: only what the study states or a file holds, and "unknown" for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from breadth.study.arms import CheckpointSpec
from breadth.study.finding import AuditRow
from breadth.study.plan import Plan
from breadth.study.store import Store
from breadth.study.tables import Control

__all__ = ["Arm", "Provenance", "unknown_note"]

Arm = tuple[str, str, int]
_CONTROLS = get_args(Control)
_MODES: dict[str, str] = {"pretrain": "PT", "maml": "MAML", "anil": "ANIL"}


def unknown_note(plan: Plan, audit: Sequence[AuditRow], learner: str) -> tuple[str, ...]:
    """One remark for under the figure where a learner's networks are checkpoints: which controls are not known for all arms."""
    count = sum(arm[1] == learner for arm in plan.checkpoints)
    if not count:
        return ()
    unknown = [r.control for r in audit if r.status == "unknown" and r.control in _CONTROLS]
    return (
        f"{count} checkpoints trained elsewhere; "
        + (f"not known for all: {', '.join(unknown)}" if unknown else "no control is unknown"),
    )


class Provenance:
    """What is known of the checkpoints of a study: the study's own words, and the facts in the files once they were imported."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan = plan
        self.said: Mapping[Arm, CheckpointSpec] = plan.checkpoints
        self.files: dict[Arm, dict[str, Any]] = {
            arm: store.result(plan.scores[arm])["checkpoint"] for arm in self.said if store.is_done(plan.scores[arm])
        }

    def unread_words(self) -> str:
        """Say how many files no run has read yet, where there are any: what is unknown may be in them."""
        unread = len(self.said) - len(self.files)
        return f"; {unread} of {len(self.said)} checkpoint files are not read until the study runs" if unread else ""

    def architecture(self, arm: Arm) -> str | None:
        """Kind, width and unusual eps of the network that was rebuilt, strictly, from the file."""
        a = self.files.get(arm, {}).get("architecture")
        eps = "" if a is None or "eps" not in a else f", eps {a['eps']:g} in batch norm"
        return None if a is None else f"{a['kind']}, {a['filters']} filters{eps}"

    def optimiser(self, arm: Arm) -> str | None:
        """The optimiser as the study states it, else the settings in the file, by their names there; None where arms of one learner are
        told in different words, which do not compare."""
        if len(self._words(arm[1])) > 1:
            return None
        stated, facts = self.said[arm].optimizer, self.files.get(arm, {})
        training = stated or ", ".join(f"{k} {v}" for k, v in facts.get("optimiser", {}).items()) or None
        rate = f", inner_lr {facts['inner_lr']:g} at test" if "inner_lr" in facts else ""
        return None if training is None else training + rate

    def unlike_words(self) -> str:
        """Say by whom, and under which names, the optimisers of a learner's checkpoints are told, where not all are told alike."""
        unlike = [w for x in self.plan.study.learner if len(w := self._words(x.name)) > 1]
        said = "; ".join(f"{name} by {who}" for words in unlike for who, name in words.items())
        return f"; told in words that do not compare: {said}" if said else ""

    def _words(self, learner: str) -> dict[str, str]:
        """Whose words tell the optimisers of a learner's checkpoints -> one checkpoint that they tell of."""
        words: dict[str, str] = {}
        for arm, c in self.said.items():
            keys = ", ".join(self.files.get(arm, {}).get("optimiser", {}))
            if arm[1] == learner and (c.optimizer or keys):
                words.setdefault("the study" if c.optimizer else f"the file ({keys})", c.name)
        return words

    def stopping(self, arm: Arm) -> str | None:
        """Whether the training converged, as the study states it, and the steps that it or the file tells."""
        c, facts = self.said[arm], self.files.get(arm, {})
        if c.converged is None:
            return None
        steps = c.steps or facts.get("iteration")
        # How long a converged training took is a result of the rule, not the rule.
        return "until converged, as stated" if c.converged else f"not converged, as stated, after {steps or 'unknown'} steps"

    def images(self, arm: Arm) -> str | None:
        """Images processed in training, as the study states it; no file holds it."""
        n = self.said[arm].images
        return None if n is None else f"{n:,} images"

    def rows(self) -> list[AuditRow]:
        """Rows that only a study with checkpoints has."""
        return [self._provenance(), self._distinct(), self._training()] if self.said else []

    def pixels(self, form: str) -> tuple[Literal["differs", "unknown"], str]:
        """Whether the checkpoints were trained on images of this study's size; their further pipeline is not in any file."""
        size = self.plan.study.images.size
        known = {self.said[a].name: f["image_size"] for a, f in self.files.items() if f.get("image_size") is not None}
        other = {name: n for name, n in known.items() if n != size}
        if other:
            name, n = next(iter(other.items()))
            return (
                "differs",
                f"{len(other)} of {len(self.said)} checkpoints say that they were trained at another size, for example {name} at {n} px",
            )
        return (
            "unknown",
            f"{form}, one pipeline for probe and evaluation; how the images that checkpoints were trained on were scaled is not known"
            f"{self.unread_words()}",
        )

    def _provenance(self) -> AuditRow:
        named = {self.said[a].name: f["data"] for a, f in self.files.items() if f.get("data")}
        unknown = sum(not s.known for s in self.plan.sets)
        said = f"{len(self.said)} networks were trained elsewhere, on the data that the study states, which no file proves"
        said += f"; the data of {unknown} are unknown" if unknown else ""
        if named:
            shown = ", ".join(f"{name}: '{data}'" for name, data in list(named.items())[:4])
            said += f"; {len(named)} files name theirs ({shown}{', ...' if len(named) > 4 else ''})"
        return AuditRow("training data of checkpoints", "unknown", said)

    def _distinct(self) -> AuditRow:
        name = "distinct checkpoints"
        same: dict[str, list[str]] = {}
        for arm, facts in self.files.items():
            same.setdefault(f"{facts['tensors_sha256']} {arm[1]}", []).append(self.said[arm].name)
        between: dict[str, set[str]] = {}
        for arm, facts in self.files.items():
            between.setdefault(facts["tensors_sha256"], set()).add(arm[0])
        twice = [" = ".join(names) for names in same.values() if len(names) > 1]
        if twice:
            return AuditRow(
                name, "differs", f"the same network more than once, so points are not independent: {'; '.join(twice)}", True
            )
        claimed = [" and ".join(sorted(sets)) for sets in between.values() if len(sets) > 1]
        if claimed:
            return AuditRow(name, "differs", f"one network is said to be trained on different data: {'; '.join(claimed)}", True)
        if len(self.files) < len(self.said):
            return AuditRow(name, "unknown", f"not compared{self.unread_words()}")
        return AuditRow(name, "equal", f"no two of {len(self.said)} checkpoints of a learner have the same tensors")

    def _training(self) -> AuditRow:
        kinds = {x.name: _MODES[x.kind] for x in self.plan.study.learner}
        name = "training of checkpoints"
        other = [
            f"{self.said[a].name}: {f['mode']} by its file ({f['mode_evidence']}), {kinds[a[1]]} by the study"
            for a, f in self.files.items()
            if f["mode"] not in ("unknown", kinds[a[1]])
        ]
        if other:
            return AuditRow(name, "differs", "; ".join(other[:4]), True)
        told = sum(f["mode"] != "unknown" for f in self.files.values())
        what = " or ".join(dict.fromkeys(("PT", "MAML", *kinds.values())))
        read = f"{told} of {len(self.files)} files say what the study says, the rest say nothing" if self.files else "not known"
        return AuditRow(name, "equal" if told == len(self.said) else "unknown", f"{what}: {read}{self.unread_words()}")
