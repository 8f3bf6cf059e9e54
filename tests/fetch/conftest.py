"""What the tests of the room share: a server, the services that it plays, and a client that notes its pauses instead of waiting."""

import pytest

from breadth.fetch.client import Client
from breadth.fetch.services import Services
from fetch.server import Server


@pytest.fixture
def server():
    found = Server()
    yield found
    found.close()


@pytest.fixture
def services(server):
    return Services(server.url, server.url, server.url, token=None)


@pytest.fixture
def pauses():
    """(seconds, reason) of each pause that the client would have made."""
    return []


@pytest.fixture
def client(pauses):
    return Client(timeout=5, attempts=3, wait=lambda seconds, why: pauses.append((seconds, why)))
