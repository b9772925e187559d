"""The one form in which every part of FER Explorer sees a data set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from ..emotions import NAMES
from ..errors import DataError

SPLITS: tuple[str, ...] = ("train", "validation", "test")
UNLABELLED = -1
IMAGE_SIZE = 48

# What FER2013 and common copies of it call the three splits.
_SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "publictest", "public_test"),
    "test": ("test", "testing", "privatetest", "private_test"),
}
_SPLIT_BY_WORD = {word: split for split, words in _SPLIT_WORDS.items() for word in words}


def find_split(word: str) -> str | None:
    """The split that `word` means ("PublicTest" -> "validation"), or None."""
    return _SPLIT_BY_WORD.get(word.strip().lower())


@dataclass(frozen=True)
class Samples:
    """What a source reader returns, before splits are completed and the content is fingerprinted."""

    images: np.ndarray  # (N, 48, 48) uint8
    labels: np.ndarray  # (N,) int8, position in emotions.NAMES or UNLABELLED
    splits: np.ndarray  # (N,) int8, position in SPLITS
    rows: np.ndarray  # (N,) int64, position of the image in the source (CSV row, sorted file)
    format: str
    warnings: tuple[str, ...] = ()
    digests: np.ndarray | None = (
        None  # (N,) uint64 as of `image_digests`, where the reader had a thread to spare for them
    )


@dataclass(frozen=True)
class Dataset:
    """Images, labels and splits of one source.

    `images` may be memory-mapped and is never written to.
    """

    images: np.ndarray  # (N, 48, 48) uint8
    labels: np.ndarray  # (N,) int8, position in label_names or UNLABELLED
    splits: np.ndarray  # (N,) int8, position in SPLITS
    rows: np.ndarray  # (N,) int64, position of the image in the source
    digests: np.ndarray  # (N,) uint64, equal for equal images
    source: str
    format: str
    fingerprint: str
    warnings: tuple[str, ...] = ()
    label_names: tuple[str, ...] = field(default=NAMES)
    variant_of: str | None = None  # the fingerprint of the original, of a cleaned variant

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int]:
        return (IMAGE_SIZE, IMAGE_SIZE)

    def indices(self, split: str) -> np.ndarray:
        """Positions of the images of `split`, (n,) int64, in the order of the source.

        Raises:
            DataError: `split` is no split's name, or the data has no such split.
        """
        if split not in SPLITS:
            raise DataError(f"Unknown split {split!r}: expected one of {', '.join(SPLITS)}.")
        found = np.flatnonzero(self.splits == SPLITS.index(split))
        if not len(found):
            there = " and ".join(self.split_names())
            raise DataError(f"{self.source} has no {split} split; it has {there}: choose one of these.")
        return found

    def labelled_indices(self, split: str) -> np.ndarray:
        """Like `indices`, for uses that need a true label.

        Raises:
            DataError: as `indices`, and when no image of the split has a label.
        """
        found = self.indices(split)
        labelled = found[self.labels[found] != UNLABELLED]
        if not len(labelled):
            raise DataError(
                f"The {split} split of {self.source} has no labels: it can be predicted, but not scored."
            )
        return labelled

    def split_names(self) -> list[str]:
        """The splits that hold at least one image."""
        return [name for i, name in enumerate(SPLITS) if np.any(self.splits == i)]

    def counts(self) -> dict[str, dict[str, int]]:
        """Images per split and label name. Absent splits are left out; images without a label are counted as "unlabelled"."""
        table: dict[str, dict[str, int]] = {}
        for split in self.split_names():
            labels = self.labels[self.splits == SPLITS.index(split)]
            per_label = {}
            if np.any(labels != UNLABELLED):
                per_label = {name: int(np.sum(labels == i)) for i, name in enumerate(self.label_names)}
            if unlabelled := int(np.sum(labels == UNLABELLED)):
                per_label["unlabelled"] = unlabelled
            table[split] = per_label
        return table

    def leaked(self, indices: np.ndarray) -> np.ndarray:
        """(n,) bool: which of the images at `indices` also stand, pixel for pixel, in the training split."""
        train = self.digests[self.splits == SPLITS.index("train")]
        return np.isin(self.digests[indices], train)

    def sample(self, split: str, limit: int | None, seed: int = 0) -> np.ndarray:
        """At most `limit` labelled positions of `split`, drawn at random but with the split's share of each class."""
        found = self.labelled_indices(split)
        return found if limit is None else found[stratified(self.labels[found], limit, seed)]


