"""What augmentation does to real images, redrawn as its settings change."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.config import AugmentConfig
from fer_core.data import Dataset
from fer_core.data.augment import augment, mixup
from pages.shared.faces import data_uri

_STYLE = """<style>.fer-augmented{display:grid;grid-template-columns:repeat(8,minmax(0,88px));gap:.35rem}
.fer-augmented img{width:100%;border-radius:.3rem;display:block}.fer-augmented img.first{outline:2px solid #3E5BC9}</style>"""
_FACES, _TIMES = 4, 7


def preview(dataset: Dataset, settings: AugmentConfig) -> None:
    """Some training images (outlined), each followed by how the network may get to see it."""
    seed = st.session_state.get("augment_seed", 0)
    if st.button("Other images", icon=":material/casino:", key="augment_again"):
        st.session_state["augment_seed"] = seed = seed + 1
    rng = np.random.default_rng([seed, 7])
    indices = dataset.labelled_indices("train")
    chosen = indices[rng.permutation(len(indices))[:_FACES]]
    images = np.asarray(dataset.images[chosen])
    seen = [
        augment(images, settings, rng) if settings.active else images.astype(np.float32)
        for _ in range(_TIMES)
    ]
    if settings.mixup:
        seen = [
            mixup(batch, [np.eye(len(batch), dtype=np.float32)], settings.mixup, rng)[0] for batch in seen
        ]
    cells = []
    for i in range(len(images)):
        cells.append(f'<img class="first" src="{data_uri(images[i])}" alt="a training image">')
        cells += [
            f'<img src="{data_uri(np.clip(batch[i], 0, 255).astype(np.uint8))}" alt="the same, changed at random">'
            for batch in seen
        ]
    st.html(f'{_STYLE}<div class="fer-augmented">{"".join(cells)}</div>')
    st.caption(
        "Outlined: the image as it is. Then what the network may see of it, drawn anew each epoch."
        if settings.active
        else "Nothing is changed yet: the network sees every image as it is. Move a slider."
    )
