"""The broker of a single process, shared by two that are pretended."""

from collections.abc import Callable

import pytest

from sync.broker import LocalBroker
from tests.contracts_broker import BrokerContract


class Shared:
    """Nothing is under way, ever."""

    def __init__(self) -> None:
        self.here = self.there = LocalBroker()

    def until(self, reached: Callable[[], bool]) -> None:
        assert reached()

    def settle(self) -> None:
        return


class TestLocalBroker(BrokerContract):
    @pytest.fixture
    def pair(self) -> Shared:
        return Shared()
