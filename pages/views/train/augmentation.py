"""Preview of augmentation on training images, redrawn as its settings change."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from fer_core.config import AugmentConfig
from fer_core.data import Dataset
from fer_core.data.augment import augment, mixup
from pages.widgets.component import style
from pages.widgets.faces import data_uri

_FACES, _TIMES = 4, 7


def preview(dataset: Dataset, settings: AugmentConfig) -> None:
    """Draw some training images (outlined), each followed by random augmentations of it."""
    seed = st.session_state.get("augment_seed", 0)
    if st.button("Other images", icon=":material/casino:", key="augment_again"):
        st.session_state["augment_seed"] = seed = seed + 1
    rng = np.random.default_rng([seed, 7])
    indices = dataset.labelled_indices("train")
    chosen = indices[rng.permutation(len(indices))[:_FACES]]
    images = np.asarray(dataset.images[chosen])
    batches = [
        augment(images, settings, rng) if settings.active else images.astype(np.float32)
        for _ in range(_TIMES)
    ]
    if settings.mixup:
        batches = [
            mixup(batch, [np.eye(len(batch), dtype=np.float32)], settings.mixup, rng)[0] for batch in batches
        ]
    cells = []
    for i in range(len(images)):
        label = html.escape(dataset.label_names[dataset.labels[chosen[i]]], quote=True)
        cells.append(f'<img class="first" src="{data_uri(images[i])}" alt="training image, {label}">')
        cells += [
            f'<img src="{data_uri(np.clip(batch[i], 0, 255).astype(np.uint8))}" alt="the same image of '
            f'{label}, augmented">'
            for batch in batches
        ]
    st.html(f'{style(__file__)}<div class="fer-augmented">{"".join(cells)}</div>')
    st.caption(
        "Outlined: the original image. Beside it: random augmentations, of which the network sees new ones "
        "in each epoch."
        if settings.active
        else "No augmentation yet: the network sees every image as it is. Move a slider."
    )
