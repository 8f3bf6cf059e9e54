"""The rival scores of text by their definitions: every text against every other, plain tables."""

import math


def grams(text, n):
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]


def ngram_diversity(texts, orders=4):
    """As breadth.measure.text.rivals.lexical.ngram_diversity."""
    total = 0
    for n in range(1, orders + 1):
        every = [g for text in texts for g in grams(text, n)]
        total += len(set(every)) / len(every)
    return total


def self_repetition(texts, n=4):
    """As breadth.measure.text.rivals.lexical.self_repetition."""
    scores = []
    for i, text in enumerate(texts):
        count = sum(1 for g in grams(text, n) for j, other in enumerate(texts) if j != i and g in grams(other, n))
        scores.append(math.log(1 + count))
    return sum(scores) / len(scores)


def bleu(text, references, orders=4):
    """BLEU of one text: clipped counts, add-one from the second order on, closest reference length, shorter of two."""
    logs = []
    for n in range(1, orders + 1):
        mine = grams(text, n)
        matched = sum(min(mine.count(g), max(grams(r, n).count(g) for r in references)) for g in set(mine))
        if n == 1 and matched == 0:
            return 0.0
        if mine:
            logs.append(math.log(matched / len(mine) if n == 1 else (matched + 1) / (len(mine) + 1)))
    nearest = min((abs(len(r) - len(text)), len(r)) for r in references)[1]
    penalty = 1 if len(text) >= nearest else math.exp(1 - nearest / len(text))
    return penalty * math.exp(sum(logs) / len(logs))


def self_bleu(texts, orders=4):
    """As breadth.measure.text.rivals.pairs.self_bleu."""
    return sum(bleu(text, texts[:i] + texts[i + 1 :], orders) for i, text in enumerate(texts)) / len(texts)


def common_subsequence(a, b):
    """As breadth.measure.text.rivals.pairs.common_subsequence."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a)):
        for j in range(len(b)):
            table[i + 1][j + 1] = table[i][j] + 1 if a[i] == b[j] else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def mean_rouge_l(texts):
    """As breadth.measure.text.rivals.pairs.mean_rouge_l, by recall and precision."""
    scores = []
    for i, a in enumerate(texts):
        for j, b in enumerate(texts):
            if i != j:
                lcs = common_subsequence(a, b)
                recall, precision = lcs / len(a), lcs / len(b)
                scores.append(2 * recall * precision / (recall + precision) if lcs else 0)
    return sum(scores) / len(scores)
