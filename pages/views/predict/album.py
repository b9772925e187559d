"""Album: photos, videos and zips, classified in the background with results as they come."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial

import streamlit as st

from fer_core.album import Picture, PictureResult, Video, analyse, analyse_videos, pictures, videos
from fer_core.errors import DataError
from fer_core.picture_files import HEAD_BYTES
from fer_core.video import Timeline
from fer_core.video.reader import is_video
from fer_core.wording import plural
from pages.session import cached_models, kept_files, visitor
from pages.session.errors import errors_shown

from . import album_results, upload_task
from .options import Options, find_faces

_KEY, _FILES = "predict_album", "predict_album_files"
MEGABYTES = 400


def show(options: Options) -> None:
    """Draw the uploader, and the results of an album as they come."""
    bundle, unsure_below = options.bundle, options.unsure_below
    uploads = kept_files.upload(
        "Photos and videos, or zips of them",
        _FILES,
        accept_multiple_files=True,
        max_upload_size=visitor.upload_megabytes(MEGABYTES),
    )
    kept_files.show_clear(_FILES)
    if not uploads:
        upload_task.forget(_KEY)
        st.info(
            "Drop hundreds of photos and videos, or a zip with folders. They stay in memory; files that "
            "cannot be read are listed.",
            icon=":material/photo_library:",
        )
        return
    detect = find_faces()
    inputs = upload_task.Inputs(tuple(upload.file_id for upload in uploads), (str(bundle.path), detect))
    with errors_shown():
        photos, films = _contents(uploads)
    again = upload_task.has_other_settings(_KEY, inputs)
    if upload_task.current(_KEY, inputs) is None:
        predictor = cached_models.predictor(bundle)

        def classify(on_progress, cancelled) -> Iterator[PictureResult | Timeline]:
            part = len(photos) / (len(photos) + len(films))
            yield from analyse(
                photos,
                predictor,
                detect=detect,
                on_progress=lambda share: on_progress(part * share),
                cancelled=cancelled,
            )
            yield from analyse_videos(
                films,
                predictor,
                on_progress=lambda share: on_progress(part + (1 - part) * share),
                cancelled=cancelled,
            )

        if again:
            upload_task.start(_KEY, inputs, classify)
        else:
            st.button(
                f"Classify {_counted(photos, films)}",
                key="predict_album_start",
                type="primary",
                icon=":material/play_arrow:",
                on_click=upload_task.start,
                args=(_KEY, inputs, classify),
            )
            return
    read = {picture.name: picture.read for picture in photos}
    upload_task.follow(_KEY, partial(album_results.draw, bundle, unsure_below, read))


def _contents(uploads: list[kept_files.KeptFile]) -> tuple[list[Picture], list[Video]]:
    """List the photos and the videos of the uploads and of the zips among them.

    Raises:
        DataError: A zip is damaged, or holds neither photo nor video.
    """
    photos: list[Picture] = []
    films: list[Video] = []
    for upload in uploads:
        head = upload.content[:HEAD_BYTES]
        if head.startswith(b"PK\x03\x04") or upload.name.lower().endswith(".zip"):
            inside = videos(io.BytesIO(upload.content))
            films += inside
            try:
                photos += pictures(io.BytesIO(upload.content))
            except DataError:
                if not inside:
                    raise
        elif is_video(upload.name, head):
            films.append(Video(upload.name, partial(io.BytesIO, upload.content)))
        else:
            photos += pictures([(upload.name, upload.content)])
    return photos, films


def _counted(photos: list[Picture], films: list[Video]) -> str:
    """Return the numbers of photos and videos in words."""
    counts = ((photos, "photo"), (films, "video"))
    return " and ".join(plural(len(files), name) for files, name in counts if files)
