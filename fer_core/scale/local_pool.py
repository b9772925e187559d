"""Workers of this machine: processes, or the present process if one worker is enough."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from ..errors import FerError
from .job import Job, Part
from .part_folder import PartResult
from .scorer import Scorer, score_part

_DEATHS = 3  # of workers in a row, without a finished part in between

_scorer: Scorer | None = None  # of this process, if it is a worker


def run_local(job: Job, parts: Iterable[Part], workers: int) -> Iterator[PartResult]:
    """Score all parts and yield the results as they arrive.

    A killed worker is replaced, and its unfinished work repeated.

    Raises:
        FerError: A part cannot be scored, or workers end repeatedly.
    """
    if workers == 1:
        scorer = Scorer(job)
        yield from (score_part(scorer, part) for part in parts)
        return
    waiting, deaths = iter(parts), 0
    again: list[Part] = []  # unfinished parts of a killed worker
    while True:
        running: dict[Future[PartResult], Part] = {}
        # Spawned, not forked: a fork would copy the locks of threads that OpenCV and LiteRT have started.
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (job,))
        try:
            while True:
                while (
                    len(running) < 2 * workers
                    and (part := again.pop() if again else next(waiting, None)) is not None
                ):
                    running[pool.submit(_do, part)] = part
                if not running:
                    pool.shutdown()
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    del running[future]
                    deaths = 0
                    yield result
        except BrokenProcessPool:
            again += running.values()
            deaths += 1
            pool.shutdown(cancel_futures=True)
            if deaths == _DEATHS:
                names = ", ".join(str(part.index) for part in sorted(again, key=lambda part: part.index))
                raise FerError(
                    f"Workers were ended {_DEATHS} times without a part done in between (parts {names}): "
                    "is there enough memory? "
                    "What is done is kept; start again with fewer --workers."
                ) from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _begin(job: Job) -> None:
    """Make this process a worker: single-threaded, and ending together with its parent process."""
    import cv2

    global _scorer
    signal.signal(
        signal.SIGINT, lambda *_: os._exit(130)
    )  # Ctrl-C reaches all processes; the first one reports it
    threading.Thread(target=_follow_parent, daemon=True).start()
    cv2.setNumThreads(1)  # the other cores have their own workers
    _scorer = Scorer(job)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(part: Part) -> PartResult:
    assert _scorer is not None
    return score_part(_scorer, part)
