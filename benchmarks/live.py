"""What a live session costs on one core: frames a second, delay and memory, beside YuNet alone on the same
frames in the same run.

    python benchmarks/live.py [MODEL [FRAMES]]

Frames are 640x480 with one face that moves. YuNet on the whole frame and the session's work on it take turns,
so that whatever else the machine does meets both; their ratio is the figure to compare, and the issue's line
is a half. The work of a session includes mirroring, the search for faces, the network, the tracker,
smoothing, the history and drawing; what WebRTC needs to decode and code the video is measured beside it, with
the coder that aiortc uses (VP8).

Then a camera of 30 frames a second for one and for four sessions at once, on this machine's cores, each frame
dropped that is not the newest. Last, FRAMES frames (3,000) for growth of memory. It measures processor time
(of the thread) beside the time on the wall, since only the former tells the work apart from what other
programs take.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import gc
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fer_core.bundles.bundle import Bundle, find_bundle
from fer_core.inference import FaceDetector
from fer_core.live import FrameScheduler, LiveSession

CAMERA = 30.0  # frames a second
SECONDS = 15.0


def _encode(coder: Any, frame: Any, packets: list) -> None:
    packets.extend(coder.encode(frame.reformat(format="yuv420p")))


def film(count: int = 60) -> list[np.ndarray]:
    """(480, 640, 3) uint8 frames: a face of some 100 pixels moves over noise."""
    head = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB").crop((120, 0, 330, 210))
    noise = np.random.default_rng(0).integers(90, 130, (480, 640, 3), dtype=np.uint8)
    frames = []
    for i in range(count):
        picture = Image.fromarray(np.roll(noise, 7 * i, axis=1))
        picture.paste(head, (215 + round(80 * np.sin(2 * np.pi * i / count)), 130))
        frames.append(np.asarray(picture))
    return frames


def on_one_core(model: Bundle, frames: list[np.ndarray]) -> None:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    detector, session = FaceDetector(), LiveSession(model)
    spent: dict[str, list[tuple[float, float]]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        wall, processor = time.perf_counter(), time.thread_time()
        work()
        spent.setdefault(name, []).append((time.perf_counter() - wall, time.thread_time() - processor))

    coder = av.CodecContext.create("libvpx", "w")
    coder.width, coder.height, coder.pix_fmt, coder.time_base, coder.bit_rate = (
        640,
        480,
        "yuv420p",
        Fraction(1, 30),
        1_000_000,
    )
    coder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    coder.thread_count = 1
    decoder = av.CodecContext.create("vp8", "r")
    decoder.thread_count = 1
    packets = coder.encode(av.VideoFrame.from_ndarray(frames[0], format="rgb24"))
    for i in range(4 * len(frames)):
        frame = frames[i % len(frames)]
        timed("YuNet alone, 640x480", partial(detector.detect, frame))
        out = session.process(frame)
        timed("the session", partial(session.process, frame))
        answer = av.VideoFrame.from_ndarray(out, format="rgb24")
        answer.pts = i + 1
        timed("coding (VP8)", partial(_encode, coder, answer, packets))
        timed("decoding (VP8)", lambda: [decoder.decode(packets.pop(0)) for _ in range(len(packets))])
    found = len(session.snapshot().faces)
    session.close()
    os.sched_setaffinity(0, cores)
    print(
        f"{model.path.name}, one core, 640x480, {found} face, {len(spent['the session'])} frames; ms, "
        "median (95th percentile):"
    )
    print(f"{'':24}{'processor':>18}{'wall':>18}{'of YuNet':>12}")
    base = np.median([processor for _, processor in spent["YuNet alone, 640x480"]])
    for name, pairs in spent.items():
        wall, processor = (1000 * np.percentile([pair[k] for pair in pairs], [50, 95]) for k in (0, 1))
        print(
            f"{name:24}{processor[0]:9.1f} ({processor[1]:5.1f}) {wall[0]:9.1f} ({wall[1]:5.1f}) "
            f"{processor[0] / (1000 * base):11.2f}"
        )


def at_once(model: Bundle, frames: list[np.ndarray], people: int) -> None:
    """Cameras that send 30 frames a second, whose newest one each session takes when it is free."""
    turns = FrameScheduler()
    sessions = [LiveSession(model, scheduler=turns) for _ in range(people)]
    begun = time.perf_counter()
    delays: list[list[float]] = [[] for _ in sessions]

    def live(number: int) -> None:
        session, last = sessions[number], -1
        while (now := time.perf_counter() - begun) < SECONDS:
            newest = int(now * CAMERA)
            if newest == last:
                time.sleep(max(0.0, (last + 1) / CAMERA - now))
                continue
            session.process(frames[newest % len(frames)], captured=newest / CAMERA, unseen=newest - last - 1)
            delays[number].append(time.perf_counter() - begun - newest / CAMERA)
            last = newest

    threads = [threading.Thread(target=live, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rates = [len(times) / SECONDS for times in delays]
    late = [1000 * np.percentile(times, [50, 95]) for times in delays]
    share = [
        100 * session.snapshot().figures.dropped / session.snapshot().figures.frames for session in sessions
    ]
    for session in sessions:
        session.close()
    print(f"{people} at once on {turns.max_concurrent} cores, camera of {CAMERA:.0f} a second:")
    for rate, (median, most), dropped in zip(rates, late, share, strict=True):
        print(
            f"  {rate:5.1f} a second, capture to answer {median:5.0f} ms, 95th percentile {most:5.0f} ms, "
            f"dropped {dropped:3.0f} %"
        )


def memory(model: Bundle, frames: list[np.ndarray], count: int) -> None:
    session = LiveSession(model)
    for i in range(count):
        session.process(frames[i % len(frames)], captured=i / CAMERA)
        if i % 15 == 0:
            session.snapshot()
        if i + 1 in (count // 6, count // 2, count):
            gc.collect()
            print(f"  after {i + 1:6,} frames {_resident():7.1f} MB")
    session.close()


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    model = find_bundle(sys.argv[1] if len(sys.argv) > 1 else "ferplus")
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    cv2.setNumThreads(1)
    frames = film()
    on_one_core(model, frames)
    for people in (1, 4):
        at_once(model, frames, people)
    print("Memory:")
    memory(model, frames, count)


if __name__ == "__main__":
    main()
