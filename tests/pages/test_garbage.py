"""What stays in memory is left out of garbage collection, but nothing is lost for good."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from pages.session import garbage


class Circle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def frozen_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(garbage, "_modules", len(sys.modules))
    yield
    gc.freeze()  # as tests/conftest.py does


def test_what_was_there_when_modules_were_imported_is_collected_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = weakref.ref(Circle())
    monkeypatch.setattr(garbage, "_modules", 0)  # as after an import
    garbage.freeze()
    gc.collect()
    assert first() is not None
    monkeypatch.setattr(garbage, "_all_collected", garbage._all_collected - 2 * garbage._ALL_SECONDS)
    garbage.freeze()
    assert first() is None


def test_later_objects_are_collected_as_ever() -> None:
    garbage.freeze()
    later = weakref.ref(Circle())
    garbage.freeze()
    gc.collect()
    assert later() is None


def test_all_is_collected_where_descriptors_are_short() -> None:
    left = weakref.ref(Circle())
    gc.freeze()
    garbage.collect()
    assert left() is None
