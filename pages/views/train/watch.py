"""Watch: the state of a run, its curves as they come, its epochs, and the buttons that steer it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

import numpy as np
import streamlit as st

from fer_core.emotions import NAMES
from fer_core.runs import manage, processes, queue, steering
from fer_core.runs.run_folder import OPEN_STATES, RUNNING_STATES, RunFolder
from fer_core.runs.table import best_epoch
from fer_core.training.logs import read_batches
from fer_core.training.snapshots import Snapshots, read_snapshots
from pages.session import source_link, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import code, plain
from pages.widgets import charts

from . import curves, run_link, run_state, train_again
from .watched_faces import face_panel, filter_panel

_REFRESH_SECONDS = 1.2


def show() -> None:
    """Draw the chosen run; the view refreshes while the run is under way."""
    run = run_link.choose()
    if run is None:
        return
    with errors_shown():
        state = run.status()["state"]
        st.fragment(_view, run_every=_REFRESH_SECONDS if state in OPEN_STATES else None)(run, state)


def _view(run: RunFolder, before: str) -> None:
    with errors_shown():
        now = run.status()
        if before in OPEN_STATES and now["state"] not in OPEN_STATES:
            st.rerun()  # the run has ended: redraw the whole page and stop refreshing
        with st.container(horizontal=True, vertical_alignment="center"):
            run_state.head(run, now)
            _buttons(run, now["state"])
        history = run.history()
        run_state.progress(run, now, history)
        tabs = ["Curves", "Confusion matrix", "Faces", "First filters", "Settings", "Log"]
        view = st.segmented_control(
            "Show",
            tabs,
            default="Curves",
            required=True,
            key="watch_view",
            label_visibility="collapsed",
        )
        if view == "Curves":
            _curves(run, history)
        else:
            {
                "Confusion matrix": _matrix,
                "Faces": _faces,
                "First filters": _filters,
                "Settings": _settings,
                "Log": _log,
            }[view](run)


# --- steering


def _buttons(run: RunFolder, now: str) -> None:
    if now in RUNNING_STATES:
        _steer(run, now)
    elif now == "queued":
        if visitor.hosted() is None:
            _button(
                "Start now",
                "bolt",
                run,
                lambda: queue.start_now(run),
                help="Without waiting for other runs.",
            )
        else:
            st.caption(f"Visitors take turns: {plain(queue.position(run))} before this run.")
        _button("Leave the queue", "playlist_remove", run, lambda: queue.leave_queue(run))
    else:
        _ended(run, now)
        train_again.show_button(run, f"watch_again_{run.name}")


def _steer(run: RunFolder, now: str) -> None:
    stopping = run.stop_requested()
    if steering.read_control(run).mode == "run":
        _button("Pause", "pause", run, lambda: steering.pause(run), disabled=stopping)
    else:
        _button("Resume", "play_arrow", run, lambda: steering.go_on(run), disabled=stopping)
    _button(
        "One epoch",
        "skip_next",
        run,
        lambda: steering.step(run),
        disabled=stopping,
        help="Train to the end of an epoch, then pause.",
    )
    _button(
        "Stopping ..." if stopping else "Stop",
        "stop",
        run,
        lambda: steering.stop(run),
        disabled=stopping,
        help="Stop and keep the best weights.",
    )
    with st.popover("Learning rate", icon=":material/speed:"):
        rate = steering.scheduled_rate(run)
        st.markdown(f"Now **{rate:.3g}**. A schedule keeps its shape and is scaled.")
        new_rate = st.number_input(
            "From now on", 1e-7, 10.0, rate, format="%.3g", key=f"watch_rate_{run.name}", step=rate / 2
        )
        _button("Set it", "check", run, lambda: steering.set_learning_rate(run, new_rate))


def _ended(run: RunFolder, now: str) -> None:
    has_model = (run.bundle / "card.json").is_file()
    if now != "finished":
        _button(
            "Resume",
            "play_arrow",
            run,
            lambda: queue.submit(run),
            help="Continue after the last finished epoch.",
        )
        if run.checkpoint.exists() and now in ("interrupted", "failed"):
            _button(
                "Keep the best",
                "download_done",
                run,
                lambda: processes.resume(run, finish=True),
                help="Save the model without further training.",
            )
    if has_model:
        # Links: st.switch_page does not work while the choice of the run is bound to the address.
        chosen = {"model": run.name, **source_link.parameters()}
        st.page_link(
            "pages/evaluate.py", label="Evaluate it", icon=":material/fact_check:", query_params=chosen
        )
        st.page_link(
            "pages/predict.py",
            label="Predict with it",
            icon=":material/photo_camera:",
            query_params=chosen,
        )
        st.page_link(
            "pages/models.py",
            label="Model card",
            icon=":material/deployed_code:",
            query_params=chosen,
        )
        with st.popover("Promote", icon=":material/workspace_premium:"):
            st.markdown(
                "Keep the model under a name: every page offers it, and it stays when the run is deleted."
            )
            name = st.text_input(
                "Name", f"my-{run.config().preset or 'model'}", key=f"watch_promote_{run.name}"
            )
            if st.button(
                "Keep it", icon=":material/check:", key=f"watch_promote_do_{run.name}", type="primary"
            ):
                with errors_shown(stop=False):
                    kept = manage.promote(run, name.strip())
                    st.success(
                        f"Kept as {plain(kept.name)} in {plain(visitor.shown_path(kept.path.parent))}.",
                        icon=":material/check_circle:",
                    )


def _button(
    label: str,
    icon: str,
    run: RunFolder,
    action: Callable[[], object],
    disabled: bool = False,
    help: str | None = None,
) -> None:
    if st.button(
        plain(label),
        icon=f":material/{icon}:",
        key=f"watch_{icon}_{run.name}",
        disabled=disabled,
        help=help and plain(help),
    ):
        with errors_shown():
            action()
        st.rerun()


# --- tabs


def _curves(run: RunFolder, history: list[dict[str, float]]) -> None:
    batches = read_batches(run.batches)
    if not history and not len(batches):
        st.info("The first curve appears with the first batches.", icon=":material/show_chart:")
        return
    figures = st.container()  # above the slider, so that they are on the first screen
    smoothing = st.slider(
        "Smoothing",
        0.0,
        0.99,
        0.0,
        0.01,
        key="watch_smoothing",
        help="Weight of a moving average, as in TensorBoard.",
    )
    for column, metric in zip(figures.columns(2), ("loss", "accuracy"), strict=True):
        figure = curves.learning_curves(history, batches, metric, smoothing)
        column.plotly_chart(
            figure, config=charts.CONFIG, key=f"{metric}_{run.name}", alt=f"{metric} by epoch"
        )
    # By batch where there are batches, by epoch before them.
    before = [row for row in history if not len(batches) or row["epoch"] < batches[0, 0]]
    x = np.concatenate([[row["epoch"] for row in before], batches[:, 0]])
    rate = np.concatenate([[row["learning_rate"] for row in before], batches[:, 3]])
    speed = curves.smoothed(
        np.concatenate([[row["images_per_second"] for row in before], batches[:, 4]]), 0.9
    )
    thin = slice(None, None, max(1, len(x) // 300))
    for column, y, title in zip(
        st.columns(2), (rate, speed), ("Learning rate", "Images per second"), strict=True
    ):
        figure = curves.small_curve(x[thin], y[thin], title)
        column.plotly_chart(figure, config=charts.CONFIG, key=f"{title}_{run.name}", alt=f"{title} by epoch")
    for line in steering.steering_log(run)[-5:]:
        value = f" {line['value']:.3g}" if isinstance(line.get("value"), int | float) else ""
        st.caption(f"Epoch {plain(line.get('epoch'))}: {plain(line.get('action'))}{value}")


def _epoch_slider(run: RunFolder, watched: Snapshots) -> int:
    """Draw the slider of epochs and return the index of the record to show.

    While the run is under way, this is the last one until another is chosen; afterwards, the one whose
    weights the model has.
    """
    count = len(watched)
    if count == 1:
        return 0
    kept = _kept_epoch(run, count)
    # The choice is stored apart from the slider, which is reset whenever its range grows.
    key, chosen = f"watch_epoch_{run.name}", f"watch_chosen_{run.name}"
    at = st.session_state.get(chosen)
    st.session_state[key] = min(at or kept or count, count)

    def scrubbed() -> None:
        last = st.session_state[key] == count and kept is None
        st.session_state[chosen] = None if last else st.session_state[key]

    return (
        int(
            st.slider(
                "Epoch",
                1,
                count,
                key=key,
                on_change=scrubbed,
                help="At the right end, it follows the run; once the run has ended, it begins at the epoch "
                "whose weights are kept.",
            )
        )
        - 1
    )


def _kept_epoch(run: RunFolder, count: int) -> int | None:
    """Return the epoch whose weights an ended run keeps, or None while it is under way."""
    status = run.status()
    if status["state"] in OPEN_STATES:
        return None
    best, _ = best_epoch(run.history(), status)
    return count if best is None or run.config().train.keep == "last" else int(best["epoch"])


def _epoch_in_words(run: RunFolder, watched: Snapshots, epoch: int) -> str:
    kept = _kept_epoch(run, len(watched)) == epoch + 1
    return f"epoch {epoch + 1}" + (", whose weights are kept" if kept else "")


def _watched(run: RunFolder) -> Snapshots | None:
    watched = read_snapshots(run.path)
    if watched is None:
        st.info("This appears with the first finished epoch.", icon=":material/hourglass_top:")
    return watched


def _matrix(run: RunFolder) -> None:
    if (watched := _watched(run)) is None:
        return
    epoch = _epoch_slider(run, watched)
    matrix = watched.matrices[epoch]
    st.caption(
        f"Validation after {plain(_epoch_in_words(run, watched, epoch))}: "
        f"{np.trace(matrix) / max(1, matrix.sum()):.1%} of {matrix.sum():,} images are right."
    )
    figure = charts.label_matrix(matrix, NAMES, NAMES, True, None, ("true", "predicted"))
    st.plotly_chart(
        figure, config=charts.CONFIG, key=f"watch_matrix_{run.name}", width=720, alt="confusion matrix"
    )


def _faces(run: RunFolder) -> None:
    if (watched := _watched(run)) is None:
        return
    epoch = _epoch_slider(run, watched)
    st.caption(
        f"Faces of the validation split after {plain(_epoch_in_words(run, watched, epoch))}: the bar is the "
        "probability of the true class, the line shows it over the epochs."
    )
    face_panel(watched.faces, watched.true, watched.probabilities[: epoch + 1])


def _filters(run: RunFolder) -> None:
    if (watched := _watched(run)) is None:
        return
    if not watched.filters.shape[1]:
        st.info("This network has no convolution.", icon=":material/grid_off:")
        return
    epoch = _epoch_slider(run, watched)
    st.caption(
        "The weights of the first convolution, each filter scaled to its own range: bright is positive, "
        "dark negative."
    )
    filter_panel(watched.filters[epoch])


def _settings(run: RunFolder) -> None:
    config = run.config()
    rows = [
        {"Setting": f"{section}.{name}", "Value": str(value)}
        for section, values in config.model_dump().items()
        if isinstance(values, dict)
        for name, value in values.items()
    ]
    notes = run.status().get("data_notes")
    for note in notes if isinstance(notes, list) else []:
        st.caption(f":material/info: {plain(note)}")
    st.dataframe(rows, hide_index=True, height=400)
    if run.status()["state"] in OPEN_STATES:  # the row above the curves has no room for it then
        train_again.show_button(run, f"watch_again_{run.name}")
    st.download_button(
        "Download the settings",
        config.model_dump_json(indent=2),
        f"{run.name}.json",
        "application/json",
        icon=":material/download:",
        key=f"watch_settings_{run.name}",
        on_click="ignore",
    )


def _log(run: RunFolder) -> None:
    if visitor.hosted() is None:
        st.caption(
            f"All files are in {code(run.path)}; open them in TensorBoard with "
            f"{code(f'tensorboard --logdir {run.path}')}."
        )
    content = b""
    with contextlib.suppress(OSError), open(run.log, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 20_000))
        content = file.read()
    # A progress bar overwrites its own line: only its last state counts.
    lines = [
        line.rstrip("\r").rsplit("\r", 1)[-1]
        for line in content.decode(errors="replace").split("\n")
        if line.strip()
    ]
    text = "\n".join(lines[-25:]) or "The process has printed nothing, or was started from a shell."
    st.code(text, language=None, wrap_lines=True)
