"""The walls of the house, checked on the syntax tree: rooms import only what they may, no cycles, no torch leaks, no long files."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
FILES = sorted(SOURCE.rglob("*.py"))
GROUND = {"errors", "seeds", "version"}
MAY_IMPORT = {
    "errors": set(),
    "seeds": set(),
    "version": set(),
    "data": GROUND,
    "nets": GROUND,
    "stats": GROUND,
    "fetch": GROUND,
    "measure": GROUND | {"data", "nets", "stats"},
    "learn": GROUND | {"data", "nets", "stats"},
    "study": GROUND | {"data", "nets", "stats", "measure", "learn"},
    "report": GROUND | {"study", "stats"},
    "announce": GROUND | {"study", "stats"},
    "__main__": {"cli"},
    "cli": GROUND | {"data", "nets", "stats", "measure", "learn", "study", "report", "announce", "fetch"},
}
# These may be imported, directly and through others, without torch being loaded.
TORCH_FREE = [
    "breadth",
    "breadth.stats",
    "breadth.fetch.fetch",
    "breadth.study.spec",
    "breadth.study.store",
    "breadth.study.finding",
    "breadth.study.control",
    "breadth.report",
    "breadth.report.page",
    "breadth.announce.source",
    "breadth.announce.thread",
    "breadth.announce.poster.model",
    "breadth.announce.send",
    "breadth.announce.write.repair",
    "breadth.cli.app",
]
LONGEST = 400


def module_name(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree, *, top_level_only=False):
    """Names of the modules that a syntax tree imports; ``from a import b`` counts as both a and a.b."""
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide which wall they cross"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module):
    parts = module.split(".")
    return parts[1] if parts[0] == "breadth" and len(parts) > 1 else None


def crossed_walls(module, tree):
    own = room(module)
    allowed = MAY_IMPORT.get(own, set())
    return sorted(
        {
            name
            for name in imports_of(tree)
            if own and room(name) and room(name) != own and room(name) not in allowed and not name.startswith("breadth.__")
        }
    )


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_room_imports_only_what_it_may(path):
    assert crossed_walls(module_name(path), ast.parse(path.read_text())) == []


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text().splitlines()) <= LONGEST


def test_every_room_is_known():
    rooms = {p.name for p in (SOURCE / "breadth").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert rooms <= set(MAY_IMPORT)


def test_no_import_cycles():
    known = {module_name(p): p for p in FILES}
    graph = {
        m: {
            n
            for n in imports_of(ast.parse(p.read_text()), top_level_only=True)
            if n in known and n != m and not m.startswith(n + ".")
        }
        for m, p in known.items()
    }
    done, path = set(), []

    def visit(m):
        assert m not in path, f"import cycle: {' -> '.join([*path[path.index(m) :], m])}"
        if m in done:
            return
        path.append(m)
        for n in sorted(graph[m]):
            visit(n)
        path.pop()
        done.add(m)

    for m in graph:
        visit(m)


def test_torch_stays_out_of_stats():
    for path in (SOURCE / "breadth" / "stats").rglob("*.py"):
        assert not [n for n in imports_of(ast.parse(path.read_text())) if n.split(".")[0] == "torch"], path


@pytest.mark.parametrize("module", TORCH_FREE)
def test_module_loads_without_torch(module):
    code = f"import sys, {module}; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_wall_check_fails_on_a_crossed_wall():
    tree = ast.parse("from breadth.learn.maml import meta_train\nimport breadth.study.spec")
    assert crossed_walls("breadth.measure.fisher", tree) == [
        "breadth.learn.maml",
        "breadth.learn.maml.meta_train",
        "breadth.study.spec",
    ]
