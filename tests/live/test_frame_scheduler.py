"""Fair sharing of few cores among several sessions."""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter

import pytest

from fer_core.live import FrameScheduler, LiveError


def test_sessions_get_as_many_turns_however_fast_they_ask() -> None:
    """One requests again at once, and three do other things in between."""
    turns, stop, served = FrameScheduler(max_concurrent=1), threading.Event(), Counter[int]()

    def session(number: int) -> None:
        slot = turns.join()
        while not stop.is_set():
            with slot.turn(5) as mine:
                if mine:
                    time.sleep(0.02)
                    served[number] += 1
            if number:
                time.sleep(0.005)

    threads = [threading.Thread(target=session, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while sum(served.values()) < 120:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert min(served.values()) > 0.75 * max(served.values())


def test_only_so_many_work_at_once_and_patience_ends() -> None:
    turns = FrameScheduler(max_concurrent=2)
    with turns.turn(1) as first, turns.turn(1) as second:
        assert first and second
        with turns.turn(0.01) as third:
            assert not third
    with turns.turn(0.01) as again:
        assert again


def test_who_gave_up_does_not_block_the_others() -> None:
    turns = FrameScheduler(max_concurrent=1)
    with turns.turn(1), turns.turn(0.01) as mine:
        assert not mine
    with turns.turn(0.01) as mine:
        assert mine


def test_a_turn_ends_with_an_error_too() -> None:
    turns = FrameScheduler(max_concurrent=1)
    with pytest.raises(ZeroDivisionError), turns.turn(1):
        raise ZeroDivisionError
    with turns.turn(0.01) as mine:
        assert mine


def test_the_seats_are_counted_and_come_back() -> None:
    turns = FrameScheduler(max_concurrent=1, max_sessions=2)
    first, second = turns.join(), turns.join()
    with pytest.raises(LiveError, match="2 people use the live camera"):
        turns.join()
    first.leave()
    third = turns.join()
    assert turns.sessions == 2
    del second  # garbage-collected without leaving
    gc.collect()
    assert turns.sessions == 1
    third.leave()
    assert turns.sessions == 0
