"""No text from outside is Markdown or HTML: neither in the source of the pages nor in a browser."""

from __future__ import annotations

import ast
import http.server
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest

from fer_core.bundles.bundle import MODELS_DIR
from fer_core.hosting import visitors
from fer_core.runs.registry import Registry
from pages.session import phone_menu
from pages.session.foreign_text import MAX_LENGTH, code, plain
from tests.pages.conftest import ROOT, Server, new_visitor
from tests.pages.made_runs import made_run
from tests.pages.markdown_calls import calls, unescaped


@pytest.mark.parametrize("path", sorted((ROOT / "pages").rglob("*.py")), ids=lambda path: path.name)
def test_every_text_of_a_page_is_written_there_or_made_plain(path: Path) -> None:
    """`foreign_text.plain` draws a text as it is; a number may have a format instead (`{count:,}`)."""
    assert not list(unescaped(path))


def test_one_place_runs_scripts_and_its_text_is_checked() -> None:
    """The cookie of a visitor can be read by a script, so that no other text may become one."""
    found = [
        path.name
        for path in (ROOT / "pages").rglob("*.py")
        if "unsafe_allow" in path.read_text() or "components.v1" in path.read_text()
    ]
    assert sorted(found) == ["phone_menu.py", "visitor.py"]
    assert "{_SCRIPT.read_text(" in Path(phone_menu.__file__).read_text(), (
        "a file of the app, and nothing else"
    )
    assert not visitors.is_token('";alert(1)//' + "a" * 31)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("st.error(str(error))", ["error"]),
        ("place.caption(f'a {name} b')", ["name"]),
        ("st.image(x, caption=name)", ["name"]),
        ("st.pills('Class', labels)", ["labels"]),
        ("st.pills('Class', labels, format_func=str.upper)", ["str.upper"]),
        ("st.selectbox('Class', labels, help=note)", ["note"]),
        ("words = [note]\nst.caption(', '.join(words))", ["words"]),
        ("def a(x):\n    return x\nst.caption(a(1))", ["a(1)"]),
        ("st.error(plain(error))", []),
        ("st.caption(f'{count:,} faces of {plural(n)} in {EMOJI[x]}')", []),
        ("st.pills('Class', labels, format_func=plain)", []),
        ("words = ['a', f'{n:d}']\nst.caption(', '.join(words))", []),
    ],
)
def test_the_walk_finds_a_call_that_draws_foreign_text(source: str, found: list[str]) -> None:
    assert [ast.unparse(value) for _, value in calls(ast.parse(source))] == found


def test_plain_text_stays_readable_and_short() -> None:
    assert plain("my_faces (3): 7 of 9, 12.5% - happy") == "my_faces (3): 7 of 9, 12.5% - happy"
    assert plain("synthetic:700:1") == "synthetic:700:1"
    assert plain(":100: :smile: http://a www.b a@b") == (
        ":\u2060100: :\u2060smile: http:\u2060//a www\u2060.b a\u2060@b"
    )
    assert plain("1. _a_ #") == r"1\. \_a\_ #"
    assert plain("a\n\n# b\u202e\ud800\0c") == "a # b c"
    assert len(plain("x" * 10**6)) == MAX_LENGTH
    assert code("a`b\nc") == "`a'b c`"


def test_only_scripts_without_foreign_text_are_run() -> None:
    """The cookie of a visitor could be read by any other."""
    calls_with_script = {
        path.relative_to(ROOT).as_posix(): line.strip()
        for path in [ROOT / "streamlit_app.py", *(ROOT / "pages").rglob("*.py")]
        for line in path.read_text(encoding="utf-8").splitlines()
        if "allow_javascript" in line or "components.v1.html" in line
    }
    assert calls_with_script.keys() == {"pages/session/visitor.py", "pages/session/phone_menu.py"}
    assert visitors.is_token(visitors.new_token()) and not visitors.is_token("'</script>" + 33 * "x")


