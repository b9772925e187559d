"""A run is paused, led epoch by epoch, given another learning rate and stopped while it trains, by anybody
who knows its folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fer_core.config import RunConfig
from fer_core.errors import TrainingError
from fer_core.runs import steering
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.train import train

from .. import tiny
from ..until import until

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_bundle")]


def new(folder: Path, voted: Path, **settings: Any) -> RunFolder:
    run = RunFolder(folder)
    run.create(tiny.settings(voted, **{"epochs": 3} | settings))
    return run


def steered(
    run: RunFolder, when: tuple[int, int], what: Callable[[], None], then: Callable[[], None] = lambda: None
) -> list[dict[str, Any]]:
    """Train `run`, do `what` after the given (epoch, batch), and `then` in another thread. What the batches
    told."""
    events: list[dict[str, Any]] = []
    failures: list[BaseException] = []

    def after() -> None:
        try:
            then()
        except BaseException as error:
            failures.append(error)
            run.request_stop()

    thread = threading.Thread(target=after)

    def look(progress: dict[str, Any]) -> None:
        if "finished_epoch" not in progress:
            events.append(progress)
            if (progress["epoch"], progress["batch"]) == when:
                what()
                thread.start()

    train(run, look)
    thread.join()
    if failures:
        raise failures[0]
    return events


def test_a_pause_holds_within_an_epoch_and_costs_nothing(voted: Path, tmp_path: Path) -> None:
    straight, run = new(tmp_path / "straight", voted), new(tmp_path / "run", voted)
    train(straight)
    paused = 5 * straight.history()[1]["seconds"] + 0.6  # seconds

    def look_and_go_on() -> None:
        until(lambda: run.status()["state"] == "paused")
        assert run.status()["message"] == "Paused in epoch 2."
        before = run.progress()
        time.sleep(paused)
        assert run.progress() == before and len(run.history()) == 1
        steering.go_on(run)

    steered(run, (2, 3), lambda: steering.pause(run), look_and_go_on)
    assert run.status()["state"] == "finished"
    for one, other in zip(straight.history(), run.history(), strict=True):
        assert (one["loss"], one["val_accuracy"]) == (other["loss"], other["val_accuracy"])
    assert run.history()[1]["seconds"] < paused, "the pause counted as training"
    assert [line["action"] for line in steering.steering_log(run)] == ["paused", "went on"]


def test_one_epoch_at_a_time(voted: Path, tmp_path: Path) -> None:
    run = new(tmp_path / "run", voted)

    def two_steps_then_on() -> None:
        until(lambda: run.status()["state"] == "paused")
        assert len(run.history()) == 1 and run.status()["message"] == "Paused after epoch 1."
        steering.step(run)
        until(lambda: len(run.history()) == 2 and run.status()["state"] == "paused")
        steering.go_on(run)

    steered(run, (1, 2), lambda: steering.step(run), two_steps_then_on)
    assert run.status()["state"] == "finished" and len(run.history()) == 3


def test_another_learning_rate_holds_from_the_next_batch_and_scales_the_schedule(
    voted: Path, tmp_path: Path
) -> None:
    run = new(tmp_path / "run", voted, schedule="cosine", learning_rate=0.01, epochs=4)
    events = steered(run, (2, 3), lambda: steering.set_learning_rate(run, 0.002))
    rates = {(p["epoch"], p["batch"]): p["learning_rate"] for p in events}
    scheduled = [0.01, 0.01 * 0.5 * (1 + 2**-0.5), 0.005, 0.01 * 0.5 * (1 - 2**-0.5)]
    assert rates[2, 3] == pytest.approx(scheduled[1])
    assert rates[2, 4] == pytest.approx(0.002)
    assert rates[3, 1] == pytest.approx(scheduled[2] * 0.002 / scheduled[1])
    assert run.history()[1]["learning_rate"] == pytest.approx(0.002)
    (line,) = steering.steering_log(run)
    assert (line["action"], line["epoch"], line["value"]) == ("learning rate", 2, pytest.approx(0.002))
    assert steering.scheduled_rate(run) == pytest.approx(run.history()[3]["learning_rate"])


def test_a_changed_rate_outlives_an_interruption_but_a_pause_does_not(voted: Path, tmp_path: Path) -> None:
    run = new(tmp_path / "run", voted)

    def change_and_stop() -> None:
        steering.set_learning_rate(run, 0.005)
        steering.stop(run)

    steered(run, (2, 3), change_and_stop)
    steering._request(run, mode="pause")  # as if killed while it was paused
    steering.clear_pause(run)
    events: list[dict[str, Any]] = []
    train(run, events.append)
    assert {round(p["learning_rate"], 9) for p in events} == {0.005} and run.status()["state"] == "finished"


def test_a_paused_run_can_be_stopped(voted: Path, tmp_path: Path) -> None:
    run = new(tmp_path / "run", voted)

    def stop_it() -> None:
        until(lambda: run.status()["state"] == "paused")
        steering.stop(run)

    steered(run, (2, 1), lambda: steering.pause(run), stop_it)
    assert run.status()["state"] == "stopped" and len(run.history()) == 1


def test_what_is_not_under_way_cannot_be_steered(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(RunConfig(preset="quick"))
    run.write_status("finished")
    for action in (steering.pause, steering.go_on, steering.step, steering.stop):
        with pytest.raises(
            TrainingError, match="run is finished: only a run that is under way can be steered"
        ):
            action(run)
    run.write_status("starting")
    for wrong in (0.0, -1.0, 11.0, float("nan")):
        with pytest.raises(TrainingError, match="expected a number above 0"):
            steering.set_learning_rate(run, wrong)


def test_of_two_requests_at_once_none_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(RunConfig(preset="quick"))
    run.write_status("starting")
    steering.pause(run)
    read = steering.read_control

    def slowly(run: RunFolder) -> steering.Control:
        control = read(run)
        time.sleep(0.2)
        return control

    monkeypatch.setattr(steering, "read_control", slowly)
    requests: list[Callable[[], None]] = [
        lambda: steering.go_on(run),
        lambda: steering.set_learning_rate(run, 1e-4),
    ]
    threads = [threading.Thread(target=request) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(run).mode == "run" and read(run).rate_factor == pytest.approx(0.1)


def test_a_damaged_control_file_asks_for_nothing(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for text in ("", "{", '{"mode": "fly"}', '{"rate_factor": -1}'):
        run.control.write_text(text)
        assert steering.read_control(run) == steering.Control()
