"""GINC: one token is the delimiter, sequences are cut out of long documents and shuffled, and few permutations are mixed."""

import numpy as np
import pytest

from breadth.data.text.generated import Ginc
from breadth.data.text.places import text_source
from breadth.errors import DataError


def documents(source, seed=0):
    """The first 1000 documents, put together again from their shuffled pieces: [1000, pieces, length]."""
    pieces = source.document // source.length
    order = source._order(seed, 0, pieces)
    found = np.empty((1000 * pieces, source.length), np.int32)
    found[order] = source.take(0, len(order), seed).tokens
    return found.reshape(1000, pieces, source.length)


@pytest.mark.parametrize("language", range(6))
def test_only_the_first_property_is_the_delimiter(language):
    memory = Ginc(5, 12, language=language)._memory
    assert (memory[:, 0] == 0).all()
    assert memory[:, 1:].min() == 1
    assert memory.max() == 11


def test_a_tenth_of_all_tokens_is_the_delimiter():
    # Transition matrices are doubly stochastic, so that every property is as frequent as any other.
    found = Ginc(20, 5, 128).take(0, 400, 0).tokens
    assert abs((found == 0).mean() - 0.1) < 0.01


@pytest.mark.parametrize("vocabulary", [300, 5000, 20_000])
def test_at_most_91_tokens_are_used_at_any_vocabulary(vocabulary):
    used = np.unique(Ginc(5, vocabulary).take(0, 200, 0).tokens)
    assert 70 < len(used) <= 91
    assert used.max() > 0.8 * vocabulary


def test_sequences_are_pieces_of_long_documents(monkeypatch):
    monkeypatch.setattr(Ginc, "document", 64)
    source = Ginc(1, 400, 16)
    found = documents(source)
    assert found.shape == (1000, 4, 16)
    # The entity stays with a probability above 0.9, across the border of two pieces as inside one, and not across documents.
    rows = {int(t): {e for e in range(10) if t in source._memory[e, 1:]} for t in np.unique(source._memory) if t}
    clear = {t: min(e) for t, e in rows.items() if len(e) == 1}

    def same(before, after):
        pairs = [(clear[a], clear[b]) for a, b in zip(before.tolist(), after.tolist(), strict=True) if a in clear and b in clear]
        assert len(pairs) > 400
        return np.mean([a == b for a, b in pairs])

    inside, across = same(found[:, :, 7].ravel(), found[:, :, 8].ravel()), same(found[:, :-1, -1].ravel(), found[:, 1:, 0].ravel())
    assert 0.88 < inside < 0.95
    assert 0.88 < across < 0.95
    assert same(found[:-1, -1, -1], found[1:, 0, 0]) < 0.2


def test_sequences_that_follow_each_other_are_of_different_documents():
    source = Ginc(5, 50, 2048)
    documents_of = source._order(0, 0, 5)[:64] // 5
    assert len(set(documents_of.tolist())) > 58
    assert np.array_equal(np.sort(source._order(0, 0, 5)), np.arange(5000))
    # The next thousand documents are others.
    late = source.take(5000 - 3, 6, 0).tokens
    assert len({row.tobytes() for row in late}) == 6
    assert np.array_equal(late[3:], source.take(5000, 3, 0).tokens)


def test_longer_sequences_than_a_document_are_documents_of_their_own():
    assert Ginc(5, 50, 12_000).take(0, 2, 0).tokens.shape == (2, 12_000)


def test_ten_permutations_are_mixed_where_nothing_else_is_said():
    few, many = Ginc(1, 50), Ginc(1, 50, permutations=100)
    moves = [np.diff(source._concept(0)[0], axis=1, prepend=0) for source in (few, many)]
    assert ((moves[0] > 0).sum(1) <= 10).all()
    assert (moves[0] == 0).any()
    for m in moves:
        np.testing.assert_allclose((m.sum(0), m.sum(1)), 1)
    # Mixing more comes closer to uniform, so that a token tells less of the next one.
    assert moves[0].max() > 1.5 * moves[1].max()
    assert few.name == "ginc:concepts=1,vocabulary=50,language=0"
    assert few.digest != many.digest
    assert text_source("ginc:concepts=1,permutations=100").digest == many.digest
    with pytest.raises(DataError) as error:
        text_source("ginc:permutations=0")
    assert str(error.value) == "GINC with 5 concepts and 0 permutations was asked for; expected at least 1 of each"
