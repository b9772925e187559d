"""What a visitor of a hosted app may read: drawn faces, the data folder of the server, and the visitor's own folder. Nothing else on it."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from ..bundle import shipped
from ..data.recipe import is_recipe, read_recipe
from ..errors import DataError, ModelError
from .settings import HostingSettings
from .visitors import Visitors

_SYNTHETIC = re.compile(r"synthetic(?::(?P<count>\d{1,12}))?(?::\d{1,12})?(?:\?[\w.=&]*)?")
_RECIPES_DEEP = 5
_HEAD = 1 << 12
_UNPACKED = 4  # times the largest upload that a packed one may come to
_OTHER_FILES = 1000  # that a zip may hold beside the faces


def check_source(source: str, visitors: Visitors, home: Path) -> None:
    """Whether the visitor with the folder `home` may open this data set.

    Raises:
        DataError: it is downloaded, too large, or lies elsewhere. One sentence for all that lies elsewhere, so that it does not tell what is there.
    """
    for _ in range(_RECIPES_DEEP):
        if (drawn := _SYNTHETIC.fullmatch(source)) is not None:
            _check_count(int(drawn["count"] or 0), visitors.settings)
            return
        if source.startswith("kaggle:"):
            raise DataError(
                "Data sets of Kaggle are not downloaded on this server: upload the data, or run FER Explorer on your own machine."
            )
        path = check_path(source, visitors, home)
        if (original := _original(path)) is None:
            return
        source = original  # a variant reads its original, whoever wrote it
    raise DataError(f"{path.name} is a variant of a variant of a variant: make it of the original.")


def check_path(path: str | Path, visitors: Visitors, home: Path) -> Path:
    """`path` with its links and dots resolved.

    Raises:
        DataError: the visitor with the folder `home` may not read it.
    """
    try:
        full = Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, an unknown ~user, a zero byte
        raise _elsewhere() from None
    if full.is_relative_to(home.resolve()):
        return full
    if not full.is_relative_to(visitors.data_folder):
        raise _elsewhere()
    for hidden in (visitors.root.resolve(), visitors.data_folder / "uploads"):
        # Neither inside what others brought, nor a folder that holds it, since a folder is read with all below it.
        if full.is_relative_to(hidden) or (hidden.is_relative_to(full) and hidden.exists()):
            raise _elsewhere()
    return full


def check_model(model: str, home: Path) -> None:
    """Whether the visitor may start from this model, given as find_bundle takes it.

    Raises:
        ModelError: it is neither shipped nor the visitor's.
    """
    ours = {bundle.path.resolve() for bundle in shipped()}
    if model in {path.name for path in ours}:
        return
    full = Path(model).resolve()
    if not full.is_relative_to(home.resolve()) and full not in ours:
        raise ModelError("This model is neither shipped nor one of yours: choose another one.")


def check_upload(name: str, content: bytes, settings: HostingSettings) -> None:
    """Whether an upload is small enough, packed and unpacked.

    Raises:
        DataError: it is too large, or holds too many files.
    """
    most = settings.upload_mb * 1_000_000
    if len(content) > 1.05 * most:  # Streamlit's megabytes are a little larger
        raise DataError(
            f"{name} has {len(content) / 1e6:.0f} MB: at most {settings.upload_mb} MB are taken on this server."
        )
    unpacked, files = _unpacked(content)
    if files > settings.faces + _OTHER_FILES:
        raise DataError(
            f"{name} holds {files:,} files: at most {settings.faces:,} faces are taken on this server."
        )
    if unpacked > _UNPACKED * most:
        raise DataError(
            f"{name} has {unpacked / 1e6:,.0f} MB unpacked: at most {_UNPACKED * settings.upload_mb:,} MB are taken on this server."
        )


def check_size(count: int, settings: HostingSettings) -> None:
    """Raises DataError where a data set that was uploaded has too many faces."""
    if count > settings.faces:
        raise DataError(
            f"These are {count:,} faces: at most {settings.faces:,} are taken on this server, so make it a part of them."
        )


def _check_count(count: int, settings: HostingSettings) -> None:
    if count > settings.faces:
        raise DataError(f"{count:,} faces are too many: at most {settings.faces:,} are drawn on this server.")


def _elsewhere() -> DataError:
    return DataError(
        "This path is not among the data of this server: choose one that is listed, or upload the data."
    )


def _original(path: Path) -> str | None:
    """The source that a recipe names, whatever the file is called; None where it is no recipe."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:  # a folder, or nothing: opening it says so
        return None
    return read_recipe(path).source if is_recipe(head) else None


def _unpacked(content: bytes) -> tuple[int, int]:
    """The bytes that a zip, npz or parquet file says it holds, where reading stops, and the files in it."""
    try:
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return sum(entry.file_size for entry in archive.infolist()), len(archive.infolist())
        if content.startswith(b"PAR1"):
            import pyarrow.parquet

            found = pyarrow.parquet.ParquetFile(io.BytesIO(content)).metadata
            return sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups)), 1
    except Exception:  # damaged: the reader says how
        return 0, 0
    return 0, 0
