"""Lists of pictures with their labels, beside the pictures.

- A table with a column of paths (image, filename, path, pth ...) and one of labels.
- Roboflow's classification export as CSV: `_classes.csv` with the file name and a column of 0 and 1 a class.
- What FER+'s own script writes: `FER2013Train/label.csv` with the name, a box and the ten votes of each
  picture (github.com/microsoft/FERPlus); the label is the majority as in `vote_counts.Votes.majority`.
- RAF-DB's `list_patition_label.txt`: lines such as `train_00001.jpg 5`, beside pictures of that name or
  `train_00001_aligned.jpg`.
- AffectNet as it is handed out: `annotations/NAME_exp.npy` with the number of the class of `images/NAME.jpg`.
- A YOLO export: `labels/NAME.txt` with one object, whose names are in `data.yaml`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np

from ... import emotions
from ...errors import FerError
from ...label_orders import names_of
from ..dataset import UNLABELLED, find_split
from ..labels import MAX_CODES
from ..vote_counts import COLUMNS, PICTURE_LINE, Votes
from . import columns, file_names
from .file_tree import FileTree, split_of

_MAX_LISTS = 50
_MAX_LIST_BYTES = 64 << 20
_HEAD_BYTES = 1 << 14
_RAF_DB_LIST = "RAF-DB list"

_ANNOTATION = re.compile(r"_(exp|aro|val|lnd)\.npy$")
# "++" gives nothing back, so that a long text is searched once.
_YAML_NAMES = re.compile(
    r"^names:[^\S\n]*+(?:\s*+\[([^\]]*+)\]|((?:\n\s*+(?:-|\d++:)[^\n]*+)++))", re.MULTILINE
)
_RAF_DB = re.compile(r"\s*(train|test)_\d+(_aligned)?\.jpg\s+[1-7]\s*$", re.IGNORECASE)


@dataclass
class PictureList:
    """Labels and splits of pictures by their path in a tree."""

    labels: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    names: dict[int, str] | None = None  # of labels that are numbers
    form: str = ""
    missing: int = 0  # lines without a picture
    no_label: int = 0  # lines without one label


def find(tree: FileTree, pictures: list[str], explicit: bool) -> PictureList | None:
    """Return what the lists of a tree say about its pictures, or None without a list.

    Args:
        explicit: Read only lists whose form leaves no doubt, not any table with a column of paths.
    """
    picture_list = PictureList()
    by_name: dict[str, list[str]] = {}
    for path in pictures:
        by_name.setdefault(PurePosixPath(path).name, []).append(path)
    tables = [path for path in tree.paths if path.lower().endswith((".csv", ".tsv", ".txt"))]
    for path in [path for path in tables if not _is_yolo_label(path)][:_MAX_LISTS]:
        with tree.open(path) as file:
            head = file.read(_HEAD_BYTES)
        form = _form(head, explicit)
        if form is None:
            continue
        picture_list.form = form
        if form == _RAF_DB_LIST:
            picture_list.names = names_of("raf-db")
        with tree.open(path) as file:
            content = file.read(_MAX_LIST_BYTES)
        tree.budget.take_bytes(path, len(content))
        text = content.decode("utf-8-sig", errors="replace")
        for name, label, split in _entries(form, text):
            picture = _resolve(name, path, by_name)
            if picture is None:
                picture_list.missing += 1
            elif label is None:
                picture_list.no_label += 1
            else:
                picture_list.labels[picture] = label
                picture_list.splits[picture] = find_split(split or "") or split_of(path)
    if picture_list.labels:
        return picture_list
    return (
        _affectnet(tree, pictures) or _yolo(tree, pictures) or (None if explicit else _file_names(pictures))
    )


def _file_names(pictures: list[str]) -> PictureList | None:
    """Return the classes in the names of pictures, as JAFFE, KDEF and RAVDESS have them."""
    form_and_classes = file_names.classes(pictures)
    if form_and_classes is None:
        return None
    form, labels = form_and_classes
    return PictureList(labels, {path: split_of(path) for path in labels}, form=f"file names of {form}")


def _form(head: bytes, explicit: bool) -> str | None:
    if b"\0" in head:
        return None
    first = head.decode("utf-8-sig", errors="replace").partition("\n")[0]
    if PICTURE_LINE.match(first):
        return "FER+ pictures"
    if _RAF_DB.match(first):
        return _RAF_DB_LIST
    names = [name.strip().lower() for name in next(_rows(first), [])]
    if names[:1] == ["filename"] and sum(emotions.find(name) is not None for name in names[1:]) >= 2:
        return "Roboflow export"
    if (
        not explicit
        and "label" in columns.find(names)
        and any(name in columns.PICTURE_PATHS for name in names)
    ):
        return "list of pictures"
    return None


def _rows(text: str) -> Iterator[list[str]]:
    delimiter = max(",;\t", key=text[:_HEAD_BYTES].partition("\n")[0].count)
    try:
        yield from csv.reader(io.StringIO(text), delimiter=delimiter)
    except csv.Error:  # a cell of more than 128 kB
        return


def _entries(form: str, text: str) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield path, label and split of each line; a line without one label has None."""
    if form == _RAF_DB_LIST:
        for line in text.splitlines():
            if len(words := line.split()) == 2:
                yield words[0], words[1], words[0].partition("_")[0]
        return
    rows = _rows(text)
    if form == "FER+ pictures":
        for row in rows:
            if len(row) == len(COLUMNS) + 2:
                yield row[0], _majority(row[2:]), None
        return
    header = next(rows, [])
    if form == "Roboflow export":
        for row in rows:
            marked = [name for name, cell in zip(header[1:], row[1:], strict=False) if cell.strip() == "1"]
            if row:
                yield row[0], marked[0].strip() if len(marked) == 1 else None, None
        return
    roles = columns.find(header)
    path = next(i for i, name in enumerate(header) if name.strip().lower() in columns.PICTURE_PATHS)
    label = header.index(roles["label"])
    split = header.index(roles["split"]) if "split" in roles else None
    for row in rows:
        if len(row) == len(header):
            yield row[path], row[label], None if split is None else row[split]


