"""Models: all models with their accuracy, speed and size, and each of them in detail."""

import streamlit as st

from pages.session import entry, source_link
from pages.session.errors import errors_shown
from pages.views.models import all_models, catalog, elsewhere, model_link, one_model, photos, steps
from pages.widgets import views

VIEWS = {
    model_link.ALL: all_models.show,
    model_link.ONE: one_model.show,
    "Photos": photos.show,
    "Step by step": steps.show,
    "From elsewhere": elsewhere.show,
}

entry.run_entry_script()
st.title("Models")
source_link.follow(read=False)
with errors_shown():
    models = catalog.choices()
    views.show(
        model_link.VIEW,
        VIEWS,
        models,
        first=model_link.first_view(),
        label="Show",
        linked=True,
        remembered=True,
    )
