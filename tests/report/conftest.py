import pytest
from analyses import make_analysis


@pytest.fixture(scope="session")
def analysis():
    return make_analysis()
