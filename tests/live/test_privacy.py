"""Live sessions write nothing to disk and open no connection."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

_WATCHED = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
from fer_core.bundles.bundle import find_bundle
from fer_core.live import LiveSession
from tests.audit import watch

seen = []
watch(seen.append)
session = LiveSession(find_bundle("ferplus"))
frame = np.asarray(Image.open(Path("ROOT/pages/assets/portrait.jpg")).convert("RGB"))
session.calibrate(1)
for _ in range(20):
    session.process(frame)
    session.snapshot()
assert len(session.snapshot().faces) == 1
session.close()
print("\\n".join(map(str, seen)))
"""


def test_no_frame_is_written_or_sent(tmp_path: Path) -> None:
    code = _WATCHED.replace("ROOT", str(ROOT))
    done = subprocess.run(
        [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
    assert list(tmp_path.iterdir()) == []
