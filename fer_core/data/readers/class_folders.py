"""Reader of class folders: pictures in folders named after their class, below split folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import numpy as np

from ... import emotions
from ...errors import DataError, FerError
from ...label_orders import names_of
from ...picture_files import HEAD_BYTES, has_picture_name, is_picture
from ...wording import plural
from ..budget import TooLargeError
from ..dataset import IMAGE_SIZE, SPLITS, UNLABELLED, Samples, find_split
from ..labels import LabelReader
from ..problems import MAX_BAD_SHARE, Problems
from . import picture_lists
from .face_picture import read_face
from .file_tree import FileTree
from .picture_lists import PictureList

_NO_CLASSES = ("images", "image", "imgs", "img", "photos", "pictures", "faces", "data", "dataset")
_BATCH = 512  # files read ahead of decoding, to bound memory


def pictures(tree: FileTree) -> list[str]:
    """Return the files of `tree` that are pictures, by their name or their content."""

    def is_one(path: str) -> bool:
        if has_picture_name(path):
            return True
        try:
            with tree.open(path) as file:
                return is_picture(file.read(HEAD_BYTES))
        except (OSError, FerError):
            return False

    return [path for path in tree.paths if is_one(path)]


def read(tree: FileTree) -> Samples:
    """Read every picture of `tree`, resized to 48x48 grey.

    The class of a picture is the nearest parent folder that names one, and so is its split; pictures of a
    test folder without a class are unlabelled.

    Raises:
        DataError: A folder has an unknown class name, there are no pictures or no classes, or too many
            pictures are unreadable.
    """
    paths = pictures(tree)
    tree.budget.take_faces(tree.name, len(paths))
    places = [_place(p, tree.default_split) for p in paths]
    _use_numbered_folders(places, tree.labels)
    listed = picture_lists.find(tree, paths, explicit=_name_classes(places))
    names, notes = None, list[str]()
    if listed is not None:
        names = listed.names
        notes = _list_notes(listed, paths)
        paths = [path for path in paths if path in listed.labels]
        places = [(listed.labels[path], listed.splits[path]) for path in paths]
    positions = _check_classes(tree.name, paths, places, tree.labels, names)
    problems = Problems(tree.name)
    images, labels, splits, rows = [], [], [], []
    with ThreadPoolExecutor() as pool:
        for row, (image, (word, split)) in enumerate(
            zip(_decode_all(tree, paths, pool), places, strict=True)
        ):
            if isinstance(image, FerError):
                problems.add(str(image))
                continue
            position = UNLABELLED if word is None else positions[word]
            if isinstance(position, FerError):
                problems.add_fault(paths[row], position)
                continue
            images.append(image)
            labels.append(position)
            splits.append(SPLITS.index(split))
            rows.append(row)
    warnings = [*problems.conclude(len(images)), *notes]
    non_images = sorted(set(tree.paths) - {*paths, tree.labels.origin})
    if (strays := tree.stray + non_images) and listed is None:
        warnings.append(
            f"{len(strays):,} {'file' if len(strays) == 1 else 'files'} without an image ignored: "
            f"{_some(strays)}."
        )
    return Samples(
        images=np.stack(images) if images else np.empty((0, IMAGE_SIZE, IMAGE_SIZE), np.uint8),
        labels=np.array(labels, np.int8),
        splits=np.array(splits, np.int8),
        rows=np.array(rows, np.int64),
        format="class folders" if listed is None else listed.form,
        warnings=tuple(warnings),
        other_classes=dict(problems.other_classes),
    )


def ordered(tree: FileTree) -> list[str]:
    """Return the pictures of `tree` by their row."""
    paths = pictures(tree)
    places = [_place(path, tree.default_split) for path in paths]
    listed = picture_lists.find(tree, paths, explicit=_name_classes(places))
    return paths if listed is None else [path for path in paths if path in listed.labels]


def _place(path: str, default_split: str) -> tuple[str | None, str]:
    """Return the folder name of the class (None for a picture directly below a split), and the split."""
    folders = PurePosixPath(path).parts[:-1]
    split = next((s for s in map(find_split, reversed(folders)) if s), default_split)
    named = next((f for f in reversed(folders) if emotions.find(f)), None)
    if named is not None:
        return named, split
    nearest = folders[-1] if folders else None
    no_class = nearest is None or find_split(nearest) or nearest.lower() in _NO_CLASSES
    return (None if no_class else nearest), split


def _use_numbered_folders(places: list[tuple[str | None, str]], labels: LabelReader) -> None:
    """Name the folders 1 to 7 as RAF-DB does: FER2013's codes have a 0, and no 7."""
    if {word for word, _ in places if word is not None} == set("1234567"):
        labels.use_default(names_of("raf-db"), "RAF-DB's folders 1 to 7")