def stratified(labels: np.ndarray, limit: int, seed: int = 0) -> np.ndarray:
    """(n,) positions, in order, of at most `limit` of `labels` (N,), drawn at random but with the share that each class has in all."""
    if limit >= len(labels):
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    # Interleave the classes by their relative rank, so that every prefix is stratified.
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels[order] == label)
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(order[np.argsort(rank, kind="stable")[:limit]])


def assemble(samples: Samples, source: str) -> Dataset:
    """A Dataset from what a reader found: fingerprinted, and with a validation split."""
    if not len(samples.images):
        raise DataError(f"{source} holds no images.")
    if np.all(samples.labels == UNLABELLED):
        raise DataError(
            f"{source} has no labels: expected an emotion column or class folders (a test.csv without labels goes beside its train.csv)."
        )
    digests = image_digests(samples.images) if samples.digests is None else samples.digests
    splits, warnings = _with_validation(samples, digests)
    return Dataset(
        images=samples.images,
        labels=samples.labels,
        splits=splits,
        rows=samples.rows,
        digests=digests,
        source=source,
        format=samples.format,
        fingerprint=content_fingerprint(digests, samples.labels, splits),
        warnings=samples.warnings + warnings,
    )


def image_digests(images: np.ndarray) -> np.ndarray:
    """(N,) uint64 BLAKE2b digests: equal for equal images, and in practice different for different ones."""
    flat = np.ascontiguousarray(images).reshape(len(images), -1)
    parts = [hashlib.blake2b(row.data, digest_size=8).digest() for row in flat]
    return np.frombuffer(b"".join(parts), dtype="<u8").copy()


def content_fingerprint(digests: np.ndarray, labels: np.ndarray, splits: np.ndarray) -> str:
    """A hash of which images stand in which split under which name; the order of the images does not count,
    so that one content has one fingerprint in whatever form it comes."""
    names = [*NAMES, "unlabelled"]
    lines = sorted(f"{digests[i]:016x} {SPLITS[splits[i]]} {names[labels[i]]}" for i in range(len(digests)))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _with_validation(
    samples: Samples, digests: np.ndarray, share: float = 0.1
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Hold a stratified validation split out of train where the source has none.

    Copies of one image stay together: images are chosen by their digest, which copies share. Choosing by a hash of the
    content instead of a random generator makes the choice independent of the order of the images.
    """
    train, validation = SPLITS.index("train"), SPLITS.index("validation")
    if np.any(samples.splits == validation) or not np.any(samples.splits == train):
        return samples.splits, ()
    splits = samples.splits.copy()
    candidates = np.flatnonzero((splits == train) & (samples.labels != UNLABELLED))
    distinct, group = np.unique(digests[candidates], return_inverse=True)
    # Copies may carry different labels; the smallest stands for them, whichever comes first in the source.
    group_labels = np.full(len(distinct), len(NAMES))
    np.minimum.at(group_labels, group, samples.labels[candidates])
    key = distinct * np.uint64(0x9E3779B97F4A7C15)  # spread the digests once more before ordering
    held = np.zeros(len(distinct), dtype=bool)
    for label in np.unique(group_labels):
        members = np.flatnonzero(group_labels == label)
        take = min(len(members) - 1, max(1, round(share * len(members))))
        held[members[np.argsort(key[members], kind="stable")[:take]]] = True
    splits[candidates[held[group]]] = validation
    count = int(np.sum(splits == validation))
    if not count:
        return samples.splits, ("There are too few images to hold out a validation split.",)
    return splits, (
        f"The source has no validation split: {count:,} of its {len(candidates):,} training images were held out for it.",
    )
