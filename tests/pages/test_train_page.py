"""The Train page without a browser, on run folders as training leaves them; a running one holds its lock."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from fer_core import presets
from fer_core.bundles.bundle import MODELS_DIR, find_bundle, read_bundle
from fer_core.config import AugmentConfig, BundleConfig, DataConfig, RunConfig, TrainConfig
from fer_core.data import open_dataset
from fer_core.data.recipe import Recipe, save_recipe
from fer_core.errors import TrainingError
from fer_core.runs import processes, queue, speed
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import RunFolder, list_runs
from fer_core.runs.steering import read_control, set_learning_rate
from fer_core.runs.sweep_folder import SweepConfig, create_sweep, list_sweeps
from pages.views.train import runs as runs_view
from pages.views.train import time_estimate
from tests.pages.conftest import ROOT, open_page, reloaded
from tests.pages.made_runs import VALIDATION, accuracy, finish_epochs, made_run
from tests.pages.test_pages import html, texts

pytestmark = pytest.mark.long

PAGE = "train"


class Ended:
    """A measurement that is over."""

    returncode = 0

    def poll(self) -> int:
        return 0


class Trainings:
    """Stands in for training processes: each holds the lock of its run until the test ends."""

    def __init__(self) -> None:
        self.started: list[tuple[str, bool]] = []  # name, whether it only finishes
        self.measured: list[RunConfig] = []
        self._locks: list[FileLock] = []

    def resume(self, run: RunFolder, finish: bool = False) -> None:
        if run.alive():
            raise TrainingError(f"{run.name} is under way already.")
        self.started.append((run.name, finish))
        self.hold(run)

    def hold(self, run: Any) -> None:
        lock = FileLock(run.path / "lock", thread_local=False)
        lock.acquire(timeout=1)
        self._locks.append(lock)
        run.write_status("running")

    def measure(self, config: RunConfig) -> None:
        self.measured.append(config)
        time_estimate._processes()["one"] = Ended()  # type: ignore[assignment]

    def release(self) -> None:
        for lock in self._locks:
            lock.release()
        self._locks.clear()


@pytest.fixture(autouse=True)
def trainings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainings]:
    """No test here starts a process."""
    made = Trainings()
    monkeypatch.setattr(processes, "resume", made.resume)
    monkeypatch.setattr(queue, "ensure_worker", lambda parent: None)
    monkeypatch.setattr(time_estimate, "_measure", made.measure)
    yield made
    made.release()


@pytest.fixture
def runs(folders: Path) -> Path:
    return folders / "runs"


def set_up(voted: Path) -> AppTest:
    """The form for the quick preset on tiny images that have votes."""
    app = open_page(PAGE, train_view="Set up", data_source=str(voted))
    app.selectbox(key="train_preset").set_value("quick").run()
    assert not app.exception and not app.error
    return app


def start(app: AppTest, runs: Path) -> RunConfig:
    """Press the button: the settings of the run that it makes."""
    before = {run.name for run in list_runs(runs)}
    app.button(key="train_start").click().run()
    assert not app.exception and not app.error, texts(app)
    (run,) = [run for run in list_runs(runs) if run.name not in before]
    return run.config()


def watch(run: RunFolder | str, **state: Any) -> AppTest:
    app = open_page(PAGE, train_view="Watch", train_run=run if isinstance(run, str) else run.name, **state)
    assert not app.exception
    return app


def selected(*rows: int) -> dict[str, Any]:
    """The state of the table in which these rows are ticked."""
    return {"selection": {"rows": list(rows), "columns": [], "cells": []}}


def state_shown(app: AppTest) -> str:
    """The words of the badge at the head of the run."""
    return next(m.value for m in app.markdown if "-badge[" in m.value)


# --- set up

# Every setting, at a value that differs from the preset's; the combination is valid on images with votes.
_WIDGETS: dict[str, dict[str, Any]] = {
    "train": {
        "epochs": 7,
        "batch_size": 16,
        "learning_rate": 0.02,
        "optimizer": "sgd",
        "schedule": "constant",
        "warmup_epochs": 2,
        "head_epochs": 1,
        "weight_decay": 0.01,
        "label_smoothing": 0.1,
        "early_stopping": 3,
        "keep": "last",
        "average": 0.5,
        "precision": "mixed_bfloat16",
        "seed": 5,
        "class_weight": "balanced",
        "loss": "categorical_crossentropy",
        "votes_weight": 0.5,
        "output": "votes",
        "teacher": str(MODELS_DIR / "ferplus"),
        "teacher_weight": 0.25,
    },
    "augment": {
        "flip": True,
        "rotation": 10.0,
        "shift": 0.1,
        "zoom": 0.2,
        "contrast": 0.3,
        "brightness": 0.1,
        "gamma": 0.3,
        "blur": 1.0,
        "low_resolution": 0.5,
        "jpeg": 60,
        "erase": 0.5,
        "mixup": 0.4,
    },
    "bundle": {"mirror": True, "zoom": True, "quantisation": "int8"},
    "data": {"limit": 70, "drop": ("leaked",)},
}
# Set by the preset and the page of the data, or tested on their own.
_ELSEWHERE = {"data": {"source", "votes", "fold"}, "train": {"start_from", "freeze_until"}}


def widget(app: AppTest, key: str) -> Any:
    kinds = ("number_input", "selectbox", "slider", "toggle", "multiselect")
    return next(element for kind in kinds for element in app.get(kind) if element.key == key)


def test_every_setting_is_explained_and_its_value_reaches_the_run(
    voted: Path, runs: Path, trainings: Trainings
) -> None:
    sections = {"train": TrainConfig, "augment": AugmentConfig, "bundle": BundleConfig, "data": DataConfig}
    for section, kind in sections.items():
        assert set(kind.model_fields) == set(_WIDGETS[section]) | _ELSEWHERE.get(section, set()), (
            "a setting has no input, or no test"
        )
    app = set_up(voted)
    assert all(
        widget(app, f"{section}_{name}_quick").help for section, values in _WIDGETS.items() for name in values
    )
    for section, values in _WIDGETS.items():
        for name, value in values.items():
            shown = "ferplus (shipped)" if name == "teacher" else list(value) if name == "drop" else value
            widget(app, f"{section}_{name}_quick").set_value(shown)
    app.run()
    assert not app.error, texts(app)
    config = start(app, runs)
    assert trainings.started == [(list_runs(runs)[0].name, False)]
    assert config.preset == "quick" and config.data.source == str(voted)
    for section, values in _WIDGETS.items():
        assert {name: getattr(getattr(config, section), name) for name in values} == values
    assert (
        app.session_state["train_view"] == "Watch"
        and app.session_state["train_run"] == list_runs(runs)[0].name
    )


def test_a_variant_of_drawn_faces_begins_with_the_quick_preset_like_its_original(folders: Path) -> None:
    drawn = open_dataset("synthetic:140")
    recipe = Recipe(drawn.source, drawn.fingerprint, {int(drawn.rows[0]): "dropped"}, {})
    variant = save_recipe(recipe, folders / "data", "variant")
    app = open_page(PAGE, data_source=str(variant), train_view="Set up")
    assert not app.exception and app.selectbox(key="train_preset").value == "quick"


def test_nothing_changed_is_the_preset_and_another_preset_brings_its_own_values(
    voted: Path, runs: Path
) -> None:
    app = set_up(voted)
    app.number_input(key="train_epochs_quick").set_value(77).run()
    app.selectbox(key="train_preset").set_value("baseline-deep").run()
    preset = presets.PRESETS["baseline-deep"].config
    config = start(app, runs)
    differences = config.differences(preset)
    assert set(differences) <= {
        "data.source",
        "data.votes",
        "data.drop",
        "train.votes_weight",
        "train.precision",
    }, differences
    assert config.train.epochs == preset.train.epochs


def test_the_form_keeps_its_values_through_views_pages_and_a_reload(
    voted: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_DATA_DIR", str(voted.parent))
    app = set_up(voted)
    app.selectbox(key="train_preset").set_value("baseline-deep").run()
    for key, value in (("train_epochs", 7), ("train_batch_size", 48), ("data_limit", 70)):
        app.number_input(key=f"{key}_baseline-deep").set_value(value)
    app.selectbox(key="train_optimizer_baseline-deep").set_value("sgd")
    app.slider(key="augment_rotation_baseline-deep").set_value(12.0)
    app.multiselect(key="data_drop_baseline-deep").set_value(["not a face"])
    app.selectbox(key="train_start_from_baseline-deep").set_value("tiny (shipped)").run()

    def kept(app: AppTest) -> None:
        assert not app.exception and not app.error
        assert app.selectbox(key="train_preset").value == "baseline-deep"
        assert widget(app, "train_epochs_baseline-deep").value == 7
        assert widget(app, "train_batch_size_baseline-deep").value == 48
        assert widget(app, "train_optimizer_baseline-deep").value == "sgd"
        assert widget(app, "train_start_from_baseline-deep").value == "tiny (shipped)"
        assert widget(app, "augment_rotation_baseline-deep").value == 12.0
        assert widget(app, "data_limit_baseline-deep").value == 70
        assert widget(app, "data_drop_baseline-deep").value == ["not a face"]

    kept(app)
    app.segmented_control(key="train_view").set_value("Runs").run()
    app.segmented_control(key="train_view").set_value("Set up").run()
    kept(app)
    app.switch_page("pages/models.py").run()
    app.switch_page("pages/train.py").run()
    kept(app)
    again = reloaded(app, PAGE)
    kept(again)
    assert again.session_state["data_source"] == str(voted)
    config = start(again, runs)
    assert config.train.epochs == 7 and config.data.source == str(voted) and config.data.limit == 70


def test_a_changed_network_outlasts_a_reload(voted: Path, runs: Path) -> None:
    app = set_up(voted)
    app.number_input(key="builder_quick_0_filters").set_value(20).run()
    assert start(reloaded(app, PAGE), runs).model.hparams["blocks"][0]["filters"] == 20
    for text in ("[", "[" * 5000, '[{"type":"conv","filters":1e9}]', '"conv"', '[{"type":"none"}]'):
        address = {"train_preset": "Quick (quick)", "builder_quick": text}
        app = open_page(PAGE, address, train_view="Set up", data_source=str(voted))
        assert not app.exception and not app.error
        assert "builder_quick" not in app.query_params, "the preset stands in for what is no network"


def test_settings_that_do_not_go_together_are_one_sentence_and_no_run(voted: Path, runs: Path) -> None:
    app = set_up(voted)
    app.selectbox(key="train_loss_quick").set_value("sparse_categorical_crossentropy")
    app.slider(key="train_label_smoothing_quick").set_value(0.1).run()
    (error,) = app.error
    assert "label_smoothing needs loss categorical_crossentropy" in error.value
    assert not app.exception and "train_start" not in [b.key for b in app.button] and not list_runs(runs)
    app.slider(key="train_label_smoothing_quick").set_value(0.0).run()
    assert start(app, runs).train.loss == "sparse_categorical_crossentropy"


def test_class_weights_are_shown_as_numbers(voted: Path, runs: Path) -> None:
    app = set_up(voted)
    table = next(t.value for t in app.dataframe if "Weight" in t.value)
    assert list(table["Weight"]) == [1.0] * 7 and list(table["Training images"]) == [24] * 7
    lone = voted.read_text().splitlines()
    source = voted.with_name("uneven.csv")  # of angry there are half as many
    angry = [i for i, line in enumerate(lone) if line.startswith("0,") and line.endswith("Training")]
    source.write_text("\n".join(line for i, line in enumerate(lone) if i not in angry[::2]) + "\n")
    app = open_page(PAGE, data_source=str(source))
    app.selectbox(key="train_preset").set_value("quick").run()
    app.selectbox(key="train_class_weight_quick").set_value("balanced").run()
    table = next(t.value for t in app.dataframe if "Weight" in t.value).set_index("Class")
    assert table.loc["angry", "Training images"] == 12
    assert (
        table.loc["angry", "Weight"] == pytest.approx(2 * table.loc["happy", "Weight"], abs=0.002)
        and table.loc["angry", "Weight"] > 1
    )


def test_the_builders_change_is_trained_and_what_does_not_fit_cannot_be(voted: Path, runs: Path) -> None:
    app = set_up(voted)
    app.number_input(key="builder_quick_0_filters").set_value(20).run()
    config = start(app, runs)
    assert config.model.family == "blocks" and config.model.hparams["blocks"][0]["filters"] == 20
    app = set_up(voted)
    app.session_state["builder_quick_draft"].select(7)
    app.run().button(key="builder_quick_7_up").click().run()  # dense before flatten
    assert not app.exception and app.error and "train_start" not in [b.key for b in app.button]
    assert "is not valid yet" in texts(app)
    app.button(key="builder_quick_7_down").click().run()
    assert start(app, runs).model == presets.PRESETS["quick"].config.model


def test_fine_tuning_takes_the_models_network_and_freezes_its_layers(voted: Path, runs: Path) -> None:
    app = set_up(voted)
    app.selectbox(key="train_start_from_quick").set_value("standard (shipped)").run()
    assert not app.error
    card = find_bundle("standard").card
    layers = app.selectbox(key="train_freeze_quick").options
    assert (
        layers[0] == "none" and layers[-1] == "all but the classifier" and "up to predictions" not in layers
    )
    assert f"{card['parameters']:,} parameters" in texts(app)  # the summary is that of the model
    app.selectbox(key="train_freeze_quick").set_value(layers[1]).run()
    config = start(app, runs)
    assert config.train.start_from == str(MODELS_DIR / "standard") and config.train.freeze_until == layers[
        1
    ].removeprefix("up to ")
    assert config.model == RunConfig.parse(card["config"]).model
    app = set_up(voted)
    app.selectbox(key="train_start_from_quick").set_value("standard (shipped)").run()
    app.selectbox(key="train_freeze_quick").set_value("all but the classifier").run()
    assert start(app, runs).train.freeze_until == "features"


def test_the_augmentation_preview_follows_its_settings(voted: Path) -> None:
    app = set_up(voted)
    shown = html(app)
    assert shown.count('class="first"') == 4 and "No augmentation yet" in texts(app)
    app.slider(key="augment_rotation_quick").set_value(30.0).run()
    turned = html(app)
    assert turned != shown and "No augmentation yet" not in texts(app)
    app.run()
    assert html(app) == turned, "it is redrawn at random although nothing changed"
    app.button(key="augment_again").click().run()
    assert html(app) != turned


def test_the_same_command_for_the_shell_is_shown(voted: Path) -> None:
    app = set_up(voted)
    app.number_input(key="train_epochs_quick").set_value(7)
    app.toggle(key="augment_flip_quick").set_value(True).run()
    (command,) = [code.value for code in app.code if "fer_core train" in code.value]
    assert command.startswith(f"python -m fer_core train --data {voted} --preset quick --epochs 7")
    assert ("--set augment.flip=true" in command) == (not presets.PRESETS["quick"].config.augment.flip)


def test_the_time_is_guessed_from_what_was_measured_and_measured_once_where_nothing_was(
    voted: Path, trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_EXPLORER_CACHE", str(tmp_path / "cache"))
    time_estimate._processes().clear()
    app = set_up(voted)
    assert "has not been measured yet" in texts(app) and len(trainings.measured) == 1
    speed.record(presets.PRESETS["quick"].config, 168 + 35 / 3)
    app = set_up(voted)
    assert "About **1 s** per epoch, **10 s** in all" in texts(app) and "measured with this network" in texts(
        app
    )
    app.number_input(key="train_batch_size_quick").set_value(8).run()
    assert "from other networks" in texts(app) and len(trainings.measured) == 1, (
        "it measured without being asked"
    )
    app.button(key="time_measure").click().run()
    assert trainings.measured[1].train.batch_size == 8


# --- the queue


def test_a_second_run_waits_and_the_order_can_be_changed(
    voted: Path, runs: Path, trainings: Trainings
) -> None:
    names = []
    for label in ("Start training", "Put it in the queue", "Put it in the queue"):
        app = set_up(voted)
        assert app.button(key="train_start").label == label
        start(app, runs)
        names.append(app.session_state["train_run"])
    first, second, third = names
    assert trainings.started == [(first, False)] and Registry(runs).queue() == [second, third]
    assert "queued" in state_shown(watch(second))

    app = open_page(PAGE, train_view="Runs")
    assert f"running: {first}" in texts(app)
    assert [m.value for m in app.markdown if m.value[:2] in ("1.", "2.")] == [f"1. {second}", f"2. {third}"]
    assert app.button(key=f"queue_up_{second}").disabled
    app.button(key=f"queue_up_{third}").click().run()
    assert Registry(runs).queue() == [third, second]
    assert [m.value for m in app.markdown if m.value[:2] in ("1.", "2.")] == [f"1. {third}", f"2. {second}"]
    app.button(key=f"queue_out_{third}").click().run()
    assert Registry(runs).queue() == [second] and RunFolder(runs / third).status()["state"] == "stopped"
    app.number_input(key="queue_parallel").set_value(2).run()
    assert Registry(runs).parallel() == 2

    app = watch(second)
    app.button(key=f"watch_bolt_{second}").click().run()  # Start now
    assert (
        trainings.started[-1] == (second, False)
        and Registry(runs).queue() == []
        and "running" in state_shown(app)
    )


def test_a_queued_run_leaves_the_queue_on_the_watch_view(runs: Path) -> None:
    run = made_run(runs, "waits", epochs=0)
    queue.enqueue(run)
    app = watch(run)
    app.button(key="watch_playlist_remove_waits").click().run()
    assert "stopped" in state_shown(app) and Registry(runs).queue() == []


# --- watch


@pytest.mark.parametrize(
    "state",
    ["starting", "running", "paused", "finished", "stopped", "pruned", "failed", "queued", "from the future"],
)
def test_every_state_has_its_badge(runs: Path, trainings: Trainings, state: str) -> None:
    run = made_run(runs, "run")
    if state in ("starting", "running", "paused"):
        trainings.hold(run)
    run.write_status(state, "The disk is full." if state == "failed" else "")
    app = watch(run)
    assert state in state_shown(app)
    assert [e.value for e in app.error] == (["The disk is full."] if state == "failed" else [])
    steered = any(b.key == "watch_stop_run" for b in app.button)
    assert steered == (state in ("starting", "running", "paused"))
    assert any(b.key == "watch_play_arrow_run" for b in app.button) == (
        state in ("stopped", "pruned", "failed", "from the future")
    )


@pytest.mark.parametrize("state", ["starting", "running", "paused"])
def test_a_run_whose_process_died_is_interrupted_within_15_seconds_and_resumes_with_one_click(
    runs: Path, trainings: Trainings, state: str
) -> None:
    run = made_run(runs, "dead", state=state)
    status = json.loads((run.path / "status.json").read_text())
    (run.path / "status.json").write_text(json.dumps(status | {"updated": time.time() - 15}))
    run.checkpoint.write_bytes(b"weights")
    app = watch(run)
    assert "interrupted" in state_shown(app) and "ended without finishing" in texts(app)
    assert app.button(key="watch_download_done_dead").label == "Keep the best"
    app.button(key="watch_play_arrow_dead").click().run()
    assert trainings.started == [("dead", False)] and "running" in state_shown(app)


def test_the_best_weights_of_a_failed_run_are_kept(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "full", state="failed", message="The disk is full.")
    run.checkpoint.write_bytes(b"weights")
    watch(run).button(key="watch_download_done_full").click().run()
    assert trainings.started == [("full", True)]


def test_no_time_is_estimated_before_20_batches(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "run", epochs=0)
    trainings.hold(run)
    for batch, is_shown in ((19, False), (20, True)):
        run.write_progress(
            epoch=1, batch=batch, batches=100, batch_size=32, images_per_second=4.0, loss=2, accuracy=0.1
        )
        text = watch(run).get("progress")[0].proto.text
        assert f"batch {batch} of 100" in text and ("left" in text) == is_shown


def test_figures_progress_and_curves(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "run", epochs=3)
    trainings.hold(run)
    run.write_progress(
        epoch=4, batch=5, batches=10, batch_size=32, images_per_second=80.0, loss=0.5, accuracy=0.75
    )
    app = watch(run)
    bar = app.get("progress")[0].proto
    # 6.5 epochs of 10 batches of 32 images are left, at 80 a second.
    assert bar.value == 35 and "Epoch 4 of 10, batch 5 of 10" in bar.text and "about 26 s left" in bar.text
    assert f"best on validation {accuracy(3):.1%}" in bar.text
    assert "<b>" not in html(app), "one line, then the curves"
    figures = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    assert [figure["layout"]["title"]["text"] for figure in figures] == [
        "Loss",
        "Accuracy",
        "Learning rate",
        "Images per second",
    ]
    assert [line["name"] for line in figures[1]["data"]] == ["batches", "train", "validation", "best"]
    app.slider(key="watch_smoothing").set_value(0.9).run()
    smooth = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert len(smooth["data"]) == 5  # each line, and as it is behind it
    assert smooth["layout"]["uirevision"] == figures[0]["layout"]["uirevision"]


def test_figures_of_an_ended_run(runs: Path) -> None:
    app = watch(made_run(runs, "run", epochs=3))
    assert "<b>3 of 10</b>" in html(app) and f"<b>{accuracy(3):.1%}</b>" in html(app)
    assert "(31.9% to 54.5%), after epoch 3" in html(app)  # Wilson's interval of 30 of 70


def test_an_ended_run_shows_the_epoch_whose_weights_are_kept(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "run", epochs=5)
    rows = [dict(row) for row in run.history()]
    for row in rows[3:]:  # the third epoch stays the best
        row.update(best=0, val_accuracy=0.1)
    run.write_history(rows)
    app = watch(run, watch_view="Confusion matrix")
    assert told_of_the_matrix(app).startswith("Validation after epoch 3, whose weights are kept:")
    app.slider(key="watch_epoch_run").set_value(5).run()
    assert told_of_the_matrix(app).startswith("Validation after epoch 5:")
    app.segmented_control(key="watch_view").set_value("Faces").run()
    app.slider(key="watch_epoch_run").set_value(3).run()
    assert "after epoch 3, whose weights are kept" in texts(app)
    trainings.hold(run)
    assert told_of_the_matrix(watch(run, watch_view="Confusion matrix")).startswith(
        "Validation after epoch 5:"
    )


def test_a_run_is_trained_again_with_changes(voted: Path, runs: Path) -> None:
    app = set_up(voted)
    for section, values in _WIDGETS.items():
        for name, value in values.items():
            shown = "ferplus (shipped)" if name == "teacher" else list(value) if name == "drop" else value
            widget(app, f"{section}_{name}_quick").set_value(shown)
    app.number_input(key="builder_quick_0_filters").set_value(20)
    app.text_input(key="train_title").set_value("The first")
    app.run()
    first = start(app, runs)
    (run,) = list_runs(runs)
    assert Registry(runs).notes()[run.name].title == "The first" and "The first" in texts(app)
    for row, (view, key) in enumerate((("Watch", "watch_again"), ("Runs", "runs_again"))):
        app = open_page(
            PAGE, train_view=view, train_run=run.name, runs_table=selected(row), watch_view="Settings"
        )
        app.button(key=f"{key}_{run.name}").click().run()
        assert not app.exception and not app.error and not app.warning
        assert (
            app.session_state["data_source"] == str(voted) and app.text_input(key="train_title").value == ""
        )
        app.number_input(key="train_epochs_quick").set_value(9).run()
        again = start(app, runs)
        assert again == first.replace("train", epochs=9)


def test_a_value_beyond_the_slider_is_edited_too(runs: Path) -> None:
    run = made_run(runs, "steep")
    run.config().replace("augment", rotation=90.0).save(run.path / "config.json")
    app = watch(run)
    app.button(key="watch_again_steep").click().run()
    assert not app.exception and app.number_input(key="augment_rotation_quick").value == 90.0


def test_a_run_whose_data_are_gone_is_a_sentence(runs: Path) -> None:
    run = made_run(runs, "old")
    run.config().override("data", source=str(runs / "gone.csv")).save(run.path / "config.json")
    app = watch(run)
    app.button(key="watch_again_old").click().run()
    assert not app.exception and "gone.csv" in app.error[0].value


def test_a_run_without_a_batch_says_when_curves_come(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "new", epochs=0)
    trainings.hold(run)
    app = watch(run)
    assert "first batches" in texts(app)
    for view in ("Confusion matrix", "Faces", "First filters"):
        app.segmented_control(key="watch_view").set_value(view).run()
        assert "first finished epoch" in texts(app) and not app.exception


def test_pause_step_go_on_learning_rate_and_stop_reach_the_run(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "run", epochs=3)
    trainings.hold(run)
    app = watch(run)
    app.button(key="watch_pause_run").click().run()
    assert read_control(run).mode == "pause"
    app.button(key="watch_skip_next_run").click().run()
    assert (read_control(run).mode, read_control(run).step_until) == ("step", 4)
    app.button(key="watch_play_arrow_run").click().run()
    assert read_control(run).mode == "run"
    before = app.number_input(key="watch_rate_run").value
    app.number_input(key="watch_rate_run").set_value(before / 4).run()
    assert read_control(run).rate_factor == 1.0, "it was set before anybody said so"
    app.button(key="watch_check_run").click().run()
    assert read_control(run).rate_factor == pytest.approx(0.25)
    assert f"Now **{before / 4:.3g}**" in texts(app)
    app.button(key="watch_stop_run").click().run()
    assert run.stop_requested() and app.button(key="watch_stop_run").label == "Stopping ..."
    assert app.button(key="watch_stop_run").disabled and app.button(key="watch_pause_run").disabled


def test_a_run_that_ended_meanwhile_is_a_sentence_when_it_is_steered(
    runs: Path, trainings: Trainings
) -> None:
    run = made_run(runs, "run")
    trainings.hold(run)
    app = watch(run)
    run.write_status("finished")
    app.button(key="watch_pause_run").click().run()
    assert not app.exception and not run.control.exists()


def test_somebody_elses_learning_rate_is_shown(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "run", schedule="constant", learning_rate=1e-3)
    trainings.hold(run)
    app = watch(run)
    assert "Now **0.001**" in texts(app)
    set_learning_rate(run, 5e-4)
    (run.path / "steering.jsonl").write_text(
        json.dumps({"time": 0, "epoch": 4, "action": "learning rate", "value": 5e-4}) + "\n"
    )
    app.run()
    assert "Now **0.0005**" in texts(app) and "Epoch 4: learning rate 0.0005" in texts(app)


def told_of_the_matrix(app: AppTest) -> str:
    return next(c.value for c in app.caption if c.value.startswith("Validation after epoch"))


def test_the_matrix_follows_the_run_until_somebody_scrubs_back(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "run", epochs=3)
    trainings.hold(run)
    app = watch(run, watch_view="Confusion matrix")
    assert (
        told_of_the_matrix(app)
        == f"Validation after epoch 3: {accuracy(3):.1%} of {VALIDATION} images are right."
    )
    finish_epochs(run, 4)
    app.run()
    assert told_of_the_matrix(app).startswith("Validation after epoch 4")
    app.slider(key="watch_epoch_run").set_value(2).run()
    assert (
        told_of_the_matrix(app)
        == f"Validation after epoch 2: {accuracy(2):.1%} of {VALIDATION} images are right."
    )
    cells = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][1]["hovertext"]
    assert (
        "true disgust, predicted disgust: 10 (100.0% of disgust)" in cells
        and "true fear, predicted angry: 10 (100.0% of fear)" in cells
    )
    finish_epochs(run, 5)
    app.run()
    assert told_of_the_matrix(app).startswith("Validation after epoch 2"), (
        "it jumped away from what one looks at"
    )
    app.slider(key="watch_epoch_run").set_value(5).run()
    finish_epochs(run, 6)
    app.run()
    assert told_of_the_matrix(app).startswith("Validation after epoch 6"), (
        "at its right end it follows the run"
    )


def test_the_epoch_that_one_looks_at_is_kept_from_view_to_view_and_may_be_gone(runs: Path) -> None:
    run = made_run(runs, "run", epochs=5)
    app = watch(run, watch_view="Confusion matrix")
    app.slider(key="watch_epoch_run").set_value(2).run()
    app.segmented_control(key="watch_view").set_value("Faces").run()
    assert app.slider(key="watch_epoch_run").value == 2
    app.segmented_control(key="watch_view").set_value("Curves").run()
    app.segmented_control(key="watch_view").set_value("Confusion matrix").run()
    assert told_of_the_matrix(app).startswith("Validation after epoch 2")
    app.slider(key="watch_epoch_run").set_value(4).run()
    finish_epochs(run, 3)  # it was interrupted, and goes on from an earlier checkpoint
    app.run()
    assert not app.exception and told_of_the_matrix(app).startswith("Validation after epoch 3")


def test_faces_and_filters_by_epoch(runs: Path) -> None:
    run = made_run(runs, "run", epochs=3)
    app = watch(run, watch_view="Faces")
    shown = html(app)
    assert shown.count("<figure") == 14
    assert (
        shown.count('alt="face, fear, predicted fear"') == 2
        and shown.count('alt="face, sad, predicted angry"') == 2
    )
    app.slider(key="watch_epoch_run").set_value(2).run()
    assert html(app).count('alt="face, fear, predicted angry"') == 2
    app.segmented_control(key="watch_view").set_value("First filters").run()
    assert html(app).count('alt="filter ') == 8


def test_settings_log_and_where_it_stands(runs: Path) -> None:
    run = made_run(runs, "run", seed=42)
    run.log.write_bytes(b"Epoch 1\rEpoch 2\nThe end\r\n\n")
    app = watch(run, watch_view="Settings")
    table = app.dataframe[0].value.set_index("Setting")
    assert table.loc["train.seed", "Value"] == "42" and table.loc["data.source", "Value"] == "synthetic"
    app.segmented_control(key="watch_view").set_value("Log").run()
    assert (
        app.code[0].value == "Epoch 2\nThe end"
        and str(run.path) in texts(app)
        and "tensorboard --logdir" in texts(app)
    )


def test_a_finished_run_is_promoted_under_a_free_name(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "models"))
    run = made_run(runs, "run")
    assert "watch_promote_run" not in watch(run).session_state  # no model yet
    shutil.copytree(MODELS_DIR / "standard", run.bundle)
    app = watch(run)
    app.text_input(key="watch_promote_run").set_value("../mine").run()
    app.button(key="watch_promote_do_run").click().run()
    assert [e.value for e in app.error] == [
        "'../mine' cannot be a model's name: expected up to 60 letters, digits, dots, dashes and underscores."
    ]
    app.text_input(key="watch_promote_run").set_value("mine").run()
    app.button(key="watch_promote_do_run").click().run()
    assert not app.error and "Kept as mine" in app.success[0].value
    assert read_bundle(tmp_path / "models" / "mine").card["promoted"] == "run"
    app.button(key="watch_promote_do_run").click().run()
    assert "already" in app.error[0].value
    assert "mine" in open_page("predict").selectbox[0].options


def test_the_run_that_one_looks_at_stands_in_the_address(runs: Path) -> None:
    for name in "ab":
        made_run(runs, name)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.switch_page("pages/train.py")
    app.query_params["train_view"], app.query_params["train_run"] = "Watch", "a"
    app.run()
    assert app.selectbox(key="train_run").value == "a"
    app.selectbox(key="train_run").set_value("b").run()
    assert "b" in app.query_params["train_run"]
    assert "b" in watch("gone").query_params["train_run"], (
        "a refresh would show a newer run once there is one"
    )


def test_a_link_to_a_run_that_is_gone_shows_another(runs: Path) -> None:
    made_run(runs, "here")
    app = watch("gone")
    assert app.selectbox(key="train_run").value == "here" and "finished" in state_shown(app)


def test_without_a_run_each_view_says_what_to_do(folders: Path) -> None:
    for view in ("Watch", "Runs"):
        assert "No run yet" in texts(open_page(PAGE, train_view=view))
    assert "No sweep yet" in texts(open_page(PAGE, train_view="Sweeps", data_source="synthetic:70"))


def test_the_page_opens_on_the_run_that_is_under_way(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "run")
    assert open_page(PAGE).session_state["train_view"] == "Set up"
    trainings.hold(run)
    assert open_page(PAGE).session_state["train_view"] == "Watch"


# --- runs


def three_runs(runs: Path) -> None:
    """Newest first: c, b, a."""
    for i, name in enumerate("abc"):
        run = made_run(
            runs,
            name,
            epochs=i + 2,
            state=["finished", "stopped", "failed"][i],
            learning_rate=10.0 ** (-2 - i),
            seed=3,
        )
        run.write_status(run.status()["state"], started=1000.0 + i)


def table(app: AppTest) -> Any:
    return app.dataframe[0].value


def test_the_table_is_searched_by_words(runs: Path) -> None:
    three_runs(runs)
    Registry(runs).describe("b", title="The Good one", note="seed of 2026")
    app = open_page(PAGE, train_view="Runs")
    assert list(table(app)["Run"]) == ["c", "The Good one", "a"]
    row = table(app).iloc[1]
    assert (row["State"], row["Preset"], row["Epochs"], row["Parameters"], row["Note"]) == (
        "stopped",
        "quick",
        "3 of 10",
        683_527,
        "seed of 2026",
    )
    assert (
        row["Best"] == pytest.approx(100 * accuracy(3))
        and row["Interval"] == "31.9% to 54.5%"
        and row["Trained"] == "6 s"
    )
    for words, names in (("quick FAILED", ["c"]), ("good 2026", ["The Good one"]), ("finished stopped", [])):
        app.text_input(key="runs_search").set_value(words).run()
        assert not app.exception and (list(table(app)["Run"]) if names else []) == names
    assert "No run contains all these words" in texts(app)


def test_one_run_is_renamed_noted_watched_and_deleted(runs: Path) -> None:
    three_runs(runs)
    app = open_page(PAGE, train_view="Runs", runs_table=selected(1))
    assert "#### b" in texts(app)
    app.text_input(key="runs_title_b").set_value("Mine")
    app.text_area(key="runs_note_b").set_value("Why it is good").run()
    app.button(key="runs_describe_b").click().run()
    assert Registry(runs).notes()["b"].title == "Mine" and list(table(app)["Run"])[1] == "Mine"
    assert "**Mine**" in texts(watch("b")) and "Why it is good" in texts(watch("b"))

    app = open_page(PAGE, train_view="Runs", runs_table=selected(1))
    app.button(key="runs_watch").click().run()
    assert app.session_state["train_view"] == "Watch" and app.session_state["train_run"] == "b"

    app = open_page(PAGE, train_view="Runs", runs_table=selected(1))
    app.button(key="runs_delete_b").click().run()
    assert (
        not app.exception
        and {run.name for run in list_runs(runs)} == {"a", "c"}
        and list(table(app)["Run"]) == ["c", "a"]
    )
    assert "#### c" not in texts(app), "the next run took the place of the deleted one"


def test_runs_are_cards_on_a_phone(runs: Path) -> None:
    three_runs(runs)
    app = open_page(PAGE, train_view="Runs")
    (drawn,) = app.get("bidi_component")
    cards = {card["name"]: card for card in json.loads(drawn.proto.json)["cards"]}
    assert list(cards) == [run.name for run in list_runs(runs)]
    assert cards["a"]["accuracy"] == f"{accuracy(2):.1%} on validation"
    assert cards["a"]["details"] == "2 of 10 epochs · 683,527 parameters"
    assert {card["state"] for card in cards.values()} == set(table(app)["State"])
    app.session_state["runs_cards"] = {"chosen": ["b"]}
    app.run()
    assert "#### b" in texts(app), "a click on a card selects the run"
    app = open_page(PAGE, train_view="Runs", runs_cards={"watched": "b"})
    assert app.session_state["train_view"] == "Watch" and app.session_state["train_run"] == "b"
    app = open_page(PAGE, train_view="Runs", runs_cards={"again": "b"})
    assert not app.exception and app.session_state["train_view"] == "Set up"


def test_a_run_that_is_under_way_cannot_be_deleted(runs: Path, trainings: Trainings) -> None:
    run = made_run(runs, "run")
    trainings.hold(run)
    app = open_page(PAGE, train_view="Runs", runs_table=selected(0))
    app.button(key="runs_delete_run").click().run()  # as from a page that was drawn before it began
    assert not app.exception and run.exists() and "stop it before it is deleted" in app.error[0].value


def test_runs_are_compared(runs: Path) -> None:
    three_runs(runs)
    app = open_page(PAGE, train_view="Runs", runs_table=selected(0, 2))
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    assert [[line["name"] for line in chart["data"]] for chart in charts] == [["c", "a"]] * 5
    assert [chart["layout"]["title"]["text"] for chart in charts] == [
        "Validation accuracy",
        "Validation loss",
        "Training accuracy",
        "Training loss",
        "Learning rate",
    ]
    assert not app.warning
    for chart in charts:  # the legend above has the colours of the lines
        assert (
            html(app).index(chart["data"][0]["line"]["color"])
            < html(app).index("c</span>")
            < html(app).index(chart["data"][1]["line"]["color"])
        )
    app.segmented_control(key="runs_compare").set_value("Settings").run()
    differences = app.dataframe[1].value
    assert list(differences.index) == ["train.learning_rate", "best on validation"]
    assert list(differences.loc["train.learning_rate"]) == ["0.0001", "0.01"]
    assert list(differences.loc["best on validation"]) == [f"{accuracy(4):.1%}", f"{accuracy(2):.1%}"]
    app.segmented_control(key="runs_compare").set_value("Parallel coordinates").run()
    (figure,) = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    assert [axis["label"] for axis in figure["data"][0]["dimensions"]] == [
        "learning_rate",
        "best on validation",
    ]


def test_runs_on_different_data_are_not_compared_without_a_warning(runs: Path) -> None:
    for name, fingerprint in (("a", "1" * 16), ("b", "2" * 16)):
        made_run(runs, name).write_status("finished", fingerprint=fingerprint)
    app = open_page(PAGE, train_view="Runs", runs_table=selected(0, 1))
    assert "not measured on the same data" in app.warning[0].value


def test_two_runs_of_one_title_are_two_lines_and_two_columns(runs: Path) -> None:
    three_runs(runs)
    for name in "ac":
        Registry(runs).describe(name, title="Same")
    app = open_page(PAGE, train_view="Runs", runs_table=selected(0, 2))
    assert [line["name"] for line in json.loads(app.get("plotly_chart")[0].proto.spec)["data"]] == [
        "Same (c)",
        "Same (a)",
    ]
    app.segmented_control(key="runs_compare").set_value("Settings").run()
    assert app.dataframe[1].value.shape[1] == 2 and not app.exception


def test_runs_that_do_not_differ_say_so(runs: Path) -> None:
    for name in "ab":
        made_run(runs, name)
    app = open_page(PAGE, train_view="Runs", runs_table=selected(0, 1), runs_compare="Settings")
    assert "same settings" in texts(app)
    app.segmented_control(key="runs_compare").set_value("Parallel coordinates").run()
    assert "Nothing to draw" in texts(app)


def test_several_runs_are_deleted_but_not_those_under_way(runs: Path, trainings: Trainings) -> None:
    three_runs(runs)
    trainings.hold(RunFolder(runs / "b"))
    app = open_page(PAGE, train_view="Runs", runs_table=selected(0, 1, 2))
    app.button(key="runs_delete_many").click().run()
    assert not app.exception and [run.name for run in list_runs(runs)] == ["b"]


def test_twenty_runs_are_drawn_at_most(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_view, "_OVERLAID_AT_MOST", 2)
    three_runs(runs)
    app = open_page(PAGE, train_view="Runs", runs_table=selected(0, 1, 2))
    assert len(
        json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    ) == 2 and "The first 2 of 3 runs" in texts(app)


# --- sweeps


def test_a_sweep_is_made_from_the_form_and_shows_its_runs(runs: Path, trainings: Trainings) -> None:
    app = open_page(PAGE, train_view="Sweeps", data_source="synthetic:70")
    app.number_input(key="sweep_epochs_quick").set_value(4)
    app.number_input(key="sweep_trials").set_value(5)
    app.selectbox(key="sweep_pruner").set_value("none").run()
    app.button(key="sweep_start").click().run()
    assert not app.exception and not app.error
    (sweep,) = list_sweeps(runs)
    config = sweep.config()
    assert (config.trials, config.pruner, config.base.train.epochs, config.base.data.source) == (
        5,
        "none",
        4,
        "synthetic:70",
    )
    rate, size = config.space["train.learning_rate"], config.space["train.batch_size"]
    preset = presets.PRESETS["quick"].config.train
    assert (rate.low, rate.high) == pytest.approx((preset.learning_rate / 10, preset.learning_rate * 10))
    assert rate.log and size.choices == (preset.batch_size // 2, preset.batch_size, 2 * preset.batch_size)
    assert trainings.started == [(sweep.name, False)] and "0 of 5 runs started" in texts(app)

    for number, (lr, epochs) in enumerate(((1e-2, 2), (1e-3, 4))):
        run = made_run(runs, sweep.run_path(number).name, epochs=epochs, learning_rate=lr, batch_size=64)
        Registry(runs).describe(run.name, sweep=sweep.name)
    app = open_page(PAGE, train_view="Sweeps", data_source="synthetic:70")
    assert f"Best so far: **{accuracy(4):.1%}**" in texts(
        app
    ) and "train.learning_rate = 0.001, train.batch_size = 64" in texts(app)
    assert "2 of 5 runs started" in texts(app) and len(app.get("plotly_chart")) == 1
    ordered = next(t.value for t in app.dataframe if "train.learning_rate" in t.value)
    assert list(ordered["train.learning_rate"]) == ["0.001", "0.01"]
    app.button(key=f"sweep_stop_{sweep.name}").click().run()
    assert sweep.stop_requested()
    assert list(open_page(PAGE, train_view="Runs").dataframe[0].value["Sweep"].dropna()) == [sweep.name] * 2


@pytest.mark.parametrize(
    ("range_", "sentence"),
    [
        ("5..1", "the range is empty"),
        ("lots", "expected a list such as 16,32,64"),
        ("1..20:log:2", "expected a list such as 16,32,64"),
        ("-1..2", "Setting train.learning_rate"),
    ],
)
def test_a_bad_range_is_one_sentence_and_no_sweep(runs: Path, range_: str, sentence: str) -> None:
    app = open_page(PAGE, train_view="Sweeps", data_source="synthetic:70")
    app.text_input(key="sweep_range_quick_train.learning_rate").set_value(range_).run()
    app.button(key="sweep_start").click().run()
    assert not app.exception and len(app.error) == 1 and sentence in app.error[0].value
    assert list_sweeps(runs) == [] and not runs.exists()


def sweep_of(runs: Path, *accuracies: float) -> AppTest:
    """The view of a sweep whose runs reached these accuracies."""
    base = presets.PRESETS["quick"].config
    sweep = create_sweep(runs, SweepConfig.make(base, {"train.learning_rate": "1e-4..1e-2:log"}, trials=3))
    sweep.write_status("finished")
    for number, value in enumerate(accuracies):
        run = made_run(runs, sweep.run_path(number).name, epochs=1)
        run.write_history([run.history()[0] | {"val_accuracy": value}])
        Registry(runs).describe(run.name, sweep=sweep.name)
    return open_page(PAGE, train_view="Sweeps", data_source="synthetic:70")


def test_a_sweep_at_chance_and_ties_are_said(runs: Path) -> None:
    app = sweep_of(runs, 0.15, 0.1)
    assert "No run is better than chance (14%)" in app.warning[0].value
    shutil.rmtree(runs)
    app = sweep_of(runs, 0.6, 0.5, 0.6)
    assert not app.warning and "reached the same accuracy" in texts(app)


# --- damage


DAMAGE = [
    ("config.json", b"{"),
    (
        "status.json",
        b'{"state": 3, "message": null, "started": "yesterday", "validation_images": "many",'
        b' "parameters": []}',
    ),
    ("history.csv", b"epoch,loss\n1,2\n"),
    ("history.csv", b"\xff\xfe"),
    (
        "progress.json",
        b'{"epoch": 9, "batch": 1, "batches": 0, "batch_size": 0, "images_per_second": 0, "loss": 1,'
        b' "accuracy": 1}',
    ),
    (
        "progress.json",
        b'{"epoch": 9, "batch": 1, "batches": 2, "batch_size": 3, "images_per_second": 4, "loss": "x",'
        b' "accuracy": null}',
    ),
    ("batches.csv", b"position,loss\n1,2,3,4,x\n"),
    ("watch.npz", b"PK"),
    ("watch.records", b"short"),
    ("control.json", b"[]"),
    ("steering.jsonl", b'{"epoch": 1}\n[1]\n{"epo'),
    ("steering.jsonl", b'{"epoch": 1, "action": "learning rate", "value": "x"}\n'),
]


@pytest.mark.parametrize(("file", "content"), DAMAGE)
def test_a_damaged_run_costs_a_sentence_at_most(
    runs: Path, trainings: Trainings, file: str, content: bytes
) -> None:
    run = made_run(runs, "damaged")
    trainings.hold(run)
    (run.path / file).write_bytes(content)
    for look in ("Confusion matrix", "Faces") if file.startswith("watch") else ("Curves",):
        app = watch(run, watch_view=look)
        assert len(app.error) == (file == "config.json")


@pytest.mark.parametrize("view", ["Set up", "Runs", "Sweeps"])
def test_damaged_runs_do_not_hide_the_others(runs: Path, trainings: Trainings, view: str) -> None:
    made_run(runs, "good")
    for number, (file, content) in enumerate(DAMAGE):
        run = made_run(runs, f"damaged-{number}")
        trainings.hold(run)
        (run.path / file).write_bytes(content)
    app = open_page(PAGE, train_view=view, data_source="synthetic:70")
    assert not app.exception and not app.error
    if view == "Runs":
        assert len(table(app)) == len(DAMAGE) + 1 and "good" in list(table(app)["Run"])


@pytest.mark.parametrize("view", ["Set up", "Watch", "Runs", "Sweeps", "Your faces"])
def test_a_damaged_registry_is_named_and_the_page_stands(runs: Path, view: str) -> None:
    made_run(runs, "run")
    (runs / "registry.sqlite").write_bytes(b"no database" * 100)
    app = open_page(PAGE, train_view=view, data_source="synthetic:70")
    assert not app.exception and app.segmented_control(key="train_view").value == view
    for error in app.error:
        assert "registry" in error.value and "the runs themselves are not lost" in error.value


def test_a_folder_that_cannot_be_written_is_a_sentence(voted: Path, runs: Path) -> None:
    runs.write_text("a file stands where the runs should be")
    app = set_up(voted)
    app.button(key="train_start").click().run()
    assert not app.exception and len(app.error) == 1
