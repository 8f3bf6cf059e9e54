"""Everything a study's report is made of, written into one folder."""

from __future__ import annotations

from pathlib import Path

from breadth.report import figure, page, table
from breadth.study.finding import Analysis
from breadth.study.store import write_json, write_text

__all__ = ["write_report"]


def write_report(analysis: Analysis, folder: str | Path) -> dict[str, Path]:
    """Write findings.json, analysis.json, the figures, the tables and the page into ``folder``; return their paths by what they are."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {
        "findings": folder / "findings.json",
        "analysis": folder / "analysis.json",
        "markdown": folder / "tables.md",
        "latex": folder / "tables.tex",
    }
    write_json(paths["findings"], [f.as_dict() for f in analysis.findings])
    write_json(paths["analysis"], analysis.as_dict())
    write_text(paths["markdown"], table.markdown(analysis))
    write_text(paths["latex"], table.latex(analysis))
    figures = figure.save(analysis, folder)
    paths["figure"] = next(p for p in figures if p.suffix == ".png")
    paths["page"] = page.write(analysis, folder)
    return paths
