"""``breadth checkpoint``: what trained networks from elsewhere are, before a study is built on them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from breadth.cli.options import AsJson, print_json
from breadth.errors import CheckpointError

__all__ = ["app", "show"]

app = typer.Typer(
    help="Look into checkpoints of other programs, without executing anything in them.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
_SAID = {
    "uutils": "a checkpoint of ultimate-utils",
    "uutils-old": "an old checkpoint of ultimate-utils",
    "rfs": "a checkpoint of RFS",
    "wrapped": "a state dict under a name",
    "state-dict": "a state dict",
    "module": "a network pickled whole",
    "breadth": "a checkpoint of breadth",
}


@app.callback()
def _checkpoint(context: typer.Context) -> None:
    """Look into checkpoints of other programs, without executing anything in them."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("show")
def show(
    files: Annotated[
        list[Path], typer.Argument(help="Files of torch.save or safetensors, and folders, which are walked.", metavar="FILE...")
    ],
    as_json: AsJson = False,
) -> None:
    """Tell what each file is: who wrote it, how it was trained, its architecture and the evidence, its head, and which are duplicates.

    Nothing in a file is executed. A file that cannot be used is one line on standard error and makes the exit code 2; the others are
    shown all the same.

    \b
    Examples:
      breadth checkpoint show ckpt.pt
      breadth checkpoint show checkpoints/ --json
    """
    from breadth.learn.foreign.describe import alike, describe, find_checkpoints  # loads torch
    from breadth.learn.foreign.rebuild import read_foreign

    shown, refused = [], list[dict[str, str]]()
    for given in files:
        try:
            paths = find_checkpoints([given])
        except CheckpointError as error:
            paths = []
            refused.append(_refusal(given, error))
        for path in paths:
            try:
                shown.append(describe(read_foreign(path)))
            except CheckpointError as error:
                refused.append(_refusal(path, error))
                continue
            if not as_json:
                _tell(shown[-1].facts)
    same = alike(shown)
    if as_json:
        print_json({"checkpoints": [d.facts for d in shown], "duplicates": same, "refused": refused})
    else:
        for how, groups in same.items():
            for group in groups:
                print(_safe(f"the same {'tensors' if how == 'content' else 'features'}: {', '.join(group)}"))
    if refused:
        raise typer.Exit(2)


def _refusal(path: Path, error: CheckpointError) -> dict[str, str]:
    print(f"breadth: {_safe(str(error))}", file=sys.stderr)
    return {"path": str(path), "reason": str(error)}


def _tell(facts: dict[str, Any]) -> None:
    count = ", ".join(f"{k} {facts[k]:,}" for k in ("iteration", "epoch") if facts[k] is not None) or "iteration unknown"
    arch = facts["architecture"]
    network = (
        f"{arch['kind']}, {arch['channels']} channel{'s' * (arch['channels'] > 1)}, size {arch['size']}" if arch else "unknown"
    )
    if arch and arch["kind"] in ("conv", "conv-stride", "mlp"):
        network = network.replace(",", f" of {arch['filters']} {'units' if arch['kind'] == 'mlp' else 'filters'},", 1)
    head = f"head of {facts['head_width']} outputs" if facts["head_width"] is not None else "no single head"
    size = f"{facts['parameters']:,} parameters" if facts["parameters"] is not None else f"{facts['tensors']} tensors"
    lines = [
        ("what", f"{_SAID[facts['layout']]}; {count}"),
        ("training", f"{facts['mode']}: {facts['mode_evidence']}"),
        ("data", facts["data"]),
        ("network", f"{network}; {size}; {head}"),
        *([("evidence", facts["evidence"])] if arch else []),
        *([("not usable", facts["problem"])] if facts["problem"] else []),
        *(("note", note) for note in facts["notes"]),
        ("tensors", f"sha256 {facts['tensors_sha256'][:16]}"),
    ]
    print(_safe(facts["path"]))
    for name, text in lines:
        print(f"  {name:<11} {_safe(str(text))}")


def _safe(text: str) -> str:
    """What a file says must not steer the terminal."""
    return text if text.isprintable() else ascii(text)[1:-1]
