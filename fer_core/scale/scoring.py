"""Scoring at scale: `score` plans a job, skips finished parts, and has workers score the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..bundles.bundle import find_bundle, model_sha256
from ..bundles.classifier import Classifier
from ..errors import DataError
from ..inference.detector import FaceDetector
from ..machine import available_cores
from ..runs.locks import lock_file
from .job import Job, usual_part_size
from .local_pool import run_local
from .part_folder import PartFolder, PartResult, check_same_job, parts_in
from .ray_pool import connected, run_ray
from .sources import Kind, open_source


@dataclass(frozen=True)
class ScoreSummary:
    """Summary of all parts of a finished job."""

    out: str
    kind: str
    model: str
    model_sha256: str
    fingerprint: str
    items: int  # faces or photos of the source
    rows: int
    errors: int  # rows without an answer
    parts: int
    parts_before: int  # finished by an earlier start
    bytes: int
    workers: int | None  # None: as many as the cluster has cores
    engine: str  # local or ray
    seconds: float  # of this start

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def score(
    source: str | Path,
    out: str | Path,
    model: str | None = None,
    *,
    kind: Kind | None = None,
    workers: int | None = None,
    ray: str | None = None,
    part_size: int | None = None,
    on_begin: Callable[[Job, int], None] = lambda job, done: None,
    on_part: Callable[[PartResult], None] = lambda result: None,
) -> ScoreSummary:
    """Classify every face of a data set, or every photo of a folder or zip, to Parquet files.

    Finished parts are kept.

    Args:
        source: See `open_dataset`, or a folder or zip of photos.
        out: Folder of the parts; a start with the same source and model continues there.
        model: See `find_bundle`.
        kind: "faces" or "photos"; None decides by content, see `open_source`.
        workers: Number of processes; by default one per core.
        ray: None for processes of this machine, "local" for a Ray of this machine, or the address of a
            cluster.
        part_size: Items per file; by default that of the existing parts, or else according to the size of the
            source.
        on_begin: Called with the job and the number of items that are already done.
        on_part: Called after each part.

    Raises:
        FerError: The source, model or folder cannot be used, or the folder belongs to another job.
    """
    begun = time.monotonic()
    folder = Path(out).resolve()
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{out} is a file: expected the name of a folder for the parts.")
    opened = open_source(str(source), kind)
    bundle = find_bundle(model)
    Classifier(bundle)  # an unreadable model is reported now and not by every worker
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"The folder {out} cannot be written: {error.strerror}.") from None
    with lock_file(
        folder / ".lock", f"Another process scores into {out}: wait for it, or name another folder."
    ):
        existing = parts_in(folder)
        before = next((metadata.get("part_size") for metadata in existing.values()), None)
        job = Job(
            source=opened,
            model=bundle.path.resolve(),
            model_name=bundle.name,
            model_sha256=model_sha256(bundle),
            labels=bundle.labels,
            detector=FaceDetector().name if opened.kind == "photos" else None,
            part_size=part_size or before or usual_part_size(opened),
            out=folder,
        )
        check_same_job(job, existing)
        parts = PartFolder(job)
        parts.clear_unfinished()
        results = {
            index: result
            for index, metadata in existing.items()
            if (result := parts.summary(index, metadata)) is not None
        }
        done = len(results)
        cores = workers or (None if ray else available_cores())
        with connected(ray, cores) if ray and done < job.part_count() else nullcontext():
            on_begin(job, sum(result.items for result in results.values()))
            if done < job.part_count():
                todo = job.parts(without=set(results))
                for result in (
                    run_ray(job, todo, cores)
                    if ray
                    else run_local(job, todo, min(cores or 1, job.part_count() - done))
                ):
                    results[result.index] = result
                    on_part(result)
        missing = [index for index in range(job.part_count()) if not parts.file(index).is_file()]
        if missing:
            raise DataError(
                f"{out} lacks {len(missing):,} of {job.part_count():,} parts, such as {missing[0]}: start "
                "again."
            )
    every = results.values()
    return ScoreSummary(
        out=str(folder),
        kind=opened.kind,
        model=job.model_name,
        model_sha256=job.model_sha256,
        fingerprint=opened.fingerprint,
        items=sum(r.items for r in every),
        rows=sum(r.rows for r in every),
        errors=sum(r.errors for r in every),
        parts=job.part_count(),
        parts_before=done,
        bytes=sum(r.bytes for r in every),
        workers=cores,
        engine="ray" if ray else "local",
        seconds=round(time.monotonic() - begun, 3),
    )
