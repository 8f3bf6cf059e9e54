"""``breadth report``: from the records of a study to findings, figure, tables and page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from breadth.cli.options import AsJson, DataRoot, Runs, StudyFile, print_json, study_from
from breadth.study.plan import plan_study
from breadth.study.store import Store

__all__ = ["report"]


def report(
    study: StudyFile,
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")],
    runs: Runs = Path("runs"),
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Write findings.json, the figure (PNG, SVG, PDF), tables (Markdown, LaTeX) and one self-contained page of a study that was run.

    \b
    Example:
      breadth report studies/quickstart.toml --out out/quickstart
    """
    from breadth.report.write import write_report  # loads matplotlib
    from breadth.study.analysis import analyse

    plan = plan_study(study_from(study, data_root))
    analysis = analyse(plan, Store(runs))
    paths = write_report(analysis, out)
    if as_json:
        print_json({"verdict": analysis.verdict, "reasons": analysis.reasons, "files": {k: str(p) for k, p in paths.items()}})
        return
    print(f"verdict: {analysis.verdict}")
    for reason in analysis.reasons:
        print(f"  {reason}")
    print(f"figure:  {paths['figure']}\npage:    {paths['page']}")