def _majority(cells: list[str]) -> str | None:
    """Return the class that most voters chose; None without one."""
    try:
        votes = Votes(np.array([[int(cell) for cell in cells]]).clip(0, 255).astype(np.uint8))
    except (ValueError, OverflowError):
        return None
    position = int(votes.majority()[0])
    return None if position == UNLABELLED else emotions.NAMES[position]


def _resolve(name: str, listed_in: str, by_name: dict[str, list[str]]) -> str | None:
    """Return the picture that a line means: the one whose path ends as the line's, nearest to the list."""
    parts = PurePosixPath(name.strip().replace("\\", "/")).parts
    candidates = by_name.get(parts[-1], []) if parts else []
    if parts and not candidates:  # of RAF-DB's aligned pictures
        pure = PurePosixPath(parts[-1])
        candidates = by_name.get(f"{pure.stem}_aligned{pure.suffix}", [])
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    folder = PurePosixPath(listed_in).parent

    def agreement(path: str) -> tuple[int, bool]:
        pairs = zip(reversed(PurePosixPath(path).parts), reversed(parts), strict=False)
        same = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(parts), path.count("/") + 1))
        return same, PurePosixPath(path).is_relative_to(folder)

    return max(candidates, key=agreement)


# --- AffectNet


def is_annotation(path: str) -> bool:
    """Return whether a file is one of AffectNet's annotations of a picture, and no array of pictures."""
    pure = PurePosixPath(path)
    return pure.parent.name == "annotations" and _ANNOTATION.search(pure.name) is not None


def _affectnet(tree: FileTree, pictures: list[str]) -> PictureList | None:
    """Read the number in annotations/NAME_exp.npy of each images/NAME.jpg, a string or an integer."""
    files = {path for path in tree.paths if is_annotation(path)}
    picture_list = PictureList(names=names_of("affectnet"), form="folder of AffectNet annotations")
    for picture in pictures if files else []:
        pure = PurePosixPath(picture)
        annotation = (pure.parent.parent / "annotations" / f"{pure.stem}_exp.npy").as_posix()
        if pure.parent.name != "images" or annotation not in files:
            continue
        with tree.open(annotation) as file:
            content = file.read(_HEAD_BYTES)
        try:
            label = str(int(np.load(io.BytesIO(content), allow_pickle=False).item()))
        except (ValueError, TypeError, EOFError, OSError):
            picture_list.no_label += 1
            continue
        picture_list.labels[picture] = label
        picture_list.splits[picture] = split_of(picture)
    return picture_list if picture_list.labels else None


# --- YOLO


def _is_yolo_label(path: str) -> bool:
    return PurePosixPath(path).parent.name == "labels"


def _yolo(tree: FileTree, pictures: list[str]) -> PictureList | None:
    """Read a YOLO export: the class of the one object in labels/NAME.txt beside images/NAME.jpg."""
    config = next(
        (path for path in tree.paths if PurePosixPath(path).name in ("data.yaml", "data.yml")), None
    )
    names = _yaml_names(tree, config) if config else None
    if names is None:
        return None
    texts = {path for path in tree.paths if _is_yolo_label(path)}
    picture_list = PictureList(names=names, form="YOLO export")
    for picture in pictures:
        pure = PurePosixPath(picture)
        label = (pure.parent.parent / "labels" / f"{pure.stem}.txt").as_posix()
        if pure.parent.name != "images" or label not in texts:
            continue
        with tree.open(label) as file:
            objects = [line.split() for line in file.read(_HEAD_BYTES).decode(errors="replace").splitlines()]
        classes = {words[0] for words in objects if words}
        if len(classes) == 1:
            picture_list.labels[picture] = classes.pop()
            picture_list.splits[picture] = split_of(picture)
        else:
            picture_list.no_label += 1
    return picture_list if picture_list.labels else None


def _yaml_names(tree: FileTree, path: str) -> dict[int, str] | None:
    """Return the names in a data.yaml: a list in one line, in lines with "-", or lines with a number."""
    try:
        with tree.open(path) as file:
            text = file.read(_HEAD_BYTES).decode("utf-8", errors="replace")
    except FerError:
        return None
    match = _YAML_NAMES.search(text)
    if match is None:
        return None
    lines = match[1].split(",") if match[1] is not None else match[2].strip().splitlines()
    words = [re.sub(r"^\s*(?:-|\d+:)\s*", "", line).strip().strip("'\"") for line in lines]
    return dict(enumerate(words)) if 2 <= len(words) <= MAX_CODES else None
