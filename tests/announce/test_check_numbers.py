"""Numbers of a text in one form, and which digits are none."""

from decimal import Decimal

import pytest

from breadth.announce.check.numbers import derived, number_in, numbers_of, recomputed


def read(text):
    return [(float(n.value), n.kind) for n in numbers_of(text)]


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("16, 464 steps, 16,464 steps, 16.464k steps", [(16464, "plain")] * 3),
        ("1.1K 51M 7B 2T 126M-parameter", [(1100, "plain"), (51e6, "plain"), (7e9, "plain"), (2e12, "plain"), (126e6, "plain")]),
        ("3x, 3×, 3-fold three times twice doubled", [(3, "times")] * 4 + [(2, "times")] * 2),
        ("2.7-4.76 times, 3–5x", [(2.7, "times"), (4.76, "times"), (3, "times"), (5, "times")]),
        ("2-3M tokens", [(2e6, "plain"), (3e6, "plain")]),
        ("5 to 10%, 38 percent, 12 per cent", [(5, "percent"), (10, "percent"), (38, "percent"), (12, "percent")]),
        ("-0.5, 0.3 − 0.5, −0.25", [(-0.5, "plain"), (0.3, "plain"), (0.5, "plain"), (-0.25, "plain")]),
        (
            "3.41e-4, 1e5, 6 × 10^5, 2 x 10^{-3}, 10⁵, 10^-2",
            [(3.41e-4, "plain"), (1e5, "plain"), (6e5, "plain"), (2e-3, "plain"), (1e5, "plain"), (0.01, "plain")],
        ),
        ("twenty-one, four, five hundred, a dozen, half", [(21, "plain"), (4, "plain"), (500, "plain"), (12, "plain"), (0.5, "plain")]),
        ("2nd, second, tenth", [(2, "ordinal"), (2, "ordinal"), (10, "ordinal")]),
        ("17/21, 3:1, top-5", [(17, "plain"), (21, "plain"), (3, "plain"), (1, "plain"), (5, "plain")]),
        ("July 28, 2023", [(28, "plain"), (2023, "plain")]),
        ("2 million", [(2e6, "plain")]),
    ],
)  # fmt: skip
def test_numbers_are_read(text, numbers):
    assert read(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "GPT-2 ResNet-18 GPT-3.5 C4 WikiText-103 BIG-Bench Task2Vec word2vec LLaMAv2 R2 F1-score",
        "Figure 3, Fig. 2a, Table 1 and 2, Section 3.5, Appendix A.1, Eq. 4, p. 7",
        "arXiv:2306.13840v2, https://arxiv.org/abs/2306.13841, #ICML2023, @ada2, 3D, [12, 13]",
        "one of the first",
    ],
)
def test_names_labels_and_addresses_hold_none(text):
    assert read(text) == []


@pytest.mark.parametrize(
    "text, bound",
    [
        ("at least 70%", "least"),
        (">=70%", "least"),
        ("≥ 70%", "least"),
        ("more than 70%", "least"),
        ("no more than 70%", "most"),
        ("up to 70%", "most"),
        ("< 70%", "most"),
        ("about 70%", "about"),
        ("~70%", "about"),
        ("70%", ""),
    ],
)
def test_bounds_are_read(text, bound):
    assert [n.bound for n in numbers_of(text)] == [bound]


@pytest.mark.parametrize(
    "claim, evidence, there",
    [
        ("16,464", "in 16, 464 steps", True),
        ("464", "sizes 16, 464", True),
        ("16,465", "in 16, 464 steps", False),
        ("1.35x", "a 1.35× gain", True),
        ("1.35x", "1.35 points", False),
        ("3x", "by a factor of 3", True),
        ("three", "3 models", True),
        ("71.2%", "71.2%", True),
        ("71.2%", "Accuracy (%) 71.2", True),
        ("71.2%", "71.2 models", False),
        ("75%", "a share of 0.75", True),
        ("about 0.8", "0.79", True),
        ("0.8", "0.79", False),
        ("about 0.7", "0.79", False),
        ("2nd", "second place", True),
        ("2nd", "2 models", False),
        ("5%", "decreases by -5%", True),
        ("5%", "changes by -5%", False),
        ("2", "GPT-2", False),
        ("7B", "7B", True),
        ("7M", "7B", False),
    ],
)
def test_a_number_is_found_in_evidence(claim, evidence, there):
    (number,) = numbers_of(claim)
    assert number_in(number, evidence) is there


@pytest.mark.parametrize(
    "claim, right",
    [
        ("1.3x (0.52 vs 0.40)", True),
        ("1.4x (0.52 vs 0.40)", False),
        ("30% better (0.52 vs 0.40)", True),
        ("23% lower (0.40 vs 0.52)", True),
        ("25% lower (0.40 vs 0.52)", False),
        ("0.12 higher (0.52 vs 0.40)", True),
        ("twice as much (4 vs 2)", True),
    ],
)
def test_a_derived_number_is_recomputed(claim, right):
    number = numbers_of(claim)[0]
    two = derived(number, claim)
    assert two is not None
    assert recomputed(number, two) is right


def test_a_number_without_two_sources_is_not_derived():
    number = numbers_of("1.3x (0.52)")[0]
    assert derived(number, "1.3x (0.52)") is None
    assert derived(number, "1.3x better") is None


def test_huge_powers_are_no_numbers():
    assert numbers_of("1e999999999") == ()
    assert numbers_of("1e400")[0].value == Decimal("1e400")
