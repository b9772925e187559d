"""Train: start a run in a process of its own, watch its curves, stop it, go on with it."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.config import DataConfig, RunConfig, TrainConfig
from fer_core.presets import DEFAULT_PRESET, PRESETS, card
from fer_core.training import launch
from fer_core.training.run_folder import RUNNING_STATES, list_runs
from pages.shared import run_view, state

st.title("Train")
st.markdown("A run trains in a process of its own: refresh or close this page, or restart the app, and it goes on.")


def setting(column: DeltaGenerator, config: RunConfig, name: str, low: float, high: float, **more: str) -> float:
    """A number of the preset's, to be changed. The key holds the preset, so that another one brings its own value."""
    label = name.replace("_", " ").capitalize()
    value = getattr(config.train, name)
    return column.number_input(
        label, low, high, value, key=f"train_{name}_{config.preset}", help=TrainConfig.model_fields[name].description, **more
    )


def start_form() -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        names = list(PRESETS)
        first = "quick" if state.source().startswith("synthetic") else DEFAULT_PRESET
        name = st.selectbox(
            "Preset", names, index=names.index(first), format_func=lambda n: f"{PRESETS[n].title} ({n})", key="train_preset"
        )
        preset = PRESETS[name]
        config = preset.config
        st.caption(preset.description)
        first_row = st.columns(2)
        epochs = setting(first_row[0], config, "epochs", 1, 10_000)
        limit_help = DataConfig.model_fields["limit"].description
        limit = first_row[1].number_input("Images at most", 7, None, None, key="train_limit", placeholder="all", help=limit_help)
        with st.expander("More settings"):
            second_row = st.columns(3)
            batch_size = setting(second_row[0], config, "batch_size", 1, 4096)
            learning_rate = setting(second_row[1], config, "learning_rate", 1e-6, 10.0, format="%g")
            seed = setting(second_row[2], config, "seed", 0, 2**31 - 1)
    with right.container(border=True):
        known = card(preset)
        st.markdown("**What READMEs claim, what was measured**")
        st.markdown(f"Claimed: {known['claim'] or 'no figure is published'}")
        if measured := known["measured"]:
            low, high = measured["accuracy_ci95"]
            st.markdown(
                f"Measured on PrivateTest: **{measured['accuracy']:.1%}** ({low:.1%} to {high:.1%}) after {measured['epochs']} epochs"
            )
        else:
            st.markdown("Measured on PrivateTest: not yet")
        st.caption(
            ("" if preset.data_form == "any" else f"Published for: {preset.data_form}. ")
            + f"Here it trains on {state.source_name(state.source())}; the Dataset page changes that."
        )
        st.code(known["command"].replace("SOURCE", state.source()), language="bash", wrap_lines=True)

    busy = next((run for run in list_runs(state.runs_folder()) if run.status()["state"] in RUNNING_STATES), None)
    if st.button("Start training", type="primary", icon=":material/play_arrow:", disabled=busy is not None, key="train_start"):
        source = state.source()
        source = source if source.startswith(("synthetic", "kaggle:")) else str(Path(source).resolve())
        chosen = config.override("data", source=source, limit=limit).override(
            "train", epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed
        )
        run = launch.start(chosen, state.runs_folder())
        st.session_state["train_run"] = run.name
        st.rerun()
    if busy is not None:
        st.caption(f"{busy.name} is under way: one run at a time, so that they don't slow each other down.")


with state.errors_shown():
    state.dataset()  # says now, not in the training process, that the source cannot be read
    start_form()

runs = list_runs(state.runs_folder())
st.subheader("Runs")
if not runs:
    st.info("No run yet. The quick network learns the embedded faces in less than a minute.", icon=":material/rocket_launch:")
else:
    names = [run.name for run in runs]
    if st.session_state.get("train_run") not in names:
        st.session_state["train_run"] = names[0]
    name = st.selectbox("Run", names, key="train_run", bind="query-params")
    with state.errors_shown():
        run_view.show(runs[names.index(name)])
