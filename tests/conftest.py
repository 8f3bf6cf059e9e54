"""What all tests share: the folder of real image packs, where there is one."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def packs():
    """Folder of real image packs (.npz): BREADTH_DATA, or beside the checkout; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("BREADTH_DATA", Path(__file__).parents[2] / "shared" / "data" / "vision"))
    if not (folder / "omniglot_small.npz").is_file():
        pytest.skip(f"no real image packs in {folder}; set BREADTH_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No test, nor a process that it starts, writes to the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
