"""The same images and labels, whatever carries them: every format gives one digest."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from breadth.data.formats import from_arrays, load
from data.samples import png
from data.test_shards import tar

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def as_npz(folder, images, labels, names):
    np.savez(folder / "x.npz", images=images, labels=labels, class_names=names)
    return folder / "x.npz"


def as_folder(folder, images, labels, names):
    for i, (image, c) in enumerate(zip(images, labels, strict=True)):
        (folder / "x" / names[c]).mkdir(parents=True, exist_ok=True)
        (folder / "x" / names[c] / f"{i:05}.png").write_bytes(png(plain(image)))
    return folder / "x"


def as_parquet(folder, images, labels, names):
    pq.write_table(pa.table({"image": [png(plain(i)) for i in images], "bird": [names[c] for c in labels]}), folder / "x.parquet")
    return folder / "x.parquet"


def as_shard(folder, images, labels, names):
    members = []
    for i, (image, c) in enumerate(zip(images, labels, strict=True)):
        members += [(f"{i}.png", png(plain(image))), (f"{i}.json", json.dumps({"label": names[c]}).encode())]
    return tar(folder / "x.tar", members)


def as_torch(_folder, images, labels, names):
    return [(Image.fromarray(plain(image)), names[c]) for image, c in zip(images, labels, strict=True)]


def plain(image):
    return image[..., 0] if image.shape[2] == 1 else image


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 12),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])),
    st.lists(st.text("abcé b", min_size=1, max_size=5).filter(lambda t: t == t.strip()), min_size=1, max_size=4, unique=True),
    st.integers(0, 2**32 - 1),
)
@pytest.mark.parametrize("write", [as_npz, as_folder, as_parquet, as_shard, as_torch])
def test_every_format_carries_the_same_set(tmp_path_factory, write, n, shape, names, seed):
    rng = np.random.default_rng(seed)
    names = sorted(names)[:n]
    # Sorted labels: a folder lists its images class by class.
    labels = np.sort(np.concatenate([np.arange(len(names)), rng.integers(0, len(names), n - len(names))]))
    images = rng.integers(0, 256, (n, *shape)).astype(np.uint8)
    source = write(tmp_path_factory.mktemp("x"), images, labels, names)
    assert load(source).digest == from_arrays(images, labels, names).digest
