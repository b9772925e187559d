"""Tiny faces with FER+ votes beside them, and runs that learn them in a second or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_core.config import RunConfig
from fer_core.runs.run_folder import RunFolder

# The columns of FER+'s file in its order, and which of them means which of FER2013's codes, written out here
# so that the tests do not take it from what they test.
VOTE_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
COLUMN_OF_CODE = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")

USAGES = ["Training"] * 168 + ["PublicTest"] * 35 + ["PrivateTest"] * 35
COPIES = np.arange(
    140, 154
)  # training rows that stand in validation (the first seven) and test (the others) too
NO_FACE = np.arange(154, 161)  # training rows in which all voters see no face
UNKNOWN = np.arange(161, 168)  # training rows for which nobody chose an expression
TIES = np.arange(196, 203)  # validation rows whose votes are equal for two classes

HPARAMS = {"filters": [6], "batch_norm": True, "dense_units": 16, "dense_batch_norm": True}


def votes_row(votes: Mapping[str, int]) -> list[int]:
    """The ten counts of one image."""
    assert set(votes) <= set(VOTE_COLUMNS)
    return [votes.get(column, 0) for column in VOTE_COLUMNS]


def write_votes(path: Path, usages: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """A file as FER+ has it."""
    lines = [",".join(["Usage", "Image name", *VOTE_COLUMNS])]
    lines += [
        ",".join([usage, f"fer{i:07}.png", *map(str, row)])
        for i, (usage, row) in enumerate(zip(usages, rows, strict=True))
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def banded(codes: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, 48, 48) uint8 grey noise with a bright band, whose height tells the code."""
    rng = np.random.default_rng(seed)
    images = rng.integers(80, 120, (len(codes), 48, 48))
    for image, code in zip(images, codes, strict=True):
        image[6 * code + 3 : 6 * code + 9] += rng.integers(90, 130)
    return images.astype(np.uint8)


def write_voted(folder: Path) -> Path:
    """`fer.csv` with 168, 35 and 35 images, and votes beside it: eight of ten voters choose the class after
    the label's."""
    codes = np.arange(len(USAGES)) % 7
    images = banded(codes)
    images[COPIES] = images[[*range(168, 175), *range(203, 210)]]
    pixels = [" ".join(map(str, image)) for image in images.reshape(len(images), -1).tolist()]
    table = ["emotion,pixels,Usage", *(f"{c},{p},{u}" for c, p, u in zip(codes, pixels, USAGES, strict=True))]
    (folder / "fer.csv").write_text("\n".join(table) + "\n")
    rows = [votes_row({COLUMN_OF_CODE[(code + 1) % 7]: 8, COLUMN_OF_CODE[code]: 2}) for code in codes]
    for row in NO_FACE:
        rows[row] = votes_row({"NF": 10})
    for row in UNKNOWN:
        rows[row] = votes_row({"unknown": 6, "contempt": 4})
    for row in TIES:
        rows[row] = votes_row({"fear": 5, "sadness": 5})
    write_votes(folder / "fer2013new.csv", USAGES, rows)
    return folder / "fer.csv"


def settings(
    source: Path | str, bundle: Mapping[str, Any] | None = None, drop: Sequence[str] = (), **train: Any
) -> RunConfig:
    """A small network and a few epochs, enough to learn `banded` images."""
    return RunConfig.parse(
        {
            "data": {"source": str(source), "drop": list(drop)},
            "model": {"family": "plain", "hparams": HPARAMS},
            "train": {"epochs": 4, "batch_size": 14, "learning_rate": 0.01} | train,
            "bundle": bundle or {},
        }
    )


def train_run(folder: Path, config: RunConfig) -> RunFolder:
    """The finished run with `config`."""
    from fer_core.runs.train import train  # imports Keras

    run = RunFolder(folder)
    run.create(config)
    assert train(run) == "finished"
    return run


def views(images: np.ndarray, mirror: bool, zoom: bool) -> list[np.ndarray]:
    """What a graph looks at: the images, with `zoom` the middle 42x42 pixels of each enlarged, with `mirror`
    those left to right."""
    some = [images.astype(np.float32)]
    if zoom:
        some.append(
            np.stack(
                [cv2.resize(image[3:-3, 3:-3], (48, 48), interpolation=cv2.INTER_LINEAR) for image in some[0]]
            )
        )
    return some + [view[:, :, ::-1] for view in some] if mirror else some


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def leave_out_bundles(patch: pytest.MonkeyPatch) -> None:
    """End runs of this process without a bundle, which takes longer than their training."""
    patch.setattr("fer_core.training.trainer.write_bundle", lambda *arguments, **options: None)
