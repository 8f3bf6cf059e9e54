"""A small study on glyphs that finishes in seconds."""

SMALL = {
    "name": "small",
    "title": "A study for tests",
    "hypothesis": {"learner": "PT", "condition": "logistic/support", "probe": "random"},
    "images": {"size": 16, "channels": 1},
    "data": {
        "latin": {"load": "glyphs:scripts=latin,styles=sans,classes=12,per_class=12"},
        "greek": {"load": "glyphs:scripts=greek,styles=sans,classes=12,per_class=12"},
        "arrows": {"load": "glyphs:scripts=arrows,styles=sans,classes=12,per_class=12"},
        "digits": {"load": "digits"},
        "cyrillic": {"load": "glyphs:scripts=cyrillic,styles=sans,classes=12,per_class=12"},
    },
    "training": {"classes": 9, "images": 10},
    "design": {"domains": ["latin", "greek", "arrows"], "levels": [1, 3]},
    "architecture": {"kind": "conv-stride", "filters": 4},
    "learner": [
        {"kind": "pretrain", "name": "PT", "seeds": [0, 1], "images": 600, "batch": 30},
        {
            "kind": "maml",
            "name": "MAML",
            "seeds": [0],
            "tasks": 8,
            "ways": 3,
            "queries": 3,
            "shots": 3,
            "steps": 2,
            "test_steps": [2, 3],
        },
    ],
    "probe": [{"name": "random", "kind": "conv-stride", "filters": 4}],
    "measure": {"tasks": 6, "ways": 3, "per_class": 5},
    "evaluation": {"data": ["digits", "cyrillic"], "ways": 3, "shots": 3, "queries": 4, "episodes": 4},
}


def as_toml(tables=SMALL):
    """Return the small study, or another, as the text of a study file."""

    def table(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k} = {table(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(table(v) for v in value) + "]"
        return f'"{value}"' if isinstance(value, str) else str(value)

    lines = []
    for key, value in tables.items():
        if isinstance(value, dict):
            lines += [f"[{key}]", *(f"{k} = {table(v)}" for k, v in value.items())]
        elif isinstance(value, list):
            for item in value:
                lines += [f"[[{key}]]", *(f"{k} = {table(v)}" for k, v in item.items())]
        else:
            lines.insert(0, f"{key} = {table(value)}")
    return "\n".join(lines) + "\n"
