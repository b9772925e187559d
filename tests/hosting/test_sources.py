"""Visitors can read drawn faces, the server's data and their own, but nothing else, by any name."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fer_core.data.recipe import Recipe, save_recipe
from fer_core.errors import DataError, ModelError
from fer_core.hosting import sources
from fer_core.hosting.settings import HostingSettings
from tests.hosting.conftest import Host

ELSEWHERE = "not among the data of this server"


def may_not(host: Host, home: Path, source: object, says: str = ELSEWHERE) -> None:
    with pytest.raises(DataError, match=says) as raised:
        sources.check_source(str(source), host.visitors, home)
    assert str(host.folder) not in str(raised.value), "where things lie is told to nobody"


def may(host: Host, home: Path, source: object) -> None:
    sources.check_source(str(source), host.visitors, home)


def test_what_is_offered_may_be_read(host: Host) -> None:
    home = host.visitor()
    for place in (host.data / "faces", home / "data" / "uploads"):
        place.mkdir(parents=True)
        may(host, home, place)
    for source in (
        "synthetic",
        "synthetic:700:3",
        "synthetic?label_noise=0.1",
        host.data / "faces" / ".." / "faces",
    ):
        may(host, home, source)


def test_the_order_of_labels_changes_nothing(host: Host, tmp_path: Path) -> None:
    home = host.visitor()
    (host.data / "faces").mkdir(parents=True)
    may(host, home, f"{host.data / 'faces'}?classes=alphabetical")
    for source in (tmp_path / "secret.csv", host.data / ".." / "secret.csv", "kaggle:a/b"):
        with pytest.raises(DataError):
            sources.check_source(f"{source}?classes=alphabetical", host.visitors, home)
    may_not(host, home, f"/etc/passwd?classes={host.data}/faces")


def test_other_paths_of_the_server_may_not(host: Host, tmp_path: Path) -> None:
    home, secret = host.visitor(), tmp_path / "secret.csv"
    secret.write_text("emotion,pixels\n")
    (host.data / "link").symlink_to(secret)
    for source in (
        secret,
        "/etc/passwd",
        "/",
        host.data / "link",
        host.data / ".." / "secret.csv",
        "../secret.csv",
        "~",
        "~root",
        "~nobody-here/x",
    ):
        may_not(host, home, source)
    may_not(host, home, "/no/such/file")  # the same sentence, which does not reveal what exists
    may_not(host, home, "kaggle:owner/name", "not downloaded on this server")
    may_not(host, home, "synthetic:999999", "999,999 faces are too many")


def test_one_visitor_may_not_read_what_another_one_brought(host: Host) -> None:
    home, other = host.visitor(), host.visitor()
    (other / "data").mkdir()
    theirs = other / "data" / "faces.csv"
    theirs.write_text("emotion,pixels\n")
    for source in (theirs, other, host.visitors.root, home / ".." / other.name / "data" / "faces.csv"):
        may_not(host, home, source)
    may(host, other, theirs)


def test_visitors_below_the_data_folder_are_kept_apart_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_RUNS_DIR", str(tmp_path / "data" / "runs"))
    host = Host(tmp_path)
    home, other = host.visitor(), host.visitor()
    (host.data / "uploads").mkdir()  # of the time before the app was hosted
    (other / "data").mkdir()
    for source in (host.data, host.data / "runs", host.data / "uploads", other / "data"):
        may_not(host, home, source)


def test_a_variant_reads_its_original_whatever_it_is_called(host: Host, tmp_path: Path) -> None:
    home, other = host.visitor(), host.visitor()
    secret = tmp_path / "secret.csv"
    secret.write_text("emotion,pixels\n")
    uploads = home / "data" / "uploads"
    uploads.mkdir(parents=True)
    for number, original in enumerate((secret, other / "data", "kaggle:a/b", "/etc")):
        made = save_recipe(Recipe(str(original), "f"), uploads, f"variant-{number}")
        renamed = made.rename(uploads / f"faces-{number}.csv")  # an upload may have any name
        may_not(host, home, renamed, "not among|not downloaded")
    looped = uploads / "loop.csv"
    looped.write_text(json.dumps(Recipe(str(looped), "f").as_json()))
    may_not(host, home, looped, "variant of a variant")
    (host.data / "fine.csv").write_text("emotion,pixels\n")
    may(host, home, save_recipe(Recipe(str(host.data / "fine.csv"), "f"), uploads, "fine"))


def test_only_shipped_models_and_ones_own_may_be_started_from(host: Host, tmp_path: Path) -> None:
    home, other = host.visitor(), host.visitor()
    for model in ("standard", str(home / "runs" / "a" / "bundle")):
        sources.check_model(model, home)
    for model in (str(other / "runs" / "a" / "bundle"), str(tmp_path), "../standard", "no-such-model"):
        with pytest.raises(ModelError, match="neither shipped nor one of yours"):
            sources.check_model(model, home)


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def test_uploads_are_bounded_packed_and_unpacked() -> None:
    settings = HostingSettings(upload_mb=1, faces=100)
    sources.check_upload("faces.zip", packed({"a": b"0" * 1000}), settings)
    with pytest.raises(DataError, match=r"faces\.csv has 2 MB: at most 1 MB"):
        sources.check_upload("faces.csv", b"0" * 2_000_000, settings)
    with pytest.raises(DataError, match="has 5 MB unpacked"):
        sources.check_upload("bomb.zip", packed({"a": b"0" * 5_000_000}), settings)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=np.zeros((3000, 48, 48), np.uint8))
    assert len(buffer.getvalue()) < 100_000
    with pytest.raises(DataError, match="unpacked"):
        sources.check_upload("bomb.npz", buffer.getvalue(), settings)
    with pytest.raises(DataError, match="more than 1,100 files"):
        sources.check_upload("many.zip", packed({str(i): b"" for i in range(1200)}), settings)
