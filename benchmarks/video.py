"""Time and memory of ten minutes of 720p, from the file to its timeline and to the annotated video.

    python benchmarks/video.py [MODEL [MINUTES [RATE]]]

The video is made: two faces move over a noisy picture, 30 frames a second. It is coded once, and analysed in
a process of its own, whose peak is VmHWM of /proc (Linux); so is writing the annotated video. The same with a
tenth of the minutes says whether memory grows.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fer_core.video import VideoWriter

WIDTH, HEIGHT, RATE = 1280, 720, 30

_PEAK = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from fer_core.inference import Predictor
from fer_core.video import analyse_video, annotate_video
path = Path({path!r})
begun = time.perf_counter()
timeline = analyse_video(path, Predictor({model!r}), rate={rate})
seconds = time.perf_counter() - begun
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
result = f"{{len(timeline.times):,}} moments, {{len(timeline.tracks)}} faces, {{seconds:.0f}} s, "
print("analysed at {rate:g} a second:", result, f"peak {{peak()}} MB", flush=True)
begun = time.perf_counter()
annotate_video(path, timeline, path.with_name("annotated.mp4"))
print(f"annotated: {{time.perf_counter() - begun:.0f}} s, peak {{peak()}} MB")
"""


def make(path: Path, minutes: float) -> None:
    portrait = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB").crop((80, 0, 380, 300))
    noise = np.random.default_rng(0).integers(90, 130, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    backgrounds = [np.roll(noise, i, axis=1) for i in range(7)]
    faces = portrait, portrait.resize((200, 200))
    with VideoWriter(path, WIDTH, HEIGHT, RATE) as writer:
        for i in range(round(minutes * 60 * RATE)):
            picture = Image.fromarray(backgrounds[i % 7])
            sway = np.sin(i / 45)
            picture.paste(faces[0], (round(150 + 100 * sway), 200))
            picture.paste(faces[1], (round(850 - 120 * sway), 250))
            writer.write(i / RATE, np.asarray(picture))


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else "ferplus"
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else 5.0
    with tempfile.TemporaryDirectory() as folder:
        for length in (minutes / 10, minutes):
            path = Path(folder) / "made.mp4"
            begun = time.perf_counter()
            make(path, length)
            size, seconds = path.stat().st_size / 2**20, time.perf_counter() - begun
            print(
                f"{length:g} minutes of {WIDTH}x{HEIGHT}, {size:.0f} MB, coded in {seconds:.0f} s", flush=True
            )
            code = _PEAK.format(root=str(ROOT), path=str(path), model=model, rate=rate)
            subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    main()
