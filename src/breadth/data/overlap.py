"""Overlap of two labelled sets: the same images, nearly the same images, and classes with the same name."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass

import numpy as np

from breadth.data.images import LabeledSet, prepare

__all__ = ["Overlap", "fold_name", "overlap"]

_SIDE = 32  # near duplicates are compared as grey images of this size
# Of 64 bits; both hashes must agree within it. On 19 real packs 12 finds 95 % of copies shrunk to 70 % and 98 % of JPEG copies
# (quality 75), and between different packs a few hearts and triangles and one false twin (a pizza and a tomato); 6 finds 88 % and
# 80 %.
_HAMMING = 12
_CORRELATION = 0.95  # of the 16 x 16 thumbnails: a hash of 64 bits alone takes many simple drawings for twins
_FLAT = 8.0  # grey levels: an image with a smaller standard deviation has a hash of noise


@dataclass(frozen=True)
class Overlap:
    """What two sets share.

    exact: items of the first set whose pixels occur in the second; near: items of the first set with a near duplicate (or an exact
    one) in the second; exact_b, near_b: the same for items of the second set in the first; names: folded class names that occur in
    both; n_a, n_b: items of the first and of the second set.
    """

    exact: int
    near: int
    exact_b: int
    near_b: int
    names: tuple[str, ...]
    n_a: int
    n_b: int


def overlap(a: LabeledSet, b: LabeledSet, *, hamming: int = _HAMMING) -> Overlap:
    """Return the overlap of two sets; swapping them swaps its two sides.

    Exact: the same pixels at native size (grey and grey stored as colour are the same). Near: 64-bit difference hash and 64-bit DCT
    hash of the 32 x 32 grey image both agree within ``hamming`` bits and the 16 x 16 thumbnails correlate by 0.95 or more; this
    finds copies that were resized, recompressed or slightly changed in brightness, not crops, mirror images or rotations. Nearly
    flat images have no near duplicates. Vectors count as near where they are exactly equal.

    Names are compared without case, separators, WordNet ids and numbers at either end, as a whole and by the part after the last
    "/"; names that are mere numbers say nothing and are left out.
    """
    prints_a, prints_b = _fingerprints(a), _fingerprints(b)
    common = set(prints_a) & set(prints_b)
    exact_a = np.array([p in common for p in prints_a])
    exact_b = np.array([p in common for p in prints_b])
    near_a, near_b = exact_a.copy(), exact_b.copy()
    if a.is_images and b.is_images:
        found_a, found_b = _near(_Hashes.of(a), _Hashes.of(b), hamming)
        near_a |= found_a
        near_b |= found_b
    names = tuple(sorted(_names(a) & _names(b)))
    return Overlap(int(exact_a.sum()), int(near_a.sum()), int(exact_b.sum()), int(near_b.sum()), names, a.n_items, b.n_items)


def fold_name(name: str) -> str:
    """Return a name without case, separators, WordNet id and numbers around it: "n02123394_Persian-cat 2" -> "persian cat"."""
    bare = re.sub(r"^n\d{8}(?=[\W_]|$)", "", name.casefold())
    words = [word for word in re.split(r"[\W_]+", bare) if word]
    while words and words[0].isdigit():
        del words[0]
    while words and words[-1].isdigit():
        del words[-1]
    return " ".join(words)


def _names(labeled_set: LabeledSet) -> set[str]:
    last = [fold_name(name.rsplit("/", 1)[-1]) for name in dict.fromkeys(labeled_set.class_names)]
    # "Greek/character01" and "Latin/character01": what many classes of one set end in does not name a class.
    paths = [name.rpartition("/")[0] for name in labeled_set.class_names]
    shared = {end for end in last if len({path for path, other in zip(paths, last, strict=True) if other == end}) > 1}
    return ({fold_name(name) for name in labeled_set.class_names} | (set(last) - shared)) - {""}


def _fingerprints(labeled_set: LabeledSet) -> list[bytes]:
    inputs = labeled_set.inputs
    if labeled_set.is_images and inputs.shape[3] == 3:
        grey = (inputs[..., :1] == inputs[..., 1:]).all(axis=(1, 2, 3))
    else:
        grey = np.ones(len(inputs), bool)
    out = []
    for item, is_grey in zip(inputs, grey.tolist(), strict=True):
        kept = item[..., :1] if labeled_set.is_images and is_grey else item
        sha = hashlib.blake2b(f"{kept.dtype.str}{kept.shape}".encode(), digest_size=16)
        sha.update(np.ascontiguousarray(kept).data)
        out.append(sha.digest())
    return out


@dataclass(frozen=True)
class _Hashes:
    """difference, dct: uint64 [n]; thumbnails: float32 [n, 256], centred, of length 1; flat: bool [n]."""

    difference: np.ndarray
    dct: np.ndarray
    thumbnails: np.ndarray
    flat: np.ndarray

    @classmethod
    def of(cls, labeled_set: LabeledSet) -> _Hashes:
        grey = prepare(labeled_set, size=_SIDE, channels=1).inputs[..., 0].astype(np.float32)
        small = _averages(8, _SIDE) @ grey @ _averages(9, _SIDE).T
        difference = _pack((small[:, :, 1:] > small[:, :, :-1]).reshape(len(grey), 64))
        waves = _cosines(8, _SIDE) @ grey @ _cosines(8, _SIDE).T
        waves = waves.reshape(len(grey), 64)
        dct = _pack(waves > np.median(waves[:, 1:], axis=1, keepdims=True))  # the first wave is the mean brightness
        thumbs = grey.reshape(len(grey), 16, 2, 16, 2).mean(axis=(2, 4)).reshape(len(grey), 256)
        thumbs -= thumbs.mean(axis=1, keepdims=True)
        thumbs /= np.maximum(np.linalg.norm(thumbs, axis=1, keepdims=True), 1e-6)
        return cls(difference, dct, thumbs, grey.std(axis=(1, 2)) < _FLAT)


def _near(a: _Hashes, b: _Hashes, hamming: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which items of ``a`` have a near duplicate in ``b``, and the reverse (two bool arrays)."""
    found_a, found_b = np.zeros(len(a.flat), bool), np.zeros(len(b.flat), bool)
    for start in range(0, len(a.flat), 512):  # blocks bound the memory
        block = slice(start, start + 512)
        close = np.bitwise_count(a.difference[block, None] ^ b.difference[None]) <= hamming
        rows, columns = np.nonzero(close & ~a.flat[block, None] & ~b.flat[None])
        rows = rows + start
        keep = np.bitwise_count(a.dct[rows] ^ b.dct[columns]) <= hamming
        rows, columns = rows[keep], columns[keep]
        keep = np.einsum("nd,nd->n", a.thumbnails[rows], b.thumbnails[columns]) >= _CORRELATION
        found_a[rows[keep]] = True
        found_b[columns[keep]] = True
    return found_a, found_b


def _averages(n: int, side: int) -> np.ndarray:
    """[n, side] matrix of area averages."""
    edges = np.linspace(0, side, n + 1)
    left, right = np.arange(side)[None], np.arange(side)[None] + 1
    share = np.clip(np.minimum(right, edges[1:, None]) - np.maximum(left, edges[:-1, None]), 0, None)
    matrix: np.ndarray = (share / share.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix


def _cosines(n: int, side: int) -> np.ndarray:
    """[n, side] matrix of the first ``n`` rows of the type-II discrete cosine transform."""
    out: np.ndarray = np.cos(math.pi / side * np.arange(n)[:, None] * (np.arange(side)[None] + 0.5)).astype(np.float32)
    return out


def _pack(bits: np.ndarray) -> np.ndarray:
    out: np.ndarray = np.packbits(bits, axis=1).view(np.uint64).reshape(-1)
    return out
