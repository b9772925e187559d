"""Small files that would unpack to much: refused by their headers, or read in little memory."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fer_core.data import open_dataset
from fer_core.data.budget import Budget
from fer_core.errors import DataError


def png(width: int, height: int, noise: bool = False) -> bytes:
    pixels = np.zeros((height, width), np.uint8)
    if noise:
        pixels[:] = np.random.default_rng(0).integers(0, 255, (height, width))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(path: Path, blobs: list[bytes], **options: object) -> Path:
    table = pa.table(
        {
            "image": pa.array([{"bytes": blob} for blob in blobs], pa.struct([("bytes", pa.binary())])),
            "emotion": [i % 7 for i in range(len(blobs))],
        }
    )
    pq.write_table(table, path, **options)
    return path


def repeated(value: bytes | str, count: int) -> pa.DictionaryArray:
    """Rows that share one value: the same file as from a list, which Arrow would first copy out."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), [value])


def npz(count: int, size: int = 48) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=np.zeros((count, size, size), np.uint8), labels=np.arange(count) % 7)
    return buffer.getvalue()


def peak_megabytes(path: Path) -> float:
    """Return the memory of a process that opens the source, at its highest."""
    code = (
        "import re, sys\nfrom pathlib import Path\nfrom fer_core.data import open_dataset\n"
        # getrusage would also count what the parent process had
        "peak = lambda: int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "before = peak()\nprint(len(open_dataset(sys.argv[1])))\nprint((peak() - before) / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def test_an_image_that_many_rows_share_is_kept_and_decoded_once(own_cache: None, tmp_path: Path) -> None:
    """2,048 rows name one PNG of 0.9 MB: 4,752 MB before."""
    path = tmp_path / "a.parquet"
    images = pa.StructArray.from_arrays([repeated(png(960, 960, noise=True), 2048)], ["bytes"])
    table = pa.table({"image": images, "emotion": np.arange(2048) % 7})
    pq.write_table(table, path, store_schema=False)
    assert path.stat().st_size < 1_100_000
    assert peak_megabytes(path) < 250


def test_a_label_that_many_rows_share_is_kept_once(own_cache: None, tmp_path: Path) -> None:
    labels = repeated("happy" + " " * 10**6, 2000)
    table = pa.table({"image": [png(48, 48)] * 2000, "emotion": labels})
    pq.write_table(table, tmp_path / "a.parquet", store_schema=False)
    assert peak_megabytes(tmp_path / "a.parquet") < 250


def test_rows_of_several_groups_and_encodings_are_read(own_cache: None, tmp_path: Path) -> None:
    """Arrow falls back from shared values to plain ones in the middle of a group."""
    blobs = [png(48, 48, noise=True) + i.to_bytes(4, "big") for i in range(1500)]
    path = write_parquet(tmp_path / "a.parquet", blobs, row_group_size=700, dictionary_pagesize_limit=100_000)
    assert len(open_dataset(path)) == 1500


def many_rows(folder: Path) -> Path:
    return write_parquet(folder / "a.parquet", [png(48, 48)] * 3000)


def unpacked_parquet(folder: Path) -> Path:
    blobs = [png(48, 48) + b"0" * 2_000_000] * 30
    return write_parquet(folder / "b.parquet", blobs, use_dictionary=False, compression="zstd")


def many_arrays(folder: Path) -> Path:
    (folder / "a.npz").write_bytes(npz(3000))
    return folder / "a.npz"


def large_arrays(folder: Path) -> Path:
    (folder / "b.npz").write_bytes(npz(1000, 400))
    return folder / "b.npz"


def zipped_arrays(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("train/a.npz", npz(700))
        archive.writestr("test/b.npz", npz(700))
    return folder / "c.zip"


def lying_array(folder: Path) -> Path:
    """A header with 10^12 images over the bytes of none."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": (10**12, 48, 48)}
    )
    with zipfile.ZipFile(folder / "d.npz", "w") as archive:
        archive.writestr("images.npy", head.getvalue())
    return folder / "d.npz"


def many_lines(folder: Path) -> Path:
    row = "0," + " ".join(["7"] * 2304) + ",Training\n"
    (folder / "a.csv").write_text("emotion,pixels,Usage\n" + row * 5 + "\n" * 2000)
    return folder / "a.csv"


def many_pictures(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for i in range(1001):
            archive.writestr(f"happy/{i}.png", b"")
    return folder / "a.zip"


def many_names(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "names.zip", "w") as archive:
        for i in range(3100):
            archive.writestr(f"{i}.txt", b"")
    return folder / "names.zip"


def large_pictures(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "pixels.zip", "w") as archive:
        for i in range(40):
            archive.writestr(f"{('happy', 'sad')[i % 2]}/{i}.png", png(2000, 2000))
    return folder / "pixels.zip"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (many_rows, "3,000 faces: at most 1,000"),
        (unpacked_parquet, "is refused: it would unpack"),
        (many_arrays, "3,000 faces: at most 1,000"),
        (large_arrays, "far more than pictures or tables"),
        (zipped_arrays, "1,400 faces: at most 1,000"),
        (lying_array, "faces: at most 1,000"),
        (many_lines, "2,005 faces: at most 1,000"),
        (many_pictures, "1,001 faces: at most 1,000"),
        (many_names, "more than 3,000 files"),
        (large_pictures, "more than 60 megapixels together"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_bomb_is_refused_before_it_takes_memory(
    own_cache: None, tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(DataError, match=reason):
        open_dataset(path, Budget(faces=1000, unpacked=50_000_000))


def test_pictures_of_100_megapixels_are_not_decoded(own_cache: None, tmp_path: Path) -> None:
    """120 of them were not open after 90 s."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        content = png(10_000, 10_000)
        for i in range(120):
            archive.writestr(f"{('happy', 'sad')[i % 2]}/{i}.png", content)
    begun = time.process_time()
    with pytest.raises(DataError, match="at most 4 megapixels"):
        open_dataset(tmp_path / "a.zip")
    assert time.process_time() - begun < 10


def test_skipped_lines_do_not_slow_a_table_down(own_cache: None, tmp_path: Path) -> None:
    row = "0," + " ".join(["7"] * 2304) + ",Training\n"
    (tmp_path / "a.csv").write_text("emotion,pixels,Usage\n" + (row + "\n" * 30) * 2000)
    dataset = open_dataset(tmp_path / "a.csv")
    assert dataset.rows.tolist() == list(range(2000))


def test_a_link_in_a_zip_is_text(own_cache: None, tmp_path: Path) -> None:
    """Nothing is unpacked, so that a link leads nowhere."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for i in range(14):
            archive.writestr(f"{('happy', 'sad')[i % 2]}/{i}.png", png(48, 48, noise=True))
        link = zipfile.ZipInfo("happy/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    dataset = open_dataset(tmp_path / "a.zip")
    assert len(dataset) == 14 and "link.png" in dataset.warnings[0]


def test_a_name_with_line_breaks_makes_no_lines(own_cache: None, tmp_path: Path) -> None:
    """Found by the guided search: the name of a damaged member stood in the message as it was."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("happy\n/a\x0b\u2028b.csv", "no faces" * 100)
    content = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04" + b"\0" * 40 + content[44:])
    with pytest.raises(DataError) as refused:
        open_dataset(tmp_path / "a.zip")
    assert len(str(refused.value).splitlines()) == 1