class Listener(http.server.ThreadingHTTPServer):
    """An outside server that counts who asks it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def listener() -> Iterator[Listener]:
    started = Listener()
    yield started
    started.shutdown()
    started.server_close()


def _attack(host: str) -> str:
    """Text with everything that Streamlit's Markdown can do; a file's name may hold it too."""
    slash = "&#47;"
    return (
        f"![x](http:{slash}{slash}{host}{slash}picture) [Your session ended: sign in]"
        f"(http:{slash}{slash}{host}{slash}link) www.{host} <b>bold :red[red] $x$"
    )


def _faces(folder: Path, name: str) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(3):
        cv2.imwrite(str(folder / f"{i}.png"), rng.integers(0, 255, (48, 48), np.uint8))
    if name:
        (folder / name).write_text("no picture")


def _prepare(folder: Path, attack: str) -> None:
    """Data sets, runs and a model whose names and notes are the attack."""
    data = folder / "data"
    _faces(data / "strays" / "happy", attack)
    _faces(data / "strays" / "sad", attack)
    _faces(data / "classes" / attack, "")
    pixels = " ".join(["7"] * 2304)
    good = [f"{i % 7},{pixels},Training" for i in range(20)]
    (data / "labels.csv").write_text("\n".join(["emotion,pixels,Usage", *good, f"{attack},{pixels},x"]))
    with zipfile.ZipFile(data / "members.zip", "w") as archive:
        for name in ("happy", "sad"):
            archive.write(data / "strays" / name / "0.png", f"{name}/0.png")
        archive.writestr(f"happy/{attack}.txt", "no picture")
        archive.writestr(f"happy/{attack.replace('&#47;', '/')}.png", "no picture")
    runs = folder / "runs"
    made_run(runs, "20260101-000000-quick", message=attack)
    made_run(runs, "20260102-000000-quick", state="failed", message=attack)
    for name in ("20260101-000000-quick", "20260102-000000-quick"):
        Registry(runs).describe(name, title=attack, note=attack)
    model = folder / "models" / attack
    shutil.copytree(MODELS_DIR / "tiny", model)
    card = json.loads((model / "card.json").read_text())
    card["training"]["note"] = card["uses"][0] = card["licence"] = card["data"]["source"] = attack
    card["preset"] = card["command"] = attack
    (model / "card.json").write_text(json.dumps(card))


def _visits(attack: str) -> list[str]:
    raw = quote(attack.replace("&#47;", "/"))
    return [
        *(f"dataset?source={quote(name)}" for name in ("strays", "classes", "labels.csv", "members.zip")),
        f"dataset?source={raw}",
        f"dataset?face={raw}",
        f"evaluate?face={raw}&model={raw}",
        f"evaluate?model={quote(attack)}",
        f"models?model={raw}",
        f"models?model={quote(attack)}",
        "models",
        "train?train_view=Runs",
        "train?train_view=Watch&train_run=20260101-000000-quick",
        "train?train_view=Watch&train_run=20260102-000000-quick",
        f"train?train_run={raw}",
        "predict",
    ]


@pytest.mark.long
def test_no_entry_makes_a_browser_ask_outside_or_shows_a_false_link(
    context, tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.pages.test_browser import visit

    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "models"))
    attack = _attack(listener.host)
    _prepare(tmp_path, attack)
    started = Server(tmp_path)
    try:
        page = new_visitor(context, started.url)
        for address in _visits(attack):
            visit(page, started, address)
            page.evaluate("document.querySelectorAll('details > summary').forEach(one => one.click())")
            _assert_harmless(page, listener, address)
        photo = {"name": f"{attack}.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
        portrait = {"name": f"{attack}.png", "mimeType": "image/png", "buffer": _portrait()}
        page.locator("input[type=file]").first.set_input_files([photo, portrait])
        page.get_by_text("cannot be read").first.wait_for()
        _assert_harmless(page, listener, "a photo")
        page.close()
    finally:
        started.stop()


def _assert_harmless(page, listener: Listener, where: str) -> None:
    page.wait_for_timeout(150)
    assert not listener.asked, where
    assert not page.locator(f"a[href*='{listener.host}'], img[src*='{listener.host}']").count(), where
    assert not page.locator("[data-testid=stApp] .katex").count(), where


def _portrait() -> bytes:
    return (ROOT / "pages" / "assets" / "icon.png").read_bytes()
