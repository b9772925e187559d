"""How much memory and time a photo of 50 megapixels takes from its bytes to the faces, by the form that it
comes in.

    python benchmarks/photo_memory.py [MODEL]

Every form is read in a process of its own; its peak is VmHWM of /proc (Linux), which holds the interpreter,
OpenCV and the model too.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"
SIZE = (8660, 5773)  # 50 megapixels, 3:2

_MEASURED = """
import sys, time
sys.path.insert(0, {root!r})
from fer_core.inference import Predictor
predictor = Predictor({model!r})
predictor.predict({portrait!r})
content = sys.stdin.buffer.read()
begun = time.perf_counter()
faces = predictor.predict(content)
seconds = time.perf_counter() - begun
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(len(content), len(faces), int(peak) // 1024, round(seconds, 2))
"""


def photo() -> Image.Image:
    """The sample portrait three times, with the noise of a camera's sensor; all faces are some 1,000 pixels
    high."""
    portrait = Image.open(PORTRAIT).convert("RGB")
    picture = Image.new("RGB", SIZE)
    for i in range(3):
        picture.paste(portrait.resize((2887, 5773)), (2887 * i, 0))
    picture.paste(portrait.resize((2886, 2886)), (0, 2887))
    noise = np.random.default_rng(0).integers(-6, 7, (512, 512, 3), dtype=np.int16)
    pixels = np.asarray(picture).copy()
    for y in range(0, SIZE[1], 512):
        for x in range(0, SIZE[0], 512):
            part = pixels[y : y + 512, x : x + 512]
            part[:] = np.clip(part + noise[: part.shape[0], : part.shape[1]], 0, 255)
    return Image.fromarray(pixels)


def encoded(picture: Image.Image, format: str, **options: object) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def sideways() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def deep(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


FORMS: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG": lambda p: encoded(p, "JPEG", quality=90),
    "JPEG, sideways": lambda p: encoded(
        p.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif=sideways()
    ),
    "JPEG, progressive, 4:4:4": lambda p: encoded(p, "JPEG", quality=90, progressive=True, subsampling=0),
    "JPEG, CMYK": lambda p: encoded(p.convert("CMYK"), "JPEG", quality=90),
    "PNG": lambda p: encoded(p, "PNG", compress_level=1),
    "PNG, sideways": lambda p: encoded(
        p.transpose(Image.Transpose.ROTATE_90), "PNG", compress_level=1, exif=sideways()
    ),
    "PNG, transparent": lambda p: encoded(p.convert("RGBA"), "PNG", compress_level=1),
    "PNG, 16 bit grey": lambda p: encoded(deep(p), "PNG", compress_level=1),
    "TIFF, CMYK": lambda p: encoded(p.convert("CMYK"), "TIFF", compression="tiff_lzw"),
    "TIFF, fractions": lambda p: encoded(
        Image.fromarray(np.asarray(p.convert("L"), np.float32) / 255), "TIFF"
    ),
    "WebP": lambda p: encoded(p, "WEBP", quality=80, method=0),
    "HEIC": lambda p: encoded(p, "HEIF", quality=50),
}


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else "ferplus"
    code = _MEASURED.format(root=str(ROOT), model=model, portrait=str(PORTRAIT))
    picture = photo()
    print(f"{'form':28}{'bytes':>14}{'faces':>7}{'peak MB':>9}{'seconds':>9}")
    for name, make in FORMS.items():
        done = subprocess.run(
            [sys.executable, "-c", code], input=make(picture), capture_output=True, check=True
        )
        size, faces, peak, seconds = done.stdout.split()
        print(f"{name:28}{int(size):14,}{int(faces):7}{int(peak):9,}{float(seconds):9.2f}", flush=True)


if __name__ == "__main__":
    main()
