"""Bounds on uploaded files in memory: of one session, and of all sessions of a hosted app."""

from __future__ import annotations

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from fer_core.hosting import memory
from fer_core.hosting.settings import HostingSettings

from . import kept_files

_FILES_PER_SESSION = 3  # times the largest upload
_SHARE_OF_MEMORY = 0.25  # of all uploads together

_settings: HostingSettings | None = None


def bound(settings: HostingSettings) -> None:
    """Refuse further uploads from now on where a session, or all together, have too many bytes.

    Streamlit bounds each file only, and keeps what is sent to its upload address past the page.
    """
    global _settings
    first, _settings = _settings is None, settings
    if not first:
        return
    add_file = MemoryUploadedFileManager.add_file

    def bounded(manager: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec) -> None:
        check(manager, session_id, len(file.data))
        add_file(manager, session_id, file)

    MemoryUploadedFileManager.add_file = bounded  # type: ignore[method-assign, assignment]


def check(manager: MemoryUploadedFileManager, session_id: str, more: int) -> None:
    """Check that a session may keep `more` bytes.

    Raises:
        HTTPException: It has too many (413), or the server has no room for them (503).
    """
    from starlette.exceptions import HTTPException

    assert _settings is not None
    by_session = kept_files.sizes()  # with what the pages keep past Streamlit
    for session, files in list(manager.file_storage.items()):
        by_session.setdefault(session, {}).update({file.file_id: len(file.data) for file in files.values()})
    sizes = {session: sum(files.values()) for session, files in by_session.items()}
    most = _FILES_PER_SESSION * _settings.upload_mb
    if sizes.get(session_id, 0) + more > most * 1_000_000 * 1.05:  # Streamlit's megabytes are a little larger
        raise HTTPException(413, f"Uploads of one visit have at most {most} MB together: reload the page.")
    if sum(sizes.values()) + more > _SHARE_OF_MEMORY * memory.limit(_settings.memory_mb):
        raise HTTPException(503, "The server keeps too many uploads now: try again in a few minutes.")
