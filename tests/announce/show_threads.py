"""A thread made by hand, with pictures drawn for it, for tests of what a person sees."""

from dataclasses import replace

from PIL import Image, ImageDraw

from breadth.announce.source import Item, Quote, Sentence, Source
from breadth.announce.thread import Picture, Post, Problem, Thread

HOSTILE = '<script>alert(1)</script> & "quotes" <img src=x onerror=alert(2)>'


def picture(path, size=(1600, 900), colour="#0072b2"):
    """Draw a plot-like picture and return its path as text."""
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    pen.line((90, 30, 90, size[1] - 80, size[0] - 40, size[1] - 80), "#5b6470", 4)
    for i in range(24):
        x, y = 120 + i * (size[0] - 200) // 24, size[1] - 100 - (i * 37 + (i * i * 13) % 97) % (size[1] - 200)
        pen.ellipse((x - 12, y - 12, x + 12, y + 12), colour)
    image.save(path)
    return str(path)


def made(folder):
    """Return (thread, source) with four items whose pictures lie in ``folder``; nothing in it needs a PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    a, b = picture(folder / "a.png"), picture(folder / "b.png", (1200, 900), "#d55e00")
    c, d = picture(folder / "c.png", (1600, 800), "#009e73"), picture(folder / "d.png", (700, 700))
    doubts = ("the box holds running text", "no rule above")
    items = (
        Item("Figure 1", 3, (108.0, 72.0, 504.0, 290.0), "Accuracy against diversity on 21 data sets.", 0.98, file=a),
        Item("Figure 2", 5, (108.0, 72.0, 504.0, 340.0), "Distances of pairs of tasks.", 0.95, file=b),
        Item("Table 1", 6, (108.0, 400.0, 504.0, 520.0), "Coefficients of all sets.", 0.55, doubts, file=c),
        Item("Figure 3", 12, (90.0, 90.0, 300.0, 200.0), "Losses of every seed.", 0.91, appendix=True, file=d),
    )
    shown = "We show that accuracy rises with diversity on 21 data sets, with r = 0.75, though not on all."
    sentences = (
        Sentence(1, 1, shown, "1 Introduction", "body", "p. 1"),
        Sentence(2, 9, "A limitation of this work is that we compare two learners only.", "Limitations", "body", "p. 9"),
    )
    quotes = [Quote(s.page, s.text, (s.number,)) for s in sentences]
    short = Quote(1, "accuracy rises with diversity on 21 data sets, with r = 0.75", (1,))
    title = (
        "New workshop paper:\n\nDoes Diversity Help? A Careful Look\n\nAccuracy rises with diversity on 21 data sets."
        "\n\nhttps://arxiv.org/abs/2306.13841\n\n#MachineLearning\n\n1/5"
    )
    rises = "Accuracy rises with diversity on 21 data sets, with r = 0.75, though not on all of them.\n\n3/5"
    long = "The coefficients of all sets, with their intervals. " + "More words than the post can hold. " * 8 + "\n\n4/5"
    texts = (
        ("title", title, (), (quotes[0],)),
        ("code", "All code is here, with a quick start:\n\n[FILL: code url]\n\n2/5", (), ()),
        ("item", rises, ("Figure 1", "Figure 2"), (short,)),
        ("result", long, ("Table 1",), ()),
        ("limitation", "Limitation: we compare two learners only.\n\n5/5", (), (quotes[1],)),
    )
    posts = tuple(
        Post(
            text,
            tuple(Picture(f"figures/{label.lower().replace(' ', '-')}.png", f"{label}: a scatter plot.") for label in labels),
            evidence,
            role,
            labels,
        )
        for role, text, labels, evidence in texts
    )
    thread = Thread(
        "Does Diversity Help? A Careful Look",
        ("Ada Lovelace", "Emmy Noether", "Srinivasa Ramanujan"),
        "x",
        posts,
        None,
        quotes[1],
        items,
        (("Figure 3", "it stands in the appendix"),),
        (
            Problem("L1", "error", 4, "is 338 long by X's counting; at most 280: shorten it by 58"),
            Problem("K2", "warning", 1, "has 4 hashtags; 3 at most read well"),
            Problem("T1", "warning", None, "5 posts; 8 to 13 are usual"),
        ),
    )
    source = Source(
        "paper", "paper.pdf", thread.title, thread.authors, None, (), sentences, (), (), (quotes[1],), items, (), None, None
    )
    return thread, source


def hostile(folder):
    """The same thread with markup in every text that a paper or a person could bring."""
    thread, source = made(folder)
    bad = HOSTILE
    items = tuple(replace(i, label=f"{i.label} {bad}", caption=bad, doubts=(bad,), confidence=0.1) for i in thread.items)
    posts = tuple(
        replace(
            p,
            text=f"{bad} https://x.org/{bad} #tag{bad}\n\n{p.text}",
            pictures=tuple(replace(q, alt=bad) for q in p.pictures),
            evidence=(Quote(1, bad, (1,)),),
            items=tuple(f"{label} {bad}" for label in p.items),
        )
        for p in thread.posts
    )
    problems = tuple(replace(p, message=bad) for p in thread.problems)
    sentences = tuple(replace(s, text=f"{bad} {s.text} {bad}") for s in source.sentences)
    return (
        replace(thread, title=bad, authors=(bad, bad), items=items, posts=posts, problems=problems, left_out=((bad, bad),)),
        replace(source, sentences=sentences, problems=(bad,)),
    )