def _name_classes(places: list[tuple[str | None, str]]) -> bool:
    """Return whether the folders name the classes of most pictures."""
    named = sum(
        word is not None and (word.isdecimal() or emotions.find(word) is not None) for word, _ in places
    )
    return named > len(places) // 2


def _list_notes(listed: PictureList, paths: list[str]) -> list[str]:
    """Return notes on pictures and lines of a list that do not fit together."""
    unnamed = len(set(paths) - listed.labels.keys()) - listed.no_label
    parts = [
        (unnamed, f"{plural(unnamed, 'picture')} without a line"),
        (listed.no_label, f"{plural(listed.no_label, 'picture')} without one label"),
        (listed.missing, f"{plural(listed.missing, 'line')} without a picture"),
    ]
    left = [text for count, text in parts if count > 0]
    article = "the" if listed.form.startswith("file names") else "a"
    return [f"Labels read from {article} {listed.form}; left out: {', '.join(left) or 'nothing'}."]


def _check_classes(
    name: str,
    paths: list[str],
    places: list[tuple[str | None, str]],
    labels: LabelReader,
    names: dict[int, str] | None,
) -> dict[str, int | FerError]:
    """Return the position of each class, or why it has none.

    Raises:
        DataError: Many pictures are of unknown classes, or there are no classes.
    """
    if not paths:
        raise DataError(
            f"{name} holds no images: expected class folders such as train/happy with JPEG or PNG files."
        )
    words = Counter(word for word, _ in places if word is not None)
    positions: dict[str, int | FerError] = {}
    for word in words:
        try:
            positions[word] = labels.position(word, names)
        except DataError as error:
            positions[word] = error
    unknown = {word: error for word, error in positions.items() if isinstance(error, FerError)}
    if sum(words[word] for word in unknown) > MAX_BAD_SHARE * len(paths):
        word, reason = max(unknown.items(), key=lambda item: words[item[0]])
        where = next(p for p, (w, _) in zip(paths, places, strict=True) if w == word)
        raise DataError(
            f"{str(reason).removesuffix('.')}; in {name} ({words[word]:,} images, such as {where}): "
            f"--map {word}=CLASS reads them as a class, --leave-out {word} leaves them out."
        )
    without = [p for p, (word, split) in zip(paths, places, strict=True) if word is None and split != "test"]
    if not words or without:
        where = f": {_some(without)}" if without else ""
        raise DataError(
            f"{name} has {len(without or paths):,} images without a label{where}: put each into a folder "
            "named after its class, or put a CSV with the path and label of each beside them."
        )
    return positions


def _decode_all(
    tree: FileTree, paths: list[str], pool: ThreadPoolExecutor
) -> Iterator[np.ndarray | FerError]:
    def decode(item: tuple[str, bytes | FerError]) -> np.ndarray | FerError:
        path, blob = item
        return blob if isinstance(blob, FerError) else read_face(blob, path, tree.budget)

    def read_one(path: str) -> bytes | FerError:
        try:
            return tree.read(path)
        except TooLargeError:
            raise
        except FerError as error:
            return error
        except OSError as error:
            return DataError(f"{path} cannot be read: {error.strerror}.")

    for start in range(0, len(paths), _BATCH):
        yield from pool.map(decode, [(path, read_one(path)) for path in paths[start : start + _BATCH]])


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3:,} more" if len(paths) > 3 else "")
