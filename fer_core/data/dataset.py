"""Data sets in memory: images, labels, splits and their fingerprint."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from ..emotions import NAMES
from ..errors import DataError

SPLITS: tuple[str, ...] = ("train", "validation", "test")
UNLABELLED = -1
IMAGE_SIZE = 48

# Names of the three splits in FER2013 and in common copies of it.
_SPLIT_WORDS = {
    "train": ("train", "training", "fer2013train"),
    "validation": ("validation", "valid", "val", "dev", "publictest", "public_test", "fer2013valid"),
    "test": ("test", "testing", "privatetest", "private_test", "fer2013test"),
}
_SPLIT_BY_WORD = {word: split for split, words in _SPLIT_WORDS.items() for word in words}


def find_split(word: str) -> str | None:
    """Return the split that `word` means ("PublicTest" -> "validation"), or None."""
    return _SPLIT_BY_WORD.get(word.strip().lower())


@dataclass(frozen=True)
class Samples:
    """Result of a reader, before the splits are completed and the content is fingerprinted."""

    images: np.ndarray  # (N, 48, 48) uint8
    labels: np.ndarray  # (N,) int8, position in emotions.NAMES or UNLABELLED
    splits: np.ndarray  # (N,) int8, position in SPLITS
    rows: np.ndarray  # (N,) int64, position of the image in the source (CSV row, sorted file)
    format: str
    warnings: tuple[str, ...] = ()
    codes: dict[int, str] = field(default_factory=dict)  # classes of labels that are numbers
    # (N,) uint64, see `image_digests`; set by readers that compute them in the background.
    digests: np.ndarray | None = None
    other_classes: dict[str, int] = field(default_factory=dict)  # images left out, by their label

    def only(self, kept: np.ndarray) -> Samples:
        """Return the samples where `kept` (N,) bool is true."""
        return replace(
            self,
            images=self.images[kept],
            labels=self.labels[kept],
            splits=self.splits[kept],
            rows=self.rows[kept],
            digests=None if self.digests is None else self.digests[kept],
        )


def join_samples(parts: list[Samples]) -> Samples:
    """Return the samples of several files as one, with rows that count on from file to file."""
    if len(parts) == 1:
        return parts[0]
    sizes = [int(part.rows.max()) + 1 if len(part.rows) else 0 for part in parts]
    return Samples(
        images=np.concatenate([part.images for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        splits=np.concatenate([part.splits for part in parts]),
        rows=np.concatenate([part.rows + sum(sizes[:i]) for i, part in enumerate(parts)]),
        format=parts[0].format,
        warnings=tuple(warning for part in parts for warning in part.warnings),
        other_classes=dict(sum((Counter(part.other_classes) for part in parts), Counter())),
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
    variant_of: str | None = None  # fingerprint of the original, for a cleaned variant
    codes: dict[int, str] = field(default_factory=dict)  # classes of the numbers, where labels are numbers
    other_classes: dict[str, int] = field(default_factory=dict)  # images left out, by their label

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int]:
        return (IMAGE_SIZE, IMAGE_SIZE)

    def indices(self, split: str) -> np.ndarray:
        """Return the positions of the images of `split`, (n,) int64, in the order of the source.

        Raises:
            DataError: `split` is not the name of a split, or the data has no such split.
        """
        if split not in SPLITS:
            raise DataError(f"Unknown split {split!r}: expected one of {', '.join(SPLITS)}.")
        positions = np.flatnonzero(self.splits == SPLITS.index(split))
        if not len(positions):
            present = " and ".join(self.split_names())
            raise DataError(f"{self.source} has no {split} split; it has {present}: choose one of these.")
        return positions

    def labelled_indices(self, split: str) -> np.ndarray:
        """Return the positions of the labelled images of `split`, (n,) int64.

        Raises:
            DataError: See `indices`; also if no image of the split has a label.
        """
        positions = self.indices(split)
        labelled = positions[self.labels[positions] != UNLABELLED]
        if not len(labelled):
            raise DataError(
                f"The {split} split of {self.source} has no labels: it can be predicted, but not scored."
            )
        return labelled

    def split_names(self) -> list[str]:
        """Return the splits that contain at least one image."""
        return [name for i, name in enumerate(SPLITS) if np.any(self.splits == i)]

    def counts(self) -> dict[str, dict[str, int]]:
        """Count images per split and label name.

        Empty splits are left out; images without a label are counted as "unlabelled".
        """
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
        """Return which of the images at `indices` have an exact copy in the training split, (n,) bool."""
        train = self.digests[self.splits == SPLITS.index("train")]
        return np.isin(self.digests[indices], train)

    def sample(self, split: str, limit: int | None, seed: int = 0) -> np.ndarray:
        """Draw at most `limit` labelled positions of `split`, with the class proportions of the split."""
        positions = self.labelled_indices(split)
        return positions if limit is None else positions[stratified(self.labels[positions], limit, seed)]


def stratified(labels: np.ndarray, limit: int, seed: int = 0) -> np.ndarray:
    """Draw at most `limit` of `labels` (N,) at random, with the class proportions of all.

    Returns:
        (n,) positions in ascending order.
    """
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
    """Build a Dataset with a fingerprint and, if the source has none, a validation split."""
    if not len(samples.images):
        raise DataError(f"{source} holds no images.")
    if np.all(samples.labels == UNLABELLED):
        raise DataError(
            f"{source} has no labels: expected an emotion column or class folders (a test.csv without "
            "labels goes beside its train.csv)."
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
        codes=samples.codes,
        other_classes=samples.other_classes,
    )


def image_digests(images: np.ndarray) -> np.ndarray:
    """Return (N,) uint64 BLAKE2b digests, which are equal for equal images."""
    flat = np.ascontiguousarray(images).reshape(len(images), -1)
    parts = [hashlib.blake2b(row.data, digest_size=8).digest() for row in flat]
    return np.frombuffer(b"".join(parts), dtype="<u8").copy()


def content_fingerprint(digests: np.ndarray, labels: np.ndarray, splits: np.ndarray) -> str:
    """Return a hash of the images in each split and their labels.

    The order of the images does not matter, so the same content has the same fingerprint in every file
    format.
    """
    names = [*NAMES, "unlabelled"]
    lines = sorted(f"{digests[i]:016x} {SPLITS[splits[i]]} {names[labels[i]]}" for i in range(len(digests)))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _with_validation(
    samples: Samples, digests: np.ndarray, share: float = 0.1
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Hold out a stratified validation split of the training images if the source has none.

    Images are selected by a hash of their content, so copies stay together and the order of the images does
    not matter.
    """
    train, validation = SPLITS.index("train"), SPLITS.index("validation")
    if np.any(samples.splits == validation) or not np.any(samples.splits == train):
        return samples.splits, ()
    splits = samples.splits.copy()
    candidates = np.flatnonzero((splits == train) & (samples.labels != UNLABELLED))
    distinct, group = np.unique(digests[candidates], return_inverse=True)
    # Copies may have different labels; the smallest is used, whichever comes first in the source.
    group_labels = np.full(len(distinct), len(NAMES))
    np.minimum.at(group_labels, group, samples.labels[candidates])
    key = distinct * np.uint64(0x9E3779B97F4A7C15)  # mix the digests once more before sorting
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
        f"The source has no validation split: {count:,} of its {len(candidates):,} training images were "
        "held out for it.",
    )
