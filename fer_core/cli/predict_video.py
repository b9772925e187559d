"""Videos and a camera for the command predict."""

from __future__ import annotations

import argparse
import contextlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import ConfigError, FerError
from ..storage import write_atomically
from ..wording import plural, printable, times
from .output import print_json

if TYPE_CHECKING:
    from ..inference import Predictor
    from ..video import FollowedFace, Timeline

_LINE_SECONDS = 1.0  # seconds between two lines on a camera


def read_video(
    options: argparse.Namespace,
    predictor: Predictor,
    source: Path | BinaryIO,
    name: str,
    annotate: Path | None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the results of a video in the form of --json and as rows, and write its annotated copy."""
    from tqdm import tqdm

    from ..album import video_rows
    from ..video import analyse_video, annotate_video

    try:
        with tqdm(total=100, desc=name, unit="%", disable=None, leave=False) as bar:
            timeline = analyse_video(
                source,
                predictor,
                name=name,
                rate=_rate(options),
                every=options.every,
                smoothing=options.smoothing,
                on_progress=lambda share: _show(bar, share),
            )
        if annotate:
            annotate.parent.mkdir(parents=True, exist_ok=True)
            with tqdm(total=100, desc=str(annotate), unit="%", disable=None, leave=False) as bar:
                annotate_video(
                    source,
                    timeline,
                    annotate,
                    unsure_below=options.unsure_below,
                    on_progress=lambda share: _show(bar, share),
                )
    except ConfigError:
        raise
    except FerError as error:
        return failed_video(predictor, name, error)
    return _entry(options, timeline, name), video_rows(timeline, predictor.classifier, options.unsure_below)


def failed_video(
    predictor: Predictor, name: str, error: FerError
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the result of a video that cannot be read, in the form of --json and as rows."""
    from ..inference.face_table import empty_row

    name, sentence = printable(name), " ".join(str(error).split())
    row = empty_row(predictor.classifier, file=name, frame=0, error=sentence)
    return {"file": name, "faces": [], "notes": [], "error": sentence}, [row]


def watch_camera(options: argparse.Namespace, predictor: Predictor) -> int:
    """Follow the faces before a camera until Ctrl-C, or for --seconds."""
    from ..video import FaceFollower, SeenFace, TimelineBuilder, VideoWriter
    from ..video.annotate import annotated
    from ..video.camera import camera_frames

    labels = predictor.classifier.labels
    follower, builder = FaceFollower(predictor, options.smoothing), TimelineBuilder(predictor.classifier)
    width = height = 0
    last = next_line = due = 0.0
    with contextlib.ExitStack() as stack:
        writer = None
        frames = stack.enter_context(contextlib.closing(camera_frames(options.camera)))
        try:
            for frame in frames:
                if options.seconds and frame.time > options.seconds:
                    break
                if frame.time < due or (options.every and frame.index % options.every):
                    continue
                due = frame.time + 1 / options.rate if options.rate else 0.0
                faces = follower.follow(frame.time, frame.pixels)
                builder.add(frame.index, frame.time, faces)
                height, width = frame.pixels.shape[:2]
                last = frame.time
                if options.annotate:
                    writer = writer or stack.enter_context(VideoWriter(options.annotate, width, height, 25))
                    seen = [
                        SeenFace(
                            f.number, f.prediction.box, dict(zip(labels, f.smoothed.tolist(), strict=True))
                        )
                        for f in faces
                    ]
                    writer.write(frame.time, annotated(frame.pixels, seen, options.unsure_below))
                if not options.json and frame.time >= next_line:
                    next_line = frame.time + _LINE_SECONDS
                    print(f"{frame.time:7.1f} s  {_say(faces, labels, options.unsure_below)}", flush=True)
        except KeyboardInterrupt:  # the way to end it; what came is written
            pass
    name = f"camera {options.camera}"
    timeline = builder.timeline(name, width, height, last, options.smoothing)
    if options.csv:
        write_atomically(options.csv, timeline.csv_text(options.unsure_below).encode())
    entry = _entry(options, timeline, name)
    print_json([entry]) if options.json else print_video(entry)
    return 0


def print_video(entry: dict[str, Any]) -> None:
    """Print a line for each face: how long it was seen, and its most frequent expressions."""
    video = entry["video"]
    if not video["tracks"]:
        print(
            f"{entry['file']}: no face found in {plural(video['moments'], 'moment')} of "
            f"{video['duration']:.1f} s"
        )
    for track in video["tracks"]:
        moments = track["moments"]
        shares = Counter("unsure" if moment["unsure"] else moment["label"] for moment in moments).most_common(
            3
        )
        words = ", ".join(f"{name} {count / len(moments):.0%}" for name, count in shares)
        print(
            f"{entry['file']}: face {track['face']}, {track['from']:.1f} to {track['to']:.1f} s, "
            f"seen {times(len(moments))}: {words}"
        )
    if video["damaged"]:
        print(f"{entry['file']}: skipped {plural(video['damaged'], 'damaged part')} of the file")


def _entry(options: argparse.Namespace, timeline: Timeline, name: str) -> dict[str, Any]:
    video = timeline.as_json(options.unsure_below)
    return {"file": printable(name), "faces": [], "notes": [], "error": None, "video": video}


def _rate(options: argparse.Namespace) -> float:
    from ..video.analysis import DEFAULT_RATE

    return options.rate or DEFAULT_RATE


def _show(bar: Any, share: float) -> None:
    bar.update(round(100 * share) - bar.n)


def _say(faces: list[FollowedFace], labels: tuple[str, ...], unsure_below: float) -> str:
    words = []
    for face in faces:
        best = int(face.smoothed.argmax())
        sure = face.smoothed[best] >= unsure_below
        words.append(
            f"face {face.number}: {labels[best]} {face.smoothed[best]:.0%}"
            if sure
            else f"face {face.number}: unsure"
        )
    return ", ".join(words) or "no face"
