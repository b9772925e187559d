"""FER Explorer: configure the page, draw the menu and run the chosen page."""

from pathlib import Path

import streamlit as st

from pages.session import entry, presentation

ICON = Path(__file__).parent / "pages" / "assets" / "icon.png"
NAME = "FER Explorer"
st.set_page_config(page_title=NAME, page_icon=ICON, layout="wide")

menu = {
    "": [st.Page("pages/start.py", title="Start", icon=":material/home:", default=True)],
    "Explore": [
        st.Page("pages/dataset.py", title="Dataset", icon=":material/grid_view:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/fact_check:"),
        st.Page("pages/models.py", title="Models", icon=":material/deployed_code:"),
    ],
    "Use": [st.Page("pages/predict.py", title="Predict", icon=":material/photo_camera:")],
    "Help": [st.Page("pages/diagnostics.py", title="Diagnostics", icon=":material/monitor_heart:")],
}

with entry.visit():
    page = st.navigation(menu)
    if page.title != "Start":
        st.set_page_config(page_title=f"{page.title} · {NAME}")
    presentation.apply()
    page.run()
