"""The overlap of two texts by its definition: every run looked for in every training document."""


def words_of(text):
    """Words of plain ASCII text: letters and digits, in lower case."""
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def text_overlap(training, evaluation, n=13, window=50, near=0.5):
    """As breadth.data.text.overlap.text_overlap, for ASCII text, as a dictionary of its fields."""
    train = [words_of(text) for text in training]
    hit, exact, close, long, ngrams, found = [], [], [], 0, 0, 0
    words, seen = 0, 0
    known = {w for t in train for w in t}
    own = set()
    for k, text in enumerate(evaluation):
        mine = words_of(text)
        own |= set(mine)
        words += len(mine)
        seen += sum(w in known for w in mine)
        runs = [mine[i : i + n] for i in range(len(mine) - n + 1)]
        hits = [any(run == t[j : j + n] for t in train for j in range(len(t) - n + 1)) for run in runs]
        long += bool(runs)
        ngrams += len(runs)
        found += sum(hits)
        if any(hits):
            hit.append(k)
        same = any(mine == t if mine else text.strip() == raw.strip() for t, raw in zip(train, training, strict=True))
        if same:
            exact.append(k)
        letters = "".join(mine)
        windows = [letters[i : i + window] for i in range(len(letters) - window + 1)]
        copied = sum(any(piece in "".join(t) for t in train) for piece in windows)
        if same or (windows and copied >= near * len(windows)):
            close.append(k)
    return {
        "documents": len(evaluation),
        "long": long,
        "hit": tuple(hit),
        "ngrams": ngrams,
        "ngrams_hit": found,
        "exact": tuple(exact),
        "near": tuple(close),
        "words": words,
        "words_seen": seen,
        "vocabulary": len(own),
        "training_vocabulary": len(known),
        "shared": len(own & known),
    }
