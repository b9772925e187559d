"""Models: which there are, how good, how fast and how large they are, and each of them in detail."""

import streamlit as st

from pages.shared import claims, model_cards, model_choice, model_figures, scoreboard, speed_plot, state

st.title("Models")

with state.errors_shown():
    models, unreadable = model_figures.read()
    for sentence in unreadable:
        st.warning(sentence, icon=":material/broken_image:")
    if not models:
        st.info("There is no model yet: train one on the Train page.", icon=":material/rocket_launch:")
        st.stop()
    view = model_choice.view()
    if view == model_choice.ONE:
        model_cards.show(model_choice.choose(models))
        st.stop()

    st.subheader("Scoreboard")
    st.markdown(
        "The bar through a dot is its **95 % interval**: where two bars overlap much, the models may be equally good. Tick a row to open its model."
    )
    everything = False
    if len(scoreboard.listed(models, everything)) < len(models):
        everything = st.toggle(f"All {len(models)} models", key="models_everything")
    boards = scoreboard.boards(scoreboard.listed(models, everything))
    for board in boards:
        scoreboard.show(board)
    st.subheader("Claimed against measured")
    claims.show()
    st.subheader("Size, speed and accuracy")
    speed_plot.show(boards)
