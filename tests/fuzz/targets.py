"""Every parser of user input as a function of bytes, for the tests and the coverage-guided fuzzer.

A parser may read its input or refuse it with a `FerError` of one sentence. Anything else is a finding.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from fer_core.album import pictures
from fer_core.bundles.bundle import CARD, read_bundle
from fer_core.config import RunConfig
from fer_core.data import Dataset, open_dataset, opening
from fer_core.data.dataset import assemble
from fer_core.data.readers import label_names
from fer_core.data.recipe import FORMAT, read_recipe
from fer_core.data.votes import read_votes
from fer_core.errors import FerError
from fer_core.evaluation import record
from fer_core.evaluation.predictions import parse_predictions
from fer_core.imaging import open_image, open_reduced, size_of
from fer_core.label_options import LabelOptions, join_source, split_source
from fer_core.model_import import formats
from fer_core.model_import.open_network import open_network
from fer_core.runs.run_folder import HISTORY_COLUMNS, list_runs, open_run
from fer_core.training.snapshots import read_snapshots
from fer_core.video import VideoReader
from tests import tiny
from tests.data import build
from tests.video import made


@dataclass(frozen=True)
class Target:
    """Parser under test.

    Attributes:
        read: Takes the input and an empty folder.
        seeds: Good inputs to begin with.
        tokens: Pieces with a meaning in the format.
        packed: Whether the input is a zip, whose members are changed too.
    """

    read: Callable[[bytes, Path], None]
    seeds: Callable[[], list[bytes]]
    tokens: tuple[bytes, ...] = ()
    packed: bool = False


class Finding(AssertionError):
    """A parser broke its contract."""


def attempt(target: Target, data: bytes, folder: Path) -> bool:
    """Feed one input; return whether it was read.

    Raises:
        Finding: The refusal is not one short sentence, or files were written.
        Exception: Any other error of the parser.
    """
    before = _listing(folder.parent)
    try:
        target.read(data, folder)
        return True
    except FerError as error:
        text = str(error)
        if not text.strip() or "\n" in text.strip() or "Traceback" in text or len(text) > 2000:
            raise Finding(f"the refusal is no sentence: {text[:300]!r}") from error
        return False
    finally:
        if escaped := _listing(folder.parent) - before:
            raise Finding(f"written outside its folder: {sorted(escaped)[:3]}")


def _listing(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


# --- Data sets


def _dataset(suffix: str) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        path = folder / f"data{suffix}"
        path.write_bytes(data)
        dataset = assemble(opening.read_file(path), str(path))
        if dataset.images.shape[1:] != (48, 48) or dataset.images.dtype != np.uint8:
            raise Finding(f"images of {dataset.images.shape} {dataset.images.dtype}")
        if not len(dataset.images) == len(dataset.labels) == len(dataset.splits) == len(dataset.rows):
            raise Finding("columns of different lengths")
        if dataset.labels.size and not (dataset.labels.min() >= -1 and dataset.labels.max() < 7):
            raise Finding("labels that do not exist")

    return read


def _csv() -> list[bytes]:
    images, codes = build.faces(3)
    table = build.csv_text(build.fer_columns(images, codes, ["Training", "PublicTest", "PrivateTest"]))
    reordered = build.csv_text(
        {"Usage": ["Training"] * 3, "pixels": build.pixel_text(images), "emotion": build.names_of(codes)},
        ";",
        "\r\n",
    )
    return [table.encode(), b"\xef\xbb\xbf" + reordered.encode()]


@cache
def _small_csv() -> Dataset:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fer.csv"
        path.write_bytes(_csv()[0])
        return assemble(opening.read_file(path), str(path))


def _zip(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def _picture(format: str, mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, format, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def _zips() -> list[bytes]:
    face = _picture("PNG", "L", (48, 48))
    folders = [
        (f"fer/{split}/{name}/{k}.png", face)
        for split in ("train", "test")
        for k, name in enumerate(build.CODES)
    ]
    return [
        _zip(folders),
        _zip([("train.csv", _csv()[0]), ("__MACOSX/._train.csv", b"\0")]),
        _zip([("../../out.csv", _csv()[0])]),
    ]


def _lists() -> list[bytes]:
    """Zips of pictures with a list of their labels."""
    images, codes = build.faces(7)
    names = build.names_of(codes)
    pictures = [(f"images/fer{i:07}.png", _png(image)) for i, image in enumerate(images)]
    files = [name for name, _ in pictures]
    paths = build.csv_text({"image": files, "label": names}).encode()
    votes = "".join(f'{name[7:]},"(0, 0, 48, 48)",8,0,0,0,0,0,0,2,0,0\n' for name in files).encode()
    marks = "filename, happy, sad\n" + "".join(f"{name[7:]}, 1, 0\n" for name in files)
    labels = [(f"labels/fer{i:07}.txt", b"0 0.5 0.5 1 1\n") for i in range(7)]
    return [
        _zip([*pictures, ("labels.csv", paths)]),
        _zip([*pictures, ("images/label.csv", votes)]),
        _zip([*pictures, ("images/_classes.csv", marks.encode())]),
        _zip([*pictures, *labels, ("data.yaml", b"names: ['happy', 'sad']\n")]),
    ]


def _tars() -> list[bytes]:
    images, codes = build.faces(7)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, image in zip(build.names_of(codes), images, strict=True):
            member = tarfile.TarInfo(f"train/{name}/0.png")
            content = _png(image)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return [buffer.getvalue()]


def _pixel_columns() -> list[bytes]:
    images, codes = build.faces(2)
    pixels = {f"pixel{i}": images.reshape(2, -1)[:, i] for i in range(2304)}
    return [build.csv_text({"label": codes, "usage": ["train", "test"]} | pixels).encode()]


def _npzs() -> list[bytes]:
    images, codes = build.faces(14)
    keras, plain, pickled = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez(keras, x_train=images, y_train=codes, x_test=images, y_test=codes)
    np.savez_compressed(
        plain,
        pixels=images.reshape(14, -1) / 255,
        emotion=np.array(build.names_of(codes)),
        usage=np.array(["Training"] * 14),
    )
    np.savez(pickled, pixels=images, emotion=np.array([print] * 14, dtype=object))
    return [keras.getvalue(), plain.getvalue(), pickled.getvalue()]


def _parquets() -> list[bytes]:
    images, codes = build.faces(7)
    blobs = [{"bytes": _png(image), "path": None} for image in images]
    found = []
    for columns in (
        {"image": blobs, "emotion": codes, "usage": ["Training"] * 7},
        {"image": [b["bytes"] for b in blobs], "label": build.names_of(codes)},
    ):
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer)
        found.append(buffer.getvalue())
    return found


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _label_names(data: bytes, folder: Path) -> None:
    names = label_names.parse(data)
    if names is not None and not all(isinstance(k, int) and isinstance(n, str) for k, n in names.items()):
        raise Finding(f"names {names}")


def _label_options(data: bytes, folder: Path) -> None:
    """Split a source with options, and read the order in it."""
    location, options = split_source("faces.npz?" + data.decode("utf-8", errors="replace"))
    if options != LabelOptions() and split_source(join_source(location, options)) != (location, options):
        raise Finding(f"options that differ when they are read again: {options}")


def _votes(data: bytes, folder: Path) -> None:
    path = folder / "fer2013new.csv"
    path.write_bytes(data)
    votes = read_votes(path, _small_csv())
    if votes.counts.shape != (3, 10):
        raise Finding(f"votes of {votes.counts.shape}")


def _vote_tables() -> list[bytes]:
    rows = [
        "Training,a.png,1,2,0,0,7,0,0,0,0,0",
        "PublicTest,b.png,0,10,0,0,0,0,0,0,0,0",
        "PrivateTest,,0,0,0,0,0,0,0,0,0,10",
    ]
    return [("Usage,Image name," + ",".join(tiny.VOTE_COLUMNS) + "\n" + "\n".join(rows) + "\n").encode()]


def _recipe(data: bytes, folder: Path) -> None:
    (folder / "cleaned.variant.json").write_bytes(data)
    read_recipe(folder / "cleaned.variant.json")


def _recipes() -> list[bytes]:
    found = {
        "format": FORMAT,
        "source": "fer.csv",
        "fingerprint": "00ff",
        "drop": {"3": "copy"},
        "relabel": {"4": "sad"},
    }
    return [json.dumps(found).encode()]


def _source_name(data: bytes, folder: Path) -> None:
    """Open `synthetic` with a suffix, whose options could be impossible."""
    text = data.decode("utf-8", errors="replace")[:200]
    if re.search(r"[0-9]{4}", text):
        return  # more faces would be drawn, which takes too long
    if (
        len(
            open_dataset(
                f"synthetic:7{text}" if not text.startswith(tuple("0123456789")) else "synthetic?" + text
            )
        )
        > 10**6
    ):
        raise Finding("more faces than asked for")


# --- Photos and videos


def _image(data: bytes, folder: Path) -> None:
    width, height = size_of(data)
    picture = open_image(data)
    if picture.mode not in ("L", "RGB") or sorted(picture.size) != sorted((width, height)):
        raise Finding(f"{picture.mode} {picture.size} of {width}x{height}")
    open_reduced(data)


def _images() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    seeds = [
        _picture("JPEG", exif=exif),
        _picture("JPEG", "CMYK"),
        _picture("JPEG", "L", progressive=True),
        _picture("PNG", "RGBA"),
        _picture("PNG", "P"),
        _picture("PNG", "I;16"),
        _picture("WEBP"),
        _picture("WEBP", lossless=True),
        _picture("GIF", "P"),
        _picture("BMP"),
        _picture("TIFF", compression="tiff_lzw"),
        _picture("TIFF", "F"),
        _picture("PPM"),
        _picture("AVIF", size=(16, 16)),
    ]
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    return [*seeds, _picture("HEIF", size=(64, 64))]


def _album(data: bytes, folder: Path) -> None:
    for picture in pictures(io.BytesIO(data))[:20]:
        try:
            open_reduced(picture.read(), picture.name)
        except FerError:
            continue


def _albums() -> list[bytes]:
    photo = _picture("JPEG")
    return [
        _zip(
            [
                ("a/one.jpg", photo),
                ("two.png", _picture("PNG")),
                ("notes.txt", b"no picture"),
                ("../up.jpg", photo),
            ],
            zipfile.ZIP_STORED,
        )
    ]


def _video(data: bytes, folder: Path) -> None:
    with VideoReader(io.BytesIO(data), "clip") as reader:
        for number, frame in enumerate(reader.frames(every=2)):
            if frame.pixels.ndim != 3 or frame.pixels.dtype != np.uint8:
                raise Finding(f"a frame of {frame.pixels.shape} {frame.pixels.dtype}")
            if number == 3:
                break
        reader.frame_at(0.3)


def _videos() -> list[bytes]:
    frames = made.moving(6)
    small = [frame[::4, ::4] for frame in frames]
    return [
        made.video(small),
        made.video(small, format="matroska", codec="libvpx"),
        made.video(small, format="avi", codec="mjpeg", prepare=_full_range),
    ]


def _full_range(stream: object) -> None:
    stream.pix_fmt = "yuvj420p"  # type: ignore[attr-defined]


# --- Models and runs


def _card(data: bytes, folder: Path) -> None:
    (folder / CARD).write_bytes(data)
    bundle = read_bundle(folder)
    if not bundle.labels or len(set(bundle.labels)) != len(bundle.labels):
        raise Finding("labels that are none")


def _cards() -> list[bytes]:
    from fer_core.bundles.bundle import MODELS_DIR

    return [(MODELS_DIR / "tiny" / CARD).read_bytes(), b'{"labels": ["happy", "sad"]}']


def _model_file(suffix: str) -> Callable[[bytes, Path], None]:
    """A model from elsewhere, which is opened and run."""

    def read(data: bytes, folder: Path) -> None:
        path = folder / f"model{suffix}"
        path.write_bytes(data)
        network = open_network(path, folder)
        shape = network.shape
        size = (shape.channels, shape.height, shape.width)
        batch = np.zeros((2, *(size if shape.channels_first else (*size[1:], size[0]))), np.float32)
        answer = network.run(batch)
        if answer.shape != (2, network.count):
            raise Finding(f"answers of {answer.shape} from {network.count} outputs")

    return read


def _saved_model(data: bytes, folder: Path) -> None:
    """A packed SavedModel up to its loading, before which it is checked."""
    path = folder / "model.zip"
    path.write_bytes(data)
    if formats.recognise(path) == formats.SAVED_MODEL_ZIP:
        from fer_core.model_import import saved_model

        (folder / "unpacked").mkdir()
        saved_model.check(saved_model.unpacked(path, folder / "unpacked"))


@cache
def _model_files() -> dict[str, bytes]:
    """One small network in the formats that Keras writes, by suffix."""
    import tempfile

    from tests.model_import import made as made_models

    network = made_models.keras_network(side=48, channels=1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for suffix in (".keras", ".h5"):
            network.save(folder / f"model{suffix}")
        network.export(folder / "saved", verbose=False)
        made_models.write_onnx(folder / "model.onnx")
        found = {path.suffix: path.read_bytes() for path in folder.glob("model.*")}
        members = [path for path in sorted((folder / "saved").rglob("*")) if path.is_file()]
        packed = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in members]
    return found | {".zip": _zip(packed)}


def _litert_files() -> list[bytes]:
    from fer_core.bundles.bundle import INFERENCE, MODELS_DIR

    return [(MODELS_DIR / "tiny" / INFERENCE).read_bytes()]


RUN_FILES = ("config.json", "history.csv", "status.json", "progress.json", "watch.npz", "watch.records")


def _run(data: bytes, folder: Path) -> None:
    """The records of a run, as a zip of its files."""
    run = folder / "run"
    run.mkdir()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if member.filename in RUN_FILES and member.file_size < 10**6:
                    (run / member.filename).write_bytes(archive.read(member))
    except Exception:
        return  # it is not the zip that is tried here
    for found in list_runs(folder):
        found.status(), found.progress(), found.history(), read_snapshots(found.path)
    opened = open_run(run)
    opened.config(), opened.status(), opened.history(), read_snapshots(opened.path)


def _runs() -> list[bytes]:
    watch = io.BytesIO()
    np.savez(watch, faces=np.zeros((2, 48, 48), np.uint8), true=np.array([0, 1]), filters=np.array([4, 3, 3]))
    files = {
        "config.json": RunConfig.parse({"data": {"source": "fer.csv"}}).model_dump_json().encode(),
        "history.csv": (",".join(HISTORY_COLUMNS) + "\n1,2.0,0.2,1.9,0.3,0.01,3.5,900.0,1\n").encode(),
        "status.json": b'{"state": "finished", "started": 1700000000.0, "pid": 1}',
        "progress.json": b'{"epoch": 1, "batch": 3, "time": 1.5}',
        "watch.npz": watch.getvalue(),
        "watch.records": b"\0" * 700,
    }
    return [_zip(files.items(), zipfile.ZIP_STORED)]


def _settings(data: bytes, folder: Path) -> None:
    RunConfig.parse({"data": {"source": "fer.csv"}}).with_settings(
        data.decode("utf-8", errors="replace").splitlines()[:5]
    )


@cache
def _answered() -> Dataset:
    return open_dataset("synthetic:70:3")


def _predictions(data: bytes, folder: Path) -> None:
    found = parse_predictions("answers.csv", data, _answered(), "test")
    if found.probabilities.shape != (len(found.rows), 7) or not np.isfinite(found.probabilities).all():
        raise Finding(f"probabilities of {found.probabilities.shape}")


def _answers() -> list[bytes]:
    rows = _answered().rows[_answered().indices("test")]
    answers = build.csv_text({"row": rows, "prediction": ["happy"] * len(rows)})
    shares = build.csv_text({"row": rows, "happy": [0.7] * len(rows), "sad": [0.3] * len(rows)})
    buffer = io.BytesIO()
    np.savez(buffer, probabilities=np.full((len(rows), 7), 1 / 7), rows=rows)
    return [answers.encode(), shares.encode(), buffer.getvalue()]


def _evaluation(data: bytes, folder: Path) -> None:
    path = folder / "test.npz"
    path.write_bytes(data)
    found = record._read(path, "model")
    if found is not None and (
        len(found.probabilities) != len(found.true) or found.probabilities.shape[1] != len(found.labels)
    ):
        raise Finding("a record whose parts do not fit")


def _evaluations() -> list[bytes]:
    from fer_core.bundles.bundle import MODELS_DIR

    found = sorted((MODELS_DIR / "tiny" / record.FOLDER).glob("*.npz"))
    with np.load(found[0], allow_pickle=False) as file:
        arrays = dict(file)
    count = len(arrays["true"])
    short = {name: array[:5] if array.shape[:1] == (count,) else array for name, array in arrays.items()}
    short["meta"] = np.array(json.dumps(json.loads(str(short["meta"])) | {"model_hash": "model"}))
    buffer = io.BytesIO()
    np.savez(buffer, **short)
    return [buffer.getvalue()]


_JSON = (b'"', b"null", b"[]", b"{}", b"-1", b"1e999", b"NaN", b"\\ud800", b"[[[[", b"true", b"0", b'{"a":1}')
_ZIP = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"../", b"\\", b"\xff\xff\xff\xff", b"\0\0\0\0")

TARGETS: dict[str, Target] = {
    "csv": Target(
        _dataset(".csv"),
        _csv,
        (
            b"emotion",
            b"pixels",
            b"Usage",
            b",",
            b'"',
            b"\n",
            b"\r",
            b"\0",
            b"255 ",
            b"-1 ",
            b"1e9",
            b"\xff\xfe",
            b";",
            b"\t",
        ),
    ),
    "zip": Target(_dataset(".zip"), _zips, _ZIP, packed=True),
    "picture lists": Target(
        _dataset(".zip"), _lists, (*_ZIP, b",", b"\n", b'"', b"names:", b"-1"), packed=True
    ),
    "tar": Target(_dataset(".tar"), _tars, (b"ustar", b"../", b"\0", b"7777777", b"L", b"x", b"2")),
    "gzip": Target(
        _dataset(".csv.gz"), lambda: [gzip.compress(text) for text in _csv()], (b"\x1f\x8b", b"\0")
    ),
    "pixel columns": Target(_dataset(".csv"), _pixel_columns, (b",", b"\n", b"256", b"pixel", b"-1", b'"')),
    "npz": Target(
        _dataset(".npz"),
        _npzs,
        (*_ZIP, b"\x93NUMPY", b"'descr'", b"'|O'", b"'<f8'", b"(0,)", b"(99999999999,)"),
        packed=True,
    ),
    "parquet": Target(
        _dataset(".parquet"), _parquets, (b"PAR1", b"\xff\xff\xff\xff", b"\0", b"image", b"bytes", b"emotion")
    ),
    "label names": Target(
        _label_names,
        lambda: [
            b"angry\nhappy\nsad\n",
            b"1 angry\n2 happy\n",
            b'{"0": "happy", "1": "sad"}',
            b'["sad", "fear"]',
        ],
        (*_JSON, b"\n", b"happy", b"0 ", b":"),
    ),
    "label options": Target(
        _label_options,
        lambda: [b"classes=alphabetical", b"classes=-,happy,sad,contempt", b"map=a=happy&leave-out=7,b"],
        (b"classes=", b"map=", b"leave-out=", b"&", b"=", b"%", b",", b"-", b"happy", b"?", b"/"),
    ),
    "votes": Target(
        _votes,
        _vote_tables,
        (b"neutral", b"NF", b",", b'"', b"\n", b"\0", b"-1", b"256", b"nan", b"inf", b"0.5"),
    ),
    "recipe": Target(_recipe, _recipes, (*_JSON, FORMAT.encode(), b'"drop"', b'"relabel"', b'"source"')),
    "source name": Target(
        _source_name,
        lambda: [b":0", b":3?label_noise=0.1&imbalance=5", b"?size=1"],
        (b":", b"?", b"&", b"=", b"label_noise", b"-1", b"1e400", b"nan"),
    ),
    "image": Target(
        _image,
        _images,
        (
            b"\xff\xd8",
            b"\xff\xd9",
            b"\xff\xff\xff\xff",
            b"\x7f\xff\xff\xff",
            b"\0\0\0\0",
            b"Exif",
            b"ftypheic",
        ),
    ),
    "album": Target(_album, _albums, _ZIP, packed=True),
    "video": Target(
        _video,
        _videos,
        (
            b"moov",
            b"mdat",
            b"trak",
            b"ftyp",
            b"stsz",
            b"\xff\xff\xff\xff",
            b"\0\0\0\0",
            b"\x1a\x45\xdf\xa3",
            b"RIFF",
        ),
    ),
    "card": Target(_card, _cards, (*_JSON, b'"labels"', b'"figures"', b'"training"')),
    "keras file": Target(
        _model_file(".keras"),
        lambda: [_model_files()[".keras"]],
        (*_JSON, b'"class_name"', b'"module"', b"Lambda", b"keras.layers"),
        packed=True,
    ),
    "h5 file": Target(
        _model_file(".h5"), lambda: [_model_files()[".h5"]], (b"model_config", b"TREE", b"HEAP", *_JSON)
    ),
    "litert file": Target(_model_file(".tflite"), _litert_files, (b"TFL3", b"\xff\xff\xff\x7f", *_ZIP)),
    "onnx file": Target(
        _model_file(".onnx"), lambda: [_model_files()[".onnx"]], (b"Gemm", b"input", b"\x08\x04", b"\x0a")
    ),
    "saved model": Target(
        _saved_model, lambda: [_model_files()[".zip"]], (*_ZIP, b"WriteFile", b"serve", b"\x0a"), packed=True
    ),
    "run": Target(_run, _runs, (*_JSON, *_ZIP, b"nan", b",", b"\n"), packed=True),
    "settings": Target(
        _settings,
        lambda: [b"train.learning_rate=0.1\naugment.flip=true", b"model.hparams={}"],
        (b"train.", b"augment.", b"=", b"\n", *_JSON),
    ),
    "predictions": Target(
        _predictions,
        lambda: _answers()[:2],
        (b",", b"\n", b"row", b"file", b"nan", b"inf", b"-1", b"1e400", b"happy", b'"'),
    ),
    "predictions npz": Target(
        _predictions, lambda: _answers()[2:], (*_ZIP, b"\x93NUMPY", b"'|O'", b"'<f8'"), packed=True
    ),
    "evaluation": Target(
        _evaluation, _evaluations, (*_ZIP, b"\x93NUMPY", b"'|O'", b"model_hash"), packed=True
    ),
}
