"""The command predict: photos, folders, zips, videos and a camera."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, FerError
from ..storage import write_atomically
from ..wording import printable
from .arguments import PHOTO_MODELS, Commands, non_negative_int, positive_int, share
from .output import fail, print_json

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
        "inputs", nargs="*", metavar="INPUT", help="pictures, folders or zips of pictures, or videos"
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
        "--csv", type=Path, metavar="FILE", help="write one row a face; of a video one row a face and moment"
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
    from ..video.reader import SUFFIXES

    _check(options)
    videos = [name for name in options.inputs if name.lower().endswith(SUFFIXES)]
    if options.camera is not None or videos:
        if options.camera is None and len(videos) < len(options.inputs) and (options.csv or options.annotate):
            raise ConfigError(
                "--csv and --annotate take pictures or videos, not both at once: call predict for each."
            )
        if len(videos) > 1 and (options.csv or options.annotate):
            raise ConfigError(f"--csv and --annotate take one video at a time, got {len(videos)}.")
        if options.annotate and options.annotate.suffix.lower() != ".mp4":
            raise ConfigError(f"{options.annotate} is to be a video: expected a name that ends in .mp4.")
    predictor = Predictor(options.model)
    if options.camera is not None:
        from .predict_video import watch_camera

        return watch_camera(options, predictor)
    shown = []
    for entry in _entries(options, predictor, set(videos)):
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
    if (options.camera is None) == (not options.inputs):
        options.usage_error("expected pictures, folders, zips or videos, or else --camera N")
    if options.every and options.rate:
        options.usage_error("--every and --rate are two ways to say the same: expected one of them")
    out = options.annotate
    if out and any(Path(name).resolve() == out.resolve() for name in options.inputs):
        raise ConfigError(f"{out} is what is read: expected another name for --annotate.")


def _entries(options: argparse.Namespace, predictor: Predictor, videos: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the results of each picture and video in the form of --json."""
    results: list[PictureResult] = []
    for name in options.inputs:
        if name in videos:
            from .predict_video import read_video

            yield read_video(options, predictor, name)
        else:
            yield from _pictures(options, predictor, name, results)
    if options.csv and not videos:
        from ..album import csv_text

        write_atomically(options.csv, csv_text(results, predictor.classifier, options.unsure_below).encode())


def _pictures(
    options: argparse.Namespace, predictor: Predictor, name: str, results: list[PictureResult]
) -> Iterator[dict[str, Any]]:
    from ..album import analyse, pictures
    from ..inference.face_table import face_row

    album = Path(name).is_dir() or (name.lower().endswith(".zip") and Path(name).is_file())
    try:
        listed = pictures(name if album else [name])
    except FerError as error:
        yield {"file": printable(name), "faces": [], "notes": [], "error": _sentence(error)}
        return
    named = [
        dataclasses.replace(
            picture, name=printable(f"{name.rstrip('/')}/") + picture.name if album else printable(name)
        )
        for picture in listed
    ]
    for picture, result in zip(listed, analyse(named, predictor, detect=not options.no_detect), strict=True):
        results.append(result)
        faces = [
            face_row(
                face,
                predictor.classifier,
                file=result.name,
                number=number,
                frame=result.frame,
                unsure_below=options.unsure_below,
            )
            | {"box": list(face.box), "probabilities": face.probabilities}
            for number, face in enumerate(result.faces, 1)
        ]
        if options.annotate and result.error is None:
            _annotate(options, picture, result, album)
        yield {
            "file": result.name,
            "faces": faces,
            "notes": list(result.notes),
            "error": result.error and _sentence(result.error),
        }


def _annotate(options: argparse.Namespace, picture: Picture, result: PictureResult, album: bool) -> None:
    """Write the picture with its boxes: under the given name where it is the only one, else into the given
    folder under its own."""
    from ..imaging import open_frames
    from ..inference.drawing import draw_predictions

    out: Path = options.annotate
    if album or len(options.inputs) > 1 or out.is_dir():
        # A zip may call a member ../../x.jpg: its folders are kept, but none above.
        parts = [
            part
            for part in PurePosixPath(picture.name if album else Path(picture.name).name).parts
            if part not in ("..", "/", ".") and ":" not in part
        ]
        out = out.joinpath(*parts)
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
