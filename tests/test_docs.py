"""The README is true: its Python and shell blocks run as they stand, its links lead somewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder in which a reader would try the README: the studies are there, and the files that it tells to write."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "studies").symlink_to(ROOT / "studies")
    for block in blocks(README, "toml"):
        name = re.match(r"# (\S+\.toml)\n", block)
        assert name, "a TOML block begins with a comment that names its file"
        (folder / name[1]).write_text(block)
    return folder


def test_shell_blocks_run(desk):
    lines = [line for block in blocks(README, "bash") for line in block.splitlines() if line]
    assert len(lines) >= 5
    for line in lines:
        assert line.startswith("breadth "), line
        command = [sys.executable, "-m", *shlex.split(line, comments=True)]
        done = subprocess.run(command, cwd=desk, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        if line.startswith("breadth measure"):
            # What the README shows of it is what it prints.
            shown = re.search(re.escape(line) + r"\n```\n\n```\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
            assert shown, line
            assert shown[1] in done.stdout, done.stdout
    assert {p.name for p in (desk / "my-report").iterdir()} >= {
        "index.html", "figure.png", "figure.svg", "figure.pdf", "findings.json", "tables.md", "tables.tex"
    }  # fmt: skip


def test_python_blocks_run(desk):
    found = blocks(README, "python")
    assert found
    for block in found:
        done = subprocess.run([sys.executable, "-c", block], cwd=desk, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told = re.findall(r"^print\(.*\)  # ([\d. ]+)$", block, re.MULTILINE)
        assert told
        assert all(numbers in done.stdout.splitlines() for numbers in told), done.stdout


@pytest.mark.parametrize("page", sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]), ids=str)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
