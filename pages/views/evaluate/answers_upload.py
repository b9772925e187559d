"""The upload of answers from elsewhere (another tool, a person), to compare a model with."""

from __future__ import annotations

import dataclasses
import hashlib

import streamlit as st

from fer_core.evaluation.predictions import MAX_BYTES, Predictions, parse_predictions
from pages.session import visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain

from .selection import Selection


def predictions(selection: Selection) -> Predictions | None:
    """Draw the upload, and return the answers in it; without an upload or where they do not fit, None."""
    if selection.data is None:  # saved figures alone: rows and files cannot be looked up
        return None
    with st.expander("Answers from elsewhere", icon=":material/upload_file:"):
        upload = st.file_uploader(
            "Answers of another tool or a person",
            type=["csv", "npz"],
            key="evaluate_answers_upload",
            max_upload_size=visitor.upload_megabytes(MAX_BYTES // 10**6),
            help="A CSV with a column of answers (prediction, label) or of probabilities for each class, and "
            "a column row or file for the image; or an npz with probabilities or predictions. Not stored.",
        )
        if upload is None:
            return None
        with errors_shown(stop=False):
            content = upload.getvalue()
            visitor.check_upload(upload.name, content)
            answers = parse_predictions(upload.name, content, selection.data, selection.record.split)
            answers.on(selection.record)  # raises where no image has an answer
            for note in answers.notes:
                st.caption(f":material/info: {plain(note)}")
            return answers
    return None


def covered(selection: Selection, answers: Predictions) -> Selection:
    """Return the selection of those images that have an answer."""
    there = answers.covers(selection.record)
    digest = hashlib.sha256(there.tobytes()).hexdigest()[:16]
    return dataclasses.replace(
        selection,
        record=selection.record.only(there),
        indices=None if selection.indices is None else selection.indices[there],
        key=selection.key if there.all() else f"{selection.key} {digest}",
    )
