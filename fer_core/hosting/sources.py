"""Access control of a hosted app: drawn faces, the server's data folder and the visitor's own folder."""

from __future__ import annotations

import io
import re
from pathlib import Path

from ..bundles.bundle import shipped
from ..data.budget import Budget
from ..data.recipe import is_recipe, read_recipe
from ..errors import DataError, ModelError
from ..label_options import split_source
from ..zip_file import open_zip
from .settings import HostingSettings
from .visitors import Visitors

_SYNTHETIC = re.compile(r"synthetic(?::(?P<count>\d{1,12}))?(?::\d{1,12})?(?:\?[\w.=&]*)?")
_RECIPES_DEEP = 5
_HEAD = 1 << 12
_UNPACKED = 4  # times the largest upload: limit of an unpacked one
_OTHER_FILES = 1000  # allowed in a zip beside the faces


def check_source(source: str, visitors: Visitors, home: Path) -> None:
    """Check that the visitor with the folder `home` may open this data set.

    Raises:
        DataError: The source is a download, too large, or elsewhere. The same sentence for everything
            elsewhere does not reveal what exists.
    """
    for _ in range(_RECIPES_DEEP):
        if (drawn := _SYNTHETIC.fullmatch(source)) is not None:
            _check_count(int(drawn["count"] or 0), visitors.settings)
            return
        source = split_source(source)[0]
        if source.startswith("kaggle:"):
            raise DataError(
                "Data sets of Kaggle are not downloaded on this server: upload the data, or run FER "
                "Explorer on your own machine."
            )
        path = check_path(source, visitors, home)
        if (original := _original(path)) is None:
            return
        source = original  # a variant reads its original, regardless of its author
    raise DataError(f"{path.name} is a variant of a variant of a variant: make it of the original.")


def check_path(path: str | Path, visitors: Visitors, home: Path) -> Path:
    """Return `path` with links and dots resolved.

    Raises:
        DataError: The visitor with the folder `home` may not read it.
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
        # Neither inside a folder of other visitors nor a parent of one, since folders are read recursively.
        if full.is_relative_to(hidden) or (hidden.is_relative_to(full) and hidden.exists()):
            raise _elsewhere()
    return full


def check_model(model: str, home: Path) -> None:
    """Check that the visitor may start from this model, see `find_bundle`.

    Raises:
        ModelError: The model is neither shipped nor the visitor's.
    """
    ours = {bundle.path.resolve() for bundle in shipped()}
    if model in {path.name for path in ours}:
        return
    full = Path(model).resolve()
    if not full.is_relative_to(home.resolve()) and full not in ours:
        raise ModelError("This model is neither shipped nor one of yours: choose another one.")


def check_upload(name: str, content: bytes, settings: HostingSettings) -> None:
    """Check that an upload is small enough, packed and unpacked.

    Raises:
        DataError: The upload is too large, or contains too many files.
    """
    most = settings.upload_mb * 1_000_000
    if len(content) > 1.05 * most:  # Streamlit's megabytes are a little larger
        raise DataError(
            f"{name} has {len(content) / 1e6:.0f} MB: at most {settings.upload_mb} MB are allowed on this "
            "server."
        )
    unpacked = _unpacked(name, content, settings.faces + _OTHER_FILES)
    if unpacked > _UNPACKED * most:
        raise DataError(
            f"{name} has {unpacked / 1e6:,.0f} MB unpacked: at most {_UNPACKED * settings.upload_mb:,} MB "
            "are allowed on this server."
        )


def budget(source: str, visitors: Visitors) -> Budget:
    """Return what a source may take at most; the data of the server's owner may unpack to any size."""
    if Path(split_source(source)[0]).is_relative_to(visitors.data_folder):
        return Budget(visitors.settings.faces)
    return Budget(visitors.settings.faces, _UNPACKED * visitors.settings.upload_mb * 1_000_000)


def _check_count(count: int, settings: HostingSettings) -> None:
    if count > settings.faces:
        raise DataError(
            f"{count:,} faces are too many: at most {settings.faces:,} are allowed on this server."
        )


def _elsewhere() -> DataError:
    return DataError(
        "This path is not among the data of this server: choose one that is listed, or upload the data."
    )


def _original(path: Path) -> str | None:
    """Return the source that a recipe names, whatever its file name, or None if the file is not a recipe."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:  # a folder, or missing: opening it reports the reason
        return None
    return read_recipe(path).source if is_recipe(head) else None


def _unpacked(name: str, content: bytes, most_files: int) -> int:
    """Return the unpacked bytes of a zip, npz or Parquet file by its headers; 0 if it is damaged.

    Raises:
        DataError: It has more than `most_files` files.
    """
    try:
        if content.startswith(b"PK\x03\x04"):
            with open_zip(io.BytesIO(content), name, most_files) as archive:
                return sum(entry.file_size for entry in archive.infolist())
        if content.startswith(b"PAR1"):
            import pyarrow.parquet

            metadata = pyarrow.parquet.ParquetFile(io.BytesIO(content)).metadata
            return sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    except DataError:
        raise
    except Exception:  # damaged: the reader reports the reason
        return 0
    return 0
