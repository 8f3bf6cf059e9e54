"""Squared row norms: both ways of a convolution against plain automatic differentiation, also with stacked gradients."""

import pytest
import torch
from torch import nn

from breadth.measure.memory import chunks, peak_bytes
from breadth.measure.rules import convolution
from breadth.measure.rules.convolution import conv2d
from breadth.measure.rules.rows import row_norms
from measure.toys import numbers

DOUBLE = torch.float64
LAYERS = {
    "3x3": nn.Conv2d(4, 6, 3, padding=1),
    "wide enough for rows": nn.Conv2d(24, 6, 3, padding=1),
    "stride": nn.Conv2d(4, 6, 3, stride=2, padding=1),
    "stride beyond the kernel": nn.Conv2d(4, 6, (2, 1), stride=(3, 2)),
    "grouped, dilated": nn.Conv2d(4, 6, (3, 2), padding="same", dilation=(2, 3), groups=2),
    "rows, grouped, dilated": nn.Conv2d(64, 4, (2, 3), dilation=(2, 1), groups=2),
    "1x1": nn.Conv2d(4, 6, 1, stride=(1, 2)),
}


def definition(layer, x, delta):
    """[n, out] by a loop over samples, through a copy of the layer."""
    weight = layer.weight.detach().double().requires_grad_()
    rows = []
    for item, d in zip(x, delta, strict=True):
        y = layer._conv_forward(item[None], weight, None)
        (g,) = torch.autograd.grad(y, weight, d[None])
        rows.append(g.square().flatten(1).mean(1))
    return torch.stack(rows)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("block", [1, 10**9])
@pytest.mark.parametrize("move", [0, 10**9, -(10**9)])
@pytest.mark.parametrize("which", LAYERS)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_both_ways_are_the_definition(which, move, block, last, monkeypatch):
    # A number copied at no cost, a huge or a negative one: between them they force both ways on every layer.
    monkeypatch.setattr(convolution, "MOVE", move)
    monkeypatch.setattr(convolution, "BLOCK", block)
    layer, x = LAYERS[which], numbers(3, LAYERS[which].in_channels, 9, 7, dtype=DOUBLE)
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        shape = layer(x.float()).shape
    deltas = numbers(2, *shape, seed=1, dtype=DOUBLE)
    squares = conv2d(layer, x, 2)
    expected = torch.stack([definition(layer, x, delta) for delta in deltas])
    torch.testing.assert_close(torch.stack([squares(delta) for delta in deltas]), expected, rtol=1e-10, atol=0)
    torch.testing.assert_close(torch.func.vmap(squares)(deltas), expected, rtol=1e-10, atol=0)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(squares(deltas[0] * 1.001), expected[0], rtol=1e-4, atol=0)


@pytest.mark.parametrize("places", [2, 40])
def test_columns_by_both_ways(places):
    u, delta = numbers(3, places, 5, dtype=DOUBLE), numbers(3, places, 8, seed=1, dtype=DOUBLE)
    expected = torch.einsum("nlo,nli->noi", delta, u).square().mean(2)
    torch.testing.assert_close(row_norms(u, 8, 3)(delta), expected, rtol=1e-12, atol=0)
    stacked = torch.stack([delta, 2 * delta])
    torch.testing.assert_close(
        torch.func.vmap(row_norms(u, 8, 3))(stacked), torch.stack([expected, 4 * expected]), rtol=1e-12, atol=0
    )


def test_peak_bytes_counts_what_lives_at_one_time():
    known = torch.zeros(1000)

    def run():
        a = known + 1
        for _ in range(5):
            a = a + 1  # two of them live at a time
        return a.view(10, 100)

    assert peak_bytes(run, [known]) == 8000
    kept = []
    assert peak_bytes(lambda: kept.extend(known + i for i in range(3)), [known]) == 12000


def test_chunks_are_nearly_equal():
    assert [s.stop - s.start for s in chunks(100, 60)] == [50, 50]
    assert [s.stop - s.start for s in chunks(7, 3)] == [2, 2, 3]
    assert chunks(5, 0) == [slice(i, i + 1) for i in range(5)]
