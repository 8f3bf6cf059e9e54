"""Every rule against the definition, under vmap and in single precision; and what must be refused instead of measured wrongly."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from breadth.errors import MeasureError
from breadth.measure.fisher import fisher_diagonal, fisher_of, record
from breadth.measure.rules.layers import RULES, TRANSFORMERS, layer_sizes, rule_for
from measure.toys import Attention, Words, close, numbers, settled, some_head, words
from oracle.fisher import fisher_diagonal as oracle

KNOWN = (
    "expected one of: Conv1d, Conv2d, Linear, Embedding, BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm1d, InstanceNorm2d, "
    "LayerNorm, RMSNorm, Conv1D of transformers: build it from these, or make fixed parameters buffers"
)


def conv1d_of_transformers(out, inputs):
    return pytest.importorskip("transformers.pytorch_utils").Conv1D(out, inputs)


# One layer of every kind: (how to make it, shape of its input).
LAYERS = {
    "conv": (lambda: nn.Conv2d(3, 4, 3), (3, 7, 8)),
    "conv stride padding": (lambda: nn.Conv2d(3, 4, (3, 4), stride=(2, 3), padding=(1, 2)), (3, 9, 11)),
    "conv dilation": (lambda: nn.Conv2d(3, 4, 3, dilation=(2, 1), padding="same"), (3, 7, 8)),
    "conv groups": (lambda: nn.Conv2d(6, 4, 3, groups=2, stride=2), (6, 9, 8)),
    "conv valid": (lambda: nn.Conv2d(2, 4, 2, padding="valid"), (2, 4, 5)),
    "conv 1x1": (lambda: nn.Conv2d(3, 4, 1, stride=2), (3, 5, 6)),
    "conv reflect": (lambda: nn.Conv2d(3, 4, 3, padding=(1, 2), padding_mode="reflect"), (3, 5, 6)),
    "conv replicate": (lambda: nn.Conv2d(4, 4, 3, padding=2, stride=2, groups=2, padding_mode="replicate"), (4, 5, 6)),
    "conv circular": (lambda: nn.Conv2d(3, 4, (2, 3), padding="same", padding_mode="circular", dilation=(3, 1)), (3, 5, 6)),
    "conv reflect valid": (lambda: nn.Conv2d(3, 4, 3, padding="valid", padding_mode="reflect"), (3, 5, 6)),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), (4, 10)),
    "conv1d same": (lambda: nn.Conv1d(3, 4, 4, padding="same", dilation=2), (3, 9)),
    "conv1d reflect": (lambda: nn.Conv1d(3, 4, 3, padding=2, padding_mode="reflect", bias=False), (3, 9)),
    "linear": (lambda: nn.Linear(5, 4), (5,)),
    "linear at positions": (lambda: nn.Linear(5, 4, bias=False), (7, 5)),
    "linear on a grid": (lambda: nn.Linear(5, 4), (2, 3, 5)),
    "transposed linear": (lambda: conv1d_of_transformers(4, 5), (5,)),
    "transposed linear at positions": (lambda: conv1d_of_transformers(4, 5), (7, 5)),
    "batch norm": (lambda: nn.BatchNorm1d(5), (5,)),
    "batch norm at positions": (lambda: nn.BatchNorm1d(5), (5, 4)),
    "batch norm 2d": (lambda: nn.BatchNorm2d(5), (5, 4, 3)),
    "group norm": (lambda: nn.GroupNorm(2, 6), (6, 4, 3)),
    "group norm of vectors": (lambda: nn.GroupNorm(2, 6), (6,)),
    "instance norm": (lambda: nn.InstanceNorm2d(4, affine=True), (4, 3, 5)),
    "instance norm with running statistics": (lambda: nn.InstanceNorm1d(4, affine=True, track_running_stats=True), (4, 5)),
    "layer norm": (lambda: nn.LayerNorm(5), (5,)),
    "layer norm at positions": (lambda: nn.LayerNorm(5, bias=False), (2, 3, 5)),
    "layer norm over channels and pixels": (lambda: nn.LayerNorm((5, 4, 3)), (5, 4, 3)),
    "rms norm": (lambda: nn.RMSNorm(5), (7, 5)),
    "rms norm with eps": (lambda: nn.RMSNorm((3, 5), eps=0.1), (2, 3, 5)),
    "embedding": (lambda: nn.Embedding(11, 4), (6,)),
    "embedding with padding": (lambda: nn.Embedding(11, 4, padding_idx=-2), (2, 4)),
}


class Shift(nn.Module):
    """Adds a fixed wave: no layer under test then sees zero-mean or symmetric inputs only."""

    def forward(self, x):
        return x + torch.sin(torch.arange(x[0].numel(), dtype=x.dtype)).view(x.shape[1:])


@pytest.fixture(params=LAYERS, ids=str)
def one_layer(request):
    make, shape = LAYERS[request.param]
    layer = make()
    x = words(5, int(np.prod(shape)), seed=1).view(5, *shape) if isinstance(layer, nn.Embedding) else numbers(5, *shape, seed=1)
    return settled(layer).eval(), x


def test_every_rule_has_a_case():
    made = [make() for make, _ in LAYERS.values()]
    assert {type(layer) for layer in made if type(layer).__name__ != "Conv1D"} == set(RULES)
    assert {type(layer).__name__ for layer in made if type(layer) not in RULES} == set(TRANSFORMERS)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_a_layer_is_measured_by_the_definition(one_layer):
    layer, x = one_layer
    whole = x.dtype == torch.int64
    body = nn.Sequential(*([] if whole else [Shift()]), layer, nn.Tanh(), nn.Flatten())
    with torch.no_grad():
        head = some_head(3, body(x).shape[1], size=0.3)
    exact = oracle(body.double(), head, x if whole else x.double())
    close(fisher_diagonal(body, head, x if whole else x.double()), exact, relative=1e-9, floor=1e-14)
    close(fisher_diagonal(body.float(), head, x), exact, relative=1e-4, floor=1e-5)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("passes", [1, 40])
def test_a_rule_takes_many_gradients_at_once(one_layer, passes):
    layer, x = one_layer
    with torch.no_grad():
        squares = rule_for("it", layer)(layer, x, passes)
        delta = numbers(3, *layer(x).shape, seed=2)
        torch.testing.assert_close(torch.vmap(squares)(delta), torch.stack([squares(d) for d in delta]), rtol=1e-4, atol=1e-5)


def test_padding_draws_no_random_numbers():
    layer, x = nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), numbers(2, 2, 5, 5)
    before = torch.get_rng_state()
    rule_for("it", layer)(layer, x, 1)
    assert torch.equal(torch.get_rng_state(), before)


def gpt2(**options):
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=11, n_positions=9, n_embd=8, n_layer=2, n_head=2, bos_token_id=None, eos_token_id=None, **options
    )

    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.gpt = transformers.GPT2Model(config)

        def forward(self, ids):
            return self.gpt(ids).last_hidden_state.mean(1)

    return Pooled()


class Pictures(nn.Module):
    """Residual convolutions with group norm, then attention over pixels."""

    def __init__(self):
        super().__init__()
        self.stem, self.group = nn.Conv2d(2, 6, 3, padding=1, padding_mode="reflect"), nn.GroupNorm(3, 6)
        self.more, self.instance = nn.Conv2d(6, 6, 3, padding=1, groups=3), nn.InstanceNorm2d(6, affine=True)
        self.line, self.attention = nn.Conv1d(6, 6, 3, stride=2), Attention(6, 3)

    def forward(self, x):
        x = torch.relu(self.group(self.stem(x)))
        x = x + torch.relu(self.instance(self.more(x)))
        x = self.line(x.flatten(2)).transpose(1, 2)
        return (x + self.attention(x)).mean(1)


NETS = {
    "words": (Words, lambda: words(5, 7), 6),
    "GPT-2": (gpt2, lambda: words(5, 7), 8),
    "pictures": (Pictures, lambda: numbers(5, 2, 5, 6), 6),
}


@pytest.fixture(params=NETS, ids=str)
def net(request):
    make, x, d = NETS[request.param]
    return settled(make()), x(), some_head(3, d)


def exactly(x):
    return x.double() if x.is_floating_point() else x


def test_a_net_is_measured_by_the_definition(net):
    body, x, head = net
    exact = oracle(body.double(), head, exactly(x))
    close(fisher_diagonal(body, head, exactly(x)), exact, relative=1e-9, floor=1e-12)
    close(fisher_diagonal(body.float(), head, x), exact, relative=1e-4, floor=1e-4)


def test_a_net_takes_many_gradients_at_once(net):
    body, x, _ = net
    recording = record(body, x, 3)
    cotangents = numbers(3, *recording.features.shape)
    one = [dict(recording.backward(c)) for c in cotangents]
    many = torch.vmap(lambda c: dict(recording.backward(c)))(cotangents)
    for name, squares in many.items():
        expected = torch.stack([o[name] for o in one])
        torch.testing.assert_close(squares, expected, rtol=1e-4, atol=1e-6 * float(expected.max()))


def test_the_same_bytes_twice_and_any_chunk(net):
    body, x, head = net
    first = fisher_diagonal(body, head, x)
    for name, value in fisher_diagonal(body, head, x).items():
        assert value.tobytes() == first[name].tobytes()
    whole = fisher_diagonal(body.double(), head, exactly(x))
    for chunk in (1, 2, 3):
        recordings = (record(body, exactly(x)[i : i + chunk], 2) for i in range(0, len(x), chunk))
        found = fisher_of(recordings, len(x), head)
        close({name: found[name] for name in whole}, whole, relative=1e-5)


def test_gpt2_has_one_number_for_each_output_of_a_layer():
    body = gpt2()
    block = [("ln_1", 8), ("attn.c_attn", 24), ("attn.c_proj", 8), ("ln_2", 8), ("mlp.c_fc", 32), ("mlp.c_proj", 8)]
    blocks = [(f"gpt.h.{i}.{name}", size) for i in (0, 1) for name, size in block]
    assert list(layer_sizes(body)) == [("gpt.wte", 11), ("gpt.wpe", 9), *blocks, ("gpt.ln_f", 8)]
    assert list(layer_sizes(body, vocabulary=False)) == [*blocks, ("gpt.ln_f", 8)]


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("make, d", [(Words, 6), (gpt2, 8)], ids=["words", "GPT-2"])
def test_without_the_vocabulary_the_other_layers_stay_as_they_are(make, d, frozen):
    body, x, head = settled(make()).double().requires_grad_(not frozen), words(5, 7), some_head(3, d)
    recordings = [record(body, x, 1, vocabulary=v).backward(numbers(5, d, dtype=torch.float64)) for v in (True, False)]
    assert [name for name, _ in layer_sizes(body, vocabulary=False)] == sorted(
        recordings[1], key=list(dict(layer_sizes(body))).index
    )
    for name, squares in recordings[1].items():
        torch.testing.assert_close(squares, recordings[0][name], rtol=1e-12, atol=0)
    assert len(recordings[0]) == len(recordings[1]) + 2
    assert fisher_diagonal(body, head, x).keys() == dict(layer_sizes(body)).keys()


def test_rows_that_do_not_occur_have_fisher_zero():
    found = fisher_diagonal(settled(Words()), some_head(3, 6), torch.tensor([[3, 3, 5], [5, 0, 3]]))
    assert np.flatnonzero(found["words"]).tolist() == [3, 5]  # 0 is padding
    assert np.flatnonzero(found["positions"]).tolist() == [0, 1, 2]


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("t", [1, 2, 7])
@pytest.mark.parametrize("make", [lambda t: torch.arange(t)[None], torch.arange], ids=["[1, t]", "[t]"])
def test_positions_are_the_same_for_every_sample(make, n, t):
    body, x, head = settled(Words(make)).double(), words(n, t), some_head(3, 6)
    found, exact = fisher_diagonal(body, head, x), oracle(body, head, x)
    for name in ("attention.q", "attention.k") if t == 1 else ():  # one position attends to itself alone: zero but for rounding
        assert max(found.pop(name).max(), exact.pop(name).max()) < 1e-30
    close(found, exact, relative=1e-9, floor=1e-12)


class Folded(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.b(self.a(x).flatten(0, 1)).unflatten(0, x.shape[:2]).mean(1)


class PositionsFirst(Folded):
    def forward(self, x):
        return self.b(self.a(x).transpose(0, 1)).mean(0)


class Changed(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x):
        x = self.a(x)
        x += torch.tanh(self.b(x))
        return x.mean(1)


@pytest.mark.parametrize(
    "make, n, message",
    [
        (
            Folded,
            5,
            "layer 'b' sees an input of shape [35, 4] for 5 samples and [7, 4] for 1; expected the samples on its first axis: "
            "keep batch and positions on axes of their own",
        ),
        (
            PositionsFirst,
            7,
            "layer 'b' sees an input of shape [7, 7, 4] for 7 samples and [7, 1, 4] for 1; expected the samples on its first "
            "axis: keep batch and positions on axes of their own",
        ),
        (
            PositionsFirst,
            1,
            "layer 'b' sees an input of shape [7, 1, 4] for 1 samples and [7, 2, 4] for 2; expected the samples on its first "
            "axis: keep batch and positions on axes of their own",
        ),
        (Changed, 5, "the input of layer 'b' is changed in place after use; expected an operation that copies"),
    ],
)
def test_nets_that_would_be_measured_wrongly(make, n, message):
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        fisher_diagonal(make().requires_grad_(False), some_head(3, 4), numbers(n, 7, 3))


def test_layers_may_be_called_by_name():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 4)

        def forward(self, x):
            return self.a(input=x)

    body, x, head = settled(Named()).double(), numbers(4, 3, dtype=torch.float64), some_head(3, 4)
    close(fisher_diagonal(body, head, x), oracle(body, head, x), relative=1e-9)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.token, self.place = nn.Linear(3, 4), nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.a(x) + self.token + self.place


class Activated(nn.BatchNorm1d):
    def forward(self, x):
        return torch.relu(super().forward(x))


class Standardised(nn.Conv2d):
    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight - weight.mean(), bias)


class Adapted(nn.Linear):
    def __init__(self):
        super().__init__(4, 4)
        self.low = nn.Parameter(torch.zeros(4, 1))


class Renamed(nn.Linear):
    """Changes nothing of what is computed."""


REFUSED = {
    "attention": (
        nn.MultiheadAttention(4, 2),
        f"layer '1' (MultiheadAttention) holds in_proj_weight, in_proj_bias, but has no Fisher rule; {KNOWN}",
    ),
    "recurrent": (
        nn.LSTM(4, 4),
        f"layer '1' (LSTM) holds weight_ih_l0, weight_hh_l0, bias_ih_l0, ..., but has no Fisher rule; {KNOWN}",
    ),
    "own parameters": (Own(), f"layer '1' (Own) holds token, place, but has no Fisher rule; {KNOWN}"),
    "transposed convolution": (
        nn.ConvTranspose2d(4, 4, 1),
        f"layer '1' (ConvTranspose2d) holds weight, bias, but has no Fisher rule; {KNOWN}",
    ),
    "activation inside": (
        Activated(4),
        f"layer '1' (Activated) holds weight, bias and changes what BatchNorm1d computes, but has no Fisher rule; {KNOWN}",
    ),
    "standardised": (
        Standardised(4, 4, 1),
        f"layer '1' (Standardised) holds weight, bias and changes what Conv2d computes, but has no Fisher rule; {KNOWN}",
    ),
    "adapter": (
        Adapted(),
        f"layer '1' (Adapted) holds weight, bias, low and changes what Linear computes, but has no Fisher rule; {KNOWN}",
    ),
    "parametrised": (
        parametrizations.weight_norm(nn.Linear(4, 4, bias=False)),
        f"layer '1.parametrizations.weight' (ParametrizationList) holds original0, original1, but has no Fisher rule; {KNOWN}",
    ),
    "renormalised words": (
        nn.Embedding(4, 4, max_norm=1.0),
        "layer '1' (Embedding) changes its weight in the forward pass; expected max_norm=None",
    ),
    "words by frequency": (
        nn.Embedding(4, 4, scale_grad_by_freq=True),
        "layer '1' (Embedding) has gradients that depend on the other samples; expected scale_grad_by_freq=False",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_layers_without_a_rule_are_named(why):
    layer, message = REFUSED[why]
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        layer_sizes(nn.Sequential(nn.Linear(3, 4), layer))


def test_parameters_of_the_body_itself_are_named():
    with pytest.raises(MeasureError, match=f"^{re.escape(f'the body (Own) holds token, place, but has no Fisher rule; {KNOWN}')}$"):
        layer_sizes(Own())


def test_biases_and_layers_without_weights_are_not_counted():
    free = [nn.BatchNorm1d(4, affine=False), nn.LayerNorm(4, elementwise_affine=False), nn.GroupNorm(2, 4, affine=False)]
    assert layer_sizes(nn.Sequential(Renamed(3, 4), *free)) == (("0", 4),)


def test_tied_weights_are_refused_unless_one_is_left_out():
    body = nn.Sequential(nn.Embedding(4, 4), nn.Linear(4, 4))
    body[1].weight = body[0].weight
    with pytest.raises(MeasureError, match=r"^layers '0' and '1' share one weight; expected every layer to have its own$"):
        layer_sizes(body)
    assert layer_sizes(body, vocabulary=False) == (("1", 4),)
