"""The command predict: photos, folders, zips, videos and a camera."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import ConfigError, FerError
from ..storage import write_atomically
from ..wording import printable
from .arguments import PHOTO_MODELS, Commands, non_negative_int, positive_int, share
from .output import fail, print_json
from .predict_video import failed_video, read_video

if TYPE_CHECKING:
    from ..album import Picture, PictureResult
    from ..inference import Predictor

_WRITTEN = (".jpg", ".jpeg", ".png", ".webp")  # annotated pictures; those of other forms become .jpg


def add_commands(commands: Commands) -> None:
    parser = commands.add(
        "predict",
        predict,
        "Find and classify the faces on photos, in folders, zips and videos, or from a camera.",
    )
    parser.add_argument("--model", metavar="NAME|PATH", help=PHOTO_MODELS)
    parser.add_argument(
        "inputs", nargs="*", metavar="INPUT", help="pictures, videos, and folders or zips of both"
    )
    parser.add_argument(
        "--camera",
        type=non_negative_int,
        metavar="N",
        help="look through camera N of this machine, from 0, until Ctrl-C",
    )
    parser.add_argument("--seconds", type=positive_int, metavar="N", help="end the camera after so long")
    parser.add_argument("--no-detect", action="store_true", help="take each whole picture as one face")
    parser.add_argument(
        "--unsure-below",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="mark faces with lower confidence as unsure: 0.6 or 60%%",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write one table: one row a face; of a video one row a face and moment",
    )
    parser.add_argument(
        "--mean",
        choices=("file", "face"),
        help="write a table of means: one row a file, or one row a face over the time of a video",
    )
    parser.add_argument(
        "--annotate",
        type=Path,
        metavar="OUT",
        help="write what was read with boxes and labels: a picture, a folder for several, or an .mp4",
    )
    parser.add_argument(
        "--rate", type=float, metavar="HZ", help="video frames to analyse per second (default: 5)"
    )
    parser.add_argument(
        "--every", type=positive_int, metavar="N", help="analyse every n-th video frame instead"
    )
    parser.add_argument(
        "--smoothing",
        type=float,
        default=0.5,
        metavar="S",
        help="of a video, smooth over so many seconds (default: 0.5)",
    )


def predict(options: argparse.Namespace) -> int:
    from ..inference import Predictor

    _check(options)
    predictor = Predictor(options.model)
    if options.camera is not None:
        from .predict_video import watch_camera

        return watch_camera(options, predictor)
    shown = []
    for entry in _entries(options, predictor):
        shown.append(entry)
        if not options.json and not entry["error"]:
            _print(entry)
    if options.json:
        print_json(shown)
    failed = [entry["error"] for entry in shown if entry["error"]]
    if len(failed) == len(shown):
        return fail(failed[0])
    if not options.json:
        for error in failed:
            print(error, file=sys.stderr)
    return 0


def _check(options: argparse.Namespace) -> None:
    if not 0 <= options.unsure_below <= 1:
        raise ConfigError(
            "--unsure-below is a share of certainty: expected 0 to 1, or per cent such as 60%, got "
            f"{options.unsure_below:g}."
        )
    if options.mean and (not options.csv or options.camera is not None):
        options.usage_error("--mean is about the table of files: expected --csv FILE with it")
    if (options.camera is None) == (not options.inputs):
        options.usage_error("expected pictures, folders, zips or videos, or else --camera N")
    if options.every and options.rate:
        options.usage_error("--every and --rate are two ways to say the same: expected one of them")
    out = options.annotate
    if out and any(Path(name).resolve() == out.resolve() for name in options.inputs):
        raise ConfigError(f"{out} is what is read: expected another name for --annotate.")
    if out:
        _check_annotate(options, out)


def _check_annotate(options: argparse.Namespace, out: Path) -> None:
    from ..video.reader import SUFFIXES

    names, is_mp4 = options.inputs, out.suffix.lower() == ".mp4"
    if len(names) > 1 or any(map(_is_album, names)):
        if is_mp4:
            raise ConfigError(f"{out} is to take several files: expected the name of a folder.")
    elif not is_mp4 and (not names or names[0].lower().endswith(SUFFIXES)):
        raise ConfigError(f"{out} is to be a video: expected a name that ends in .mp4.")


def _entries(options: argparse.Namespace, predictor: Predictor) -> Iterator[dict[str, Any]]:
    """Yield the results of each picture and video in the form of --json, and write them as one table."""
    from ..album import videos
    from ..video.reader import SUFFIXES

    rows: list[dict[str, Any]] = []
    for name in options.inputs:
        if name.lower().endswith(SUFFIXES):
            entry, of_video = _video(options, predictor, Path(name), name)
            rows += of_video
            yield entry
            continue
        try:
            inside = videos(name) if _is_album(name) else []
        except FerError:  # the pictures say it
            inside = []
        yield from _pictures(options, predictor, name, rows, bool(inside))
        for video in inside:
            named = f"{name.rstrip('/')}/{video.name}"
            try:
                entry, of_video = _video(options, predictor, video.open(), named, video.name)
            except ConfigError:
                raise
            except FerError as error:
                entry, of_video = failed_video(predictor, named, error)
            rows += of_video
            yield entry
    if options.csv:
        write_atomically(options.csv, _table(options, rows, predictor).encode())


def _table(options: argparse.Namespace, rows: list[dict[str, Any]], predictor: Predictor) -> str:
    """Return the rows, or their means, as CSV."""
    from ..album import mixed_csv_text
    from ..inference import face_means

    if options.mean is None:
        return mixed_csv_text(rows, predictor.classifier)
    return face_means.csv_text(rows, predictor.classifier.labels, options.mean, options.unsure_below)


def _is_album(name: str) -> bool:
    return Path(name).is_dir() or (name.lower().endswith(".zip") and Path(name).is_file())


def _video(
    options: argparse.Namespace,
    predictor: Predictor,
    source: Path | BinaryIO,
    name: str,
    member: str | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    out = options.annotate and _place(options, name, member)
    return read_video(options, predictor, source, name, out and out.with_suffix(".mp4"))


def _pictures(
    options: argparse.Namespace,
    predictor: Predictor,
    name: str,
    rows: list[dict[str, Any]],
    beside_videos: bool,
) -> Iterator[dict[str, Any]]:
    """Yield the results of the pictures of an input, and add their rows.

    Args:
        options: Of the command.
        predictor: Detector and model.
        name: A picture, a folder or a zip.
        rows: Takes a row a face.
        beside_videos: The input has videos, so that it need not have pictures.
    """
    from .. import album
    from ..inference.face_table import empty_row

    is_album = _is_album(name)
    try:
        listed = album.pictures(name if is_album else [name])
    except FerError as error:
        if not beside_videos:
            file, sentence = printable(name), _sentence(error)
            rows.append(empty_row(predictor.classifier, file=file, error=sentence))
            yield {"file": file, "faces": [], "notes": [], "error": sentence}
        return
    named = [
        dataclasses.replace(
            picture, name=printable(f"{name.rstrip('/')}/") + picture.name if is_album else printable(name)
        )
        for picture in listed
    ]
    results = album.analyse(named, predictor, detect=not options.no_detect)
    for picture, result in zip(listed, results, strict=True):
        of_picture = album.rows([result], predictor.classifier, options.unsure_below)
        rows += of_picture
        if options.annotate and result.error is None:
            _annotate(options, picture, result, name, is_album)
        yield {
            "file": result.name,
            "faces": [
                row | {"box": list(face.box), "probabilities": face.probabilities}
                for row, face in zip(of_picture, result.faces, strict=False)
            ],
            "notes": list(result.notes),
            "error": result.error and _sentence(result.error),
        }


def _place(options: argparse.Namespace, name: str, member: str | None) -> Path:
    """Return where the annotated copy of a file goes: the given name where it is the only one, else its own
    name in the given folder."""
    out: Path = options.annotate
    if member is None and len(options.inputs) == 1 and not out.is_dir():
        return out
    # A zip may call a member ../../x.jpg: its folders are kept, but none above.
    parts = [
        part
        for part in PurePosixPath(Path(name).name if member is None else member).parts
        if part not in ("..", "/", ".") and ":" not in part
    ]
    return out.joinpath(*parts)


def _annotate(
    options: argparse.Namespace, picture: Picture, result: PictureResult, name: str, is_album: bool
) -> None:
    """Write the picture with its boxes."""
    from ..imaging import open_frames
    from ..inference.drawing import draw_predictions

    out = _place(options, name, picture.name if is_album else None)
    if out.suffix.lower() not in _WRITTEN:
        out = out.with_name(f"{out.name}.jpg")
    frames = open_frames(picture.read(), picture.name)
    opened = next((opened for opened in frames if opened.frame == result.frame), None)
    if opened is None:
        return
    drawn = draw_predictions(opened.picture, result.faces, options.unsure_below)
    out.parent.mkdir(parents=True, exist_ok=True)
    drawn.save(out, quality=92)


def _sentence(error: object) -> str:
    return " ".join(str(error).split())


def _print(entry: dict[str, Any]) -> None:
    if "video" in entry:
        from .predict_video import print_video

        return print_video(entry)
    if not entry["faces"]:
        print(f"{entry['file']}: no face found (try --no-detect for a picture that is one face)")
    for note in entry["notes"]:
        print(f"{entry['file']}: {note}")
    for face in entry["faces"]:
        first = sorted(face["probabilities"].items(), key=lambda item: -item[1])[:3]
        unsure = "unsure: " if face["unsure"] else ""
        print(
            f"{entry['file']}: {unsure}{', '.join(f'{name} {p:.0%}' for name, p in first)}, box {face['box']}"
        )
        if face["warnings"]:
            print(f"  {', '.join(face['warnings']).capitalize()}: the answer is less certain.")
