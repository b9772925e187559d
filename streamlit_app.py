"""FER Explorer: look at facial expression data, train a network, see where it errs, classify a photo.

The pages are the files one level down in `pages/`, and `st.navigation` gives them their menu. The files directly in `pages/`
are doors: until this file has run once, a Streamlit server looks there for the page of a deep link, and would say "Page not
found" without them (Streamlit 1.67, issues 8860 and 9992).
"""

import streamlit as st

from pages.shared import observe, visitor

st.set_page_config(page_title="FER Explorer", page_icon="pages/assets/icon.png", layout="wide")
observe.begin()
visitor.enter()

pages = {
    "": [st.Page("pages/start/welcome.py", title="Start", icon=":material/home:", default=True)],
    "Explore": [
        st.Page("pages/data/dataset.py", title="Dataset", icon=":material/grid_view:", url_path="dataset"),
        st.Page("pages/models/train.py", title="Train", icon=":material/model_training:", url_path="train"),
        st.Page(
            "pages/models/evaluate.py", title="Evaluate", icon=":material/fact_check:", url_path="evaluate"
        ),
        st.Page("pages/models/models.py", title="Models", icon=":material/deployed_code:", url_path="models"),
    ],
    "Use": [
        st.Page("pages/use/predict.py", title="Predict", icon=":material/photo_camera:", url_path="predict")
    ],
    "Help": [
        st.Page(
            "pages/help/diagnostics.py",
            title="Diagnostics",
            icon=":material/monitor_heart:",
            url_path="diagnostics",
        )
    ],
}

try:
    st.navigation(pages).run()
finally:
    visitor.remember()
