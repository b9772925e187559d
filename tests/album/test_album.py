"""Albums from a folder, a zip or a list: one result per picture, also beside bad ones, in bounded memory."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fer_core.album import PictureResult, analyse, csv_text, pictures, rows
from fer_core.album import source as source_module
from fer_core.errors import DataError, ImageError
from fer_core.inference import Predictor

PORTRAIT = (Path(__file__).resolve().parent.parent.parent / "pages" / "assets" / "portrait.jpg").read_bytes()


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


def drawn(format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (80, 80), "grey").save(buffer, format)
    return buffer.getvalue()


FILES = {
    "b.jpg": PORTRAIT,
    "a/two.PNG": drawn(),
    "a/broken.jpg": PORTRAIT[:900],
    "notes.txt": b"no picture",
    ".hidden.jpg": PORTRAIT,
    "__MACOSX/b.jpg": b"a resource fork",
}
NAMES = ["a/broken.jpg", "a/two.PNG", "b.jpg"]


def in_folder(folder: Path) -> Path:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def in_zip(folder: Path) -> Path:
    (folder / "album.zip").write_bytes(zipped(FILES))
    return folder / "album.zip"


@pytest.mark.parametrize(
    "make", [in_folder, in_zip, lambda folder: io.BytesIO(zipped(FILES))], ids=["folder", "zip", "upload"]
)
def test_every_source_gives_one_result_a_picture(
    predictor: Predictor, make: Callable, tmp_path: Path
) -> None:
    shares: list[float] = []
    results = list(analyse(pictures(make(tmp_path)), predictor, on_progress=shares.append))
    assert [result.name for result in results] == NAMES
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])
    broken, empty, found = results
    assert (
        broken.faces == []
        and broken.error is not None
        and broken.error.startswith("a/broken.jpg cannot be read as an image")
    )
    assert empty.faces == [] and empty.error is None
    assert found.error is None and [face.box for face in found.faces] == [
        face.box for face in predictor.predict(PORTRAIT)
    ]


def test_a_list_of_paths_and_of_uploads(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(PORTRAIT)
    listed = [str(tmp_path / "photo"), tmp_path / "missing.jpg"]
    found, missing = analyse(pictures(listed), predictor)
    assert len(found.faces) == 1 and missing.error == f"{tmp_path / 'missing.jpg'} does not exist."
    (upload,) = analyse(pictures([("holiday.jpg", PORTRAIT)]), predictor)
    assert upload.name == "holiday.jpg" and len(upload.faces) == 1


def test_results_come_one_by_one_and_can_be_cancelled(predictor: Predictor) -> None:
    read = []
    album = [source_module.Picture(str(i), lambda i=i: read.append(i) or drawn()) for i in range(5)]
    cancelled = False
    results = analyse(album, predictor, cancelled=lambda: cancelled)
    assert next(results).name == "0" and read == [0]
    assert next(results).name == "1" and read == [0, 1]
    cancelled = True
    assert list(results) == [] and read == [0, 1]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"no zip", "is not a zip"),
        (zipped({"notes.txt": b""}), "holds no picture"),
        (zipped({"a.jpg": b""})[:-30], "is not a zip"),
    ],
    ids=[
        "text",
        "no picture in it",
        "cut off",
    ],  # the zip contains the time, which differs between xdist's workers
)
def test_what_is_no_album_is_one_sentence(source: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "album.zip").write_bytes(source)
    with pytest.raises(DataError, match=message) as caught:
        pictures(tmp_path / "album.zip")
    assert "album.zip" in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_or_empty_folder_and_too_many_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="does not exist"):
        pictures(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no picture"):
        pictures(tmp_path)
    monkeypatch.setattr(source_module, "MAX_PICTURES", 2)
    with pytest.raises(DataError, match="holds 3 pictures: at most 2"):
        pictures(in_folder(tmp_path))


def test_bombs_are_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the claimed nor the actual size of a member may exceed the limit."""
    monkeypatch.setattr(source_module, "MAX_BYTES", 2**20)
    monkeypatch.setattr(source_module, "_RATIO_FROM", 2**16)
    honest = zipped({"large.jpg": bytes(2**21), "dense.jpg": bytes(2**19), "good.jpg": drawn()})
    results = {}
    for picture in pictures(io.BytesIO(honest)):
        try:
            results[picture.name] = len(picture.read())
        except ImageError as error:
            results[picture.name] = str(error)
    assert (
        "more than 1 MB" in results["large.jpg"]
        and "would grow more than 200 times" in results["dense.jpg"]
        and results["good.jpg"] == len(drawn())
    )
    lying = bytearray(zipped({"large.jpg": bytes(2**21)}))
    directory = lying.rindex(b"PK\x01\x02")
    lying[directory + 24 : directory + 28] = (1000).to_bytes(
        4, "little"
    )  # the size that the directory claims
    (picture,) = pictures(io.BytesIO(bytes(lying)))
    with pytest.raises(ImageError, match=r"cannot be unpacked|more than 1 MB"):
        picture.read()


def test_encrypted_and_damaged_members_are_said(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.jpg": PORTRAIT, "b.jpg": drawn()}, zipfile.ZIP_STORED))
    content[5000] ^= 255  # inside a.jpg
    damaged, good = pictures(io.BytesIO(bytes(content)))
    with pytest.raises(ImageError, match=r"a.jpg cannot be unpacked: the zip is damaged there"):
        damaged.read()
    assert good.read() == drawn()
    locked = bytearray(zipped({"a.jpg": drawn()}))
    directory = locked.rindex(b"PK\x01\x02")
    locked[directory + 8] |= 1
    with pytest.raises(ImageError, match=r"a.jpg is encrypted"):
        pictures(io.BytesIO(bytes(locked)))[0].read()


def test_rows_and_csv_have_one_line_a_face_and_one_for_each_other_picture(predictor: Predictor) -> None:
    face = predictor.predict(PORTRAIT)[0]
    labels = predictor.classifier.labels
    results = [
        PictureResult("a, b.jpg", [face, face]),
        PictureResult("none.jpg", []),
        PictureResult("bad.jpg", [], "It is damaged."),
    ]
    table = list(csv.DictReader(io.StringIO(csv_text(results, predictor.classifier, unsure_below=1.0))))
    assert [(row["file"], row["face"], row["error"]) for row in table] == [
        ("a, b.jpg", "1", ""),
        ("a, b.jpg", "2", ""),
        ("none.jpg", "0", "no face found"),
        ("bad.jpg", "0", "It is damaged."),
    ]
    assert table[0]["label"] == face.label and table[0]["unsure"] == "True" and table[2]["label"] == ""
    assert {name: float(table[0][name]) for name in labels} == pytest.approx(face.probabilities, abs=1e-4)
    assert [float(table[0][name]) for name in ("x", "y", "width", "height")] == list(face.box)
    assert rows(results, predictor.classifier)[0]["unsure"] is False
