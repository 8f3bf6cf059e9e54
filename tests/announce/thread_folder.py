"""A small thread in a folder, as it is exported, for tests of posting."""

import json

from PIL import Image

TEXTS = (
    "Excited to share our #ICML2023 paper – with @friend.bsky.social & @noone!\n\nhttps://arxiv.org/abs/2306.13841 🎉\n\n1/3",
    "Code (see https://github.com/a/b_c#quick-start): 3 < 4.\n\n2/3",
    "Limitation: one model only.\n\n3/3",
)


def thread_folder(
    folder,
    *,
    texts=TEXTS,
    checks=(),
    pictures=((2, "figures/figure-1.png", "A line plot: accuracy over diversity."),),
    platform=None,
):
    """Write thread.json and the pictures; pictures: (post, file, alt)."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for _, file, _ in pictures:
        Image.new("RGB", (60, 40), "white").save(folder / file)
    posts = [
        {
            "n": n,
            "text": text,
            "weighted_length": len(text),
            "images": [{"file": f, "alt": alt} for at, f, alt in pictures if at == n],
            "evidence": [],
        }
        for n, text in enumerate(texts, 1)
    ]
    written_for = {} if platform is None else {"platform": platform}
    content = {"title": "T", "authors": ["A"], "code_url": None, "limitation": None, "items": [], "posts": posts, "left_out": []}
    (folder / "thread.json").write_text(json.dumps({**content, **written_for, "checks": list(checks)}))
    return folder
