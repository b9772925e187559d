"""Photos and frames stay in memory: their analysis writes no file and opens no connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"

_WATCHED = """
import io, json, sys
from pathlib import Path

sys.dont_write_bytecode = True
from tests.audit import watch

seen = []
watch(seen.append)
from fer_core.album import analyse, csv_text, pictures
from fer_core.inference import Predictor
from fer_core.inference.drawing import draw_predictions
from fer_core.inference.input_warnings import input_warnings
from fer_core.imaging import open_image
from fer_core.video import analyse_video, annotate_video

folder = Path(sys.argv[1])
predictor = Predictor()
photo = (folder / "photo.jpg").read_bytes()
faces = predictor.predict(photo)
input_warnings(faces[0])
draw_predictions(open_image(photo), faces).save(io.BytesIO(), "PNG")
album = list(analyse(pictures(io.BytesIO((folder / "album.zip").read_bytes())), predictor))
csv_text(album, predictor.classifier)
clip = (folder / "clip.mp4").read_bytes()
timeline = analyse_video(io.BytesIO(clip), predictor)
timeline.csv_text()
annotate_video(io.BytesIO(clip), timeline, io.BytesIO())
faces_found = [len(faces), sum(len(result.faces) for result in album), len(timeline.tracks)]
print(json.dumps({"seen": seen, "faces": faces_found}))
"""


def files_below(*folders: Path) -> set[tuple[str, int]]:
    return {
        (str(path), path.stat().st_mtime_ns)
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    from tests.video import made

    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(PORTRAIT.read_bytes())
    (folder / "clip.mp4").write_bytes(made.video(made.moving(8)))
    with zipfile.ZipFile(folder / "album.zip", "w") as archive:
        archive.write(PORTRAIT, "a.jpg")
        archive.write(PORTRAIT, "b.jpg")
    return folder


def test_photo_album_and_video_write_and_send_nothing(inputs: Path, tmp_path: Path) -> None:
    """Python's audit hook sees what Python opens; native code is checked by the content of its folders."""
    places = [tmp_path / name for name in ("work", "temporary", "home", "cache")]
    for place in places:
        place.mkdir()
    work, temporary, home, cache = places
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temporary),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(cache),
        "FER_EXPLORER_CACHE": str(cache),
        "FER_EXPLORER_HOME": str(home),
    }
    before = files_below(inputs)
    command = [sys.executable, "-B", "-c", _WATCHED, str(inputs)]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reported = json.loads(done.stdout)
    assert reported["faces"] == [1, 2, 1]
    assert reported["seen"] == []
    assert files_below(*places) == set() and files_below(inputs) == before
