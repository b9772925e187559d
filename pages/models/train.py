"""Train: start a run in a process of its own, watch its curves, stop it, go on with it."""

from pathlib import Path

import streamlit as st

from fer_core.presets import DEFAULT_PRESET, PRESETS, card
from fer_core.training import launch
from fer_core.training.run_folder import RUNNING_STATES, list_runs
from pages.shared import run_view, state

st.title("Train")
st.markdown("A run trains in a process of its own: refresh or close this page, or restart the app, and it goes on.")


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
        columns = st.columns(2)
        # A key per preset: another preset brings its own values.
        epochs = columns[0].number_input(
            "Epochs", 1, 10_000, config.train.epochs, key=f"train_epochs_{name}", help="How many times every training image is seen."
        )
        limit = columns[1].number_input(
            "Images at most", 7, None, None, key="train_limit", placeholder="all", help="Use at most this many images of each split."
        )
        with st.expander("More settings"):
            columns = st.columns(3)
            batch = columns[0].number_input(
                "Batch size", 1, 4096, config.train.batch_size, key=f"train_batch_{name}", help="Images for one step of the optimizer."
            )
            rate = columns[1].number_input(
                "Learning rate",
                1e-6,
                10.0,
                config.train.learning_rate,
                format="%g",
                key=f"train_rate_{name}",
                help="The step size of the optimizer.",
            )
            seed = columns[2].number_input(
                "Seed", 0, 2**31 - 1, config.train.seed, key=f"train_seed_{name}", help="The same seed gives the same run."
            )
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
            "train", epochs=epochs, batch_size=batch, learning_rate=rate, seed=seed
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
