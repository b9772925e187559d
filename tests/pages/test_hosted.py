"""The hosted app: each visitor sees their own files and the server's data only, within the limits."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from starlette.exceptions import HTTPException
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.testing.v1 import AppTest

from fer_core.config import RunConfig
from fer_core.data import open_dataset
from fer_core.data.own_faces import save_faces
from fer_core.data.recipe import Recipe, save_recipe
from fer_core.emotions import NAMES
from fer_core.evaluation.scoring import test_uses as uses_of_the_test_split
from fer_core.hosting import visitors
from fer_core.hosting.settings import HostingSettings
from fer_core.runs import processes
from fer_core.runs.run_folder import RunFolder
from fer_core.storage import set_visitor_folder
from pages.session import background, housekeeping, source_link, uploads, visitor
from tests import tiny
from tests.pages.conftest import ROOT, open_page

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def host(folders: Path, own_home: None, monkeypatch: pytest.MonkeyPatch):
    """A hosted app with folders of its own, and no thread that starts runs."""
    monkeypatch.setenv("FER_HOSTED", "1")
    monkeypatch.setattr(housekeeping, "start", lambda all_visitors: None)
    (folders / "data").mkdir()
    yield folders
    set_visitor_folder(lambda: None)


def as_visitor(token: str, page: str | None = None, **query: str) -> AppTest:
    """The app as the visitor with this secret opens it."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.session_state[visitor._TOKEN] = token
    for name, value in query.items():
        app.query_params[name] = value
    if page:
        app.switch_page(f"pages/{page}.py")
    return app.run()


@pytest.fixture
def mine() -> str:
    return visitors.new_token()


@pytest.fixture
def theirs() -> str:
    return visitors.new_token()


def home(token: str) -> Path:
    everybody = visitor.hosted()
    assert everybody is not None
    return everybody.home(token)


def own_data(token: str, name: str = "own", count: int = 42) -> Path:
    """A data set in the visitor's folder."""
    codes = np.arange(count) % 7
    return save_faces(
        home(token) / "data", name, tiny.banded(codes, seed=len(name)), [NAMES[code] for code in codes]
    )


def words(app: AppTest) -> str:
    kinds = (app.caption, app.markdown, app.error, app.warning, app.info, app.success, app.title)
    boxes = [str(box.options) + str(box.value) for box in app.selectbox]
    return "\n".join([element.value for kind in kinds for element in kind] + boxes)


def use_path(app: AppTest, path: str) -> AppTest:
    app.button_group(key="source_way").set_value("Data folder").run()
    app.selectbox(key="source_path").set_value(path).run()
    return app.button(key="source_use_path").click().run()


@pytest.mark.parametrize(
    "page",
    [
        None,
        "dataset",
        "train",
        "evaluate",
        "models",
        "predict",
        "diagnostics",
    ],
)
def test_every_page_opens_for_a_visitor(page: str | None) -> None:
    app = as_visitor(visitors.new_token(), page)
    assert not app.exception and not app.error


def test_wrong_settings_open_no_local_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOSTED_EPOCHS", "many")
    app = open_page()
    assert [error.value for error in app.error] == [
        "Hosting setting epochs: expected a whole number from 1 to 10000, got 'many'."
    ]
    assert not app.title


def test_the_secrets_switch_it_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FER_HOSTED")
    assert visitor.hosted() is None
    monkeypatch.setattr(visitor, "_secrets", lambda when: {"enabled": True, "epochs": 3})
    everybody = visitor.hosted()
    assert everybody is not None and everybody.settings.epochs == 3


@pytest.mark.parametrize(
    "typed", ["/etc", "../secret.csv", "~", "kaggle:owner/name", "mine/../../../secret.csv", "link"]
)
def test_no_path_outside_the_data_is_read_however_it_is_named(
    host: Path, mine: str, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_link, "listed", lambda: [typed])  # AppTest cannot type what is not offered
    (host / "secret.csv").write_text("emotion,pixels\n0,1\n")
    (host / "data" / "link").symlink_to(host / "secret.csv")
    refused = ("not among the data of this server", "not downloaded on this server", "was not found")
    app = use_path(as_visitor(mine, "dataset"), typed)
    assert any(part in app.error[0].value for part in refused) and str(host) not in words(app)
    linked = as_visitor(mine, "dataset", source=typed)
    assert any(part in linked.error[0].value for part in refused)
    assert "Embedded synthetic faces" in words(linked), "the current source stays"


def test_the_servers_data_are_offered_to_all_and_ones_own_to_oneself(
    host: Path, mine: str, theirs: str
) -> None:
    save_faces(host / "data", "for-all", tiny.banded(np.arange(42) % 7), [NAMES[i % 7] for i in range(42)])
    own_data(mine, "only-mine")
    for token, offered in ((mine, ["for-all", "mine/only-mine"]), (theirs, ["for-all"])):
        app = as_visitor(token, "dataset")
        app.button_group(key="source_way").set_value("Data folder").run()
        assert app.selectbox(key="source_path").options == offered
    app = use_path(as_visitor(mine, "dataset"), "mine/only-mine")
    assert app.query_params["source"] == "mine/only-mine" and "fingerprint" in words(app)
    assert "fingerprint" in words(as_visitor(mine, "dataset", source="mine/only-mine")), "after a refresh"
    other = as_visitor(theirs, "dataset", source="mine/only-mine")
    assert "was not found" in other.error[0].value


def test_a_link_to_what_another_visitor_brought_shows_nothing(host: Path, mine: str, theirs: str) -> None:
    secret = own_data(theirs)
    path = str(secret)
    for asked in (
        path,
        f"../runs/visitors/{secret.parent.parent.name}/data/own",
        f"mine/../../{secret.parent.parent.name}/data/own",
    ):
        app = as_visitor(mine, "dataset", source=asked)
        assert "not among the data" in app.error[0].value and "Embedded synthetic faces" in words(app)


def test_a_variant_that_names_what_is_elsewhere_opens_nothing(host: Path, mine: str, theirs: str) -> None:
    secret = own_data(theirs)
    folder = home(mine) / "data" / "uploads"
    save_recipe(
        Recipe(str(secret), open_dataset(str(secret)).fingerprint, drop={0: "ambiguous"}), folder, "trick"
    ).rename(folder / "faces.csv")
    app = use_path(as_visitor(mine, "dataset"), "mine/uploads/faces.csv")
    assert "not among the data" in app.error[0].value


def test_an_upload_is_bounded_and_stands_in_the_visitors_folder(
    host: Path, mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_HOSTED_UPLOAD_MB", "5")
    app = as_visitor(mine, "dataset")
    app.button_group(key="source_way").set_value("Upload").run()
    assert app.file_uploader(key="source_upload").proto.max_upload_size_mb == 5
    csv = tiny.write_voted(host).read_bytes()
    app.file_uploader(key="source_upload").upload("faces.csv", csv, "text/csv").run()
    app.button(key="source_use_upload").click().run()
    assert not app.error and len(list((home(mine) / "data" / "uploads").iterdir())) == 1
    assert not (host / "data" / "uploads").exists()
    app = as_visitor(mine, "dataset")
    app.button_group(key="source_way").set_value("Upload").run()
    app.file_uploader(key="source_upload").upload("more.csv", csv * 5, "text/csv").run()
    app.button(key="source_use_upload").click().run()
    assert "at most 5 MB are allowed on this server" in app.error[0].value


def test_runs_and_models_are_ones_own(
    host: Path, mine: str, theirs: str, trained_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    target = home(theirs) / "runs" / "their-run"
    target.parent.mkdir(parents=True)
    shutil.copytree(trained_run, target)
    shutil.copytree(trained_run / "bundle", home(theirs) / "models" / "their-model")
    shutil.copytree(trained_run, host / "runs" / "local-run")
    for page, query in (
        ("train", {"train_view": "Watch", "train_run": "their-run"}),
        ("train", {"train_view": "Runs"}),
        ("evaluate", {"model": "their-run"}),
        ("models", {"model": "their-model"}),
        ("predict", {"model": "their-model"}),
        ("dataset", {"dataset_view": "Label issues", "dataset_model": "their-run"}),
    ):
        text = words(as_visitor(mine, page, **query))
        text = text.replace("The model 'their-model' was not found; this is another one.", "")
        assert "their-" not in text and "local-run" not in text, page
    assert "their-run" in words(as_visitor(theirs, "evaluate", model="their-run"))
    assert "their-model" in words(as_visitor(theirs, "predict", model="their-model"))


def looks(token: str) -> int:
    """How often the visitor scored a test split."""
    set_visitor_folder(lambda: home(token))
    return uses_of_the_test_split()


def test_looks_at_the_test_split_are_ones_own(mine: str, theirs: str) -> None:
    for before, token in ((0, theirs), (0, mine)):
        assert looks(token) == before
        app = as_visitor(token, "evaluate", source="synthetic", split="test")
        assert not app.error and looks(token) == 1, "what the other one had computed is not handed on"


def test_figures_that_are_kept_of_ones_own_data_are_shown_to_nobody_else(mine: str, theirs: str) -> None:
    faces = own_data(theirs, "theirs", 140)
    app = as_visitor(theirs, "dataset", source="mine/theirs").switch_page("pages/evaluate.py").run()
    assert not app.error and any((home(theirs) / "cache" / "evaluations").rglob("*.npz"))
    fingerprint = open_dataset(str(faces)).fingerprint
    back = as_visitor(theirs, "evaluate")  # now on the embedded faces
    assert fingerprint in back.selectbox(key="evaluate_on").proto.options or "theirs (saved)" in str(
        back.selectbox(key="evaluate_on").options
    )
    other = as_visitor(mine, "evaluate", evaluate_on=fingerprint)
    assert "theirs" not in words(other) and fingerprint not in words(other)


def test_what_is_wrong_with_a_file_is_said_without_the_servers_folders(host: Path, mine: str) -> None:
    (host / "data" / "broken.csv").write_text("nothing,of\n1,2\n")
    app = use_path(as_visitor(mine, "dataset"), "broken.csv")
    assert "broken.csv" in app.error[0].value and str(host) not in words(app)


def test_verdicts_are_ones_own(mine: str, theirs: str) -> None:
    from fer_core.quality.verdicts import Verdicts

    set_visitor_folder(lambda: home(theirs))
    data = open_dataset("synthetic")
    Verdicts(data).give([0, 1, 2], "ambiguous")
    assert "No verdict yet" in words(as_visitor(mine, "dataset", dataset_view="Verdicts"))
    assert "No verdict yet" not in words(as_visitor(theirs, "dataset", dataset_view="Verdicts"))


def test_tags_are_ones_own(mine: str, theirs: str) -> None:
    from fer_core.quality.tags import Tags

    set_visitor_folder(lambda: home(theirs))
    Tags(open_dataset("synthetic")).add([0], "glasses")
    offered = {
        token: [pills.label for pills in as_visitor(token, "dataset", dataset_view="Gallery").button_group]
        for token in (mine, theirs)
    }
    assert "Your tags" in offered[theirs] and "Your tags" not in offered[mine]


def test_uploaded_votes_of_one_visitor_are_not_the_others(mine: str, theirs: str, host: Path) -> None:
    voted = host / "data"
    tiny.write_voted(voted)
    (voted / "fer2013new.csv").rename(host / "votes.csv")
    app = as_visitor(theirs, "dataset", source="fer.csv", dataset_view="Votes")
    app.file_uploader(key="dataset_votes_upload").upload(
        "votes.csv", (host / "votes.csv").read_bytes(), "text/csv"
    ).run()
    app.button(key="dataset_use_votes").click().run()
    assert "Ten people each looked" in words(app)
    other = as_visitor(mine, "dataset", source="fer.csv", dataset_view="Votes")
    assert "have no FER+ votes" in words(other)
    # and figures by the voters are only where the votes are
    assert any(
        group.label == "Compare with" for group in app.switch_page("pages/evaluate.py").run().button_group
    )
    assert not any(
        group.label == "Compare with" for group in other.switch_page("pages/evaluate.py").run().button_group
    )


def test_a_run_is_started_within_its_limits_and_the_next_one_waits(
    mine: str, theirs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    class Started:
        pid = 0

        def wait(self) -> int:
            return 0

    def start(arguments: list[str], log: Path, mode: str = "ab", environment: object = None) -> Started:
        started.append(Path(arguments[2]))
        return Started()

    monkeypatch.setattr(processes, "start_detached", start)
    monkeypatch.setenv("FER_HOSTED_EPOCHS", "4")
    monkeypatch.setenv("FER_HOSTED_RUNS_PER_VISITOR", "1")
    app = as_visitor(mine, "train")
    assert "A run has at most 4 epochs on this server; the preset has 10." in words(app)
    app.button(key="train_start").click().run()
    assert not app.error and [path.parent.parent for path in started] == [home(mine)]
    assert RunFolder(started[0]).config().train.epochs == 4
    time.sleep(1.1)  # runs are named after the second in which they begin
    other = as_visitor(theirs, "train")
    assert other.button(key="train_start").label == "Put it in the queue"
    other.button(key="train_start").click().run()
    assert len(started) == 1 and "Visitors take turns: 0 before this run." in words(other)
    assert started[0].name not in words(other), "whose run it is that one waits for is not told"
    again = as_visitor(theirs, "train", train_view="Set up")
    again.button(key="train_start").click().run()
    assert "You have 1 of at most 1 run on" in words(again)


def test_more_epochs_than_allowed_are_refused_in_one_sentence(
    mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_HOSTED_EPOCHS", "4")
    app = as_visitor(mine, "train")
    field = next(field for field in app.number_input if field.label.lower().startswith("epochs"))
    field.set_value(5).run()
    app.button(key="train_start").click().run()
    assert app.error[0].value.startswith("5 epochs are too many: a run has at most 4 on this server")
    assert not list(home(mine).glob("runs/*/config.json"))


def test_work_in_the_background_is_done_for_the_visitor_who_asked(mine: str) -> None:
    set_visitor_folder(visitor.home)
    with pytest.raises(RuntimeError, match="Unknown visitor"):
        visitor.home()
    token = visitor._wrapped_home.set(home(mine))
    work = visitor.with_visitor(visitor.home)
    visitor._wrapped_home.reset(token)
    assert work() == home(mine)


def test_local_use_is_free_of_all_that(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    monkeypatch.delenv("FER_HOSTED")
    RunFolder(folders / "runs" / "long").create(RunConfig(preset="quick").replace("train", epochs=500))
    app = open_page("train")
    assert (
        not app.error
        and visitor.key() == ""
        and visitor.home() is None
        and not (folders / "runs" / "visitors").exists()
    )
    assert "at most on this server" not in words(app)


def test_the_source_of_a_session_is_checked_whenever_it_is_read(mine: str, theirs: str) -> None:
    secret = own_data(theirs)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.session_state[visitor._TOKEN], app.session_state["data_source"] = mine, str(secret)
    app.run().switch_page("pages/dataset.py").run()
    assert "not among the data" in app.error[0].value and "fingerprint" not in words(app)


def test_what_was_computed_in_the_background_is_the_visitors_who_asked(mine: str, theirs: str) -> None:
    visitor._wrapped_home.set(home(theirs))
    background.start("the same question", "Looking", lambda tell: visitor.home())
    for _ in range(200):
        if background.result("the same question"):
            break
        time.sleep(0.02)
    assert background.result("the same question") == home(theirs)
    visitor._wrapped_home.set(home(mine))
    assert background.result("the same question") is None
    visitor._wrapped_home.set(None)


def test_a_visit_alone_leaves_no_folder(host: Path, own_cache: None) -> None:
    """Visits that do not keep the cookie left a folder each, with results for it."""
    for page in ("dataset", "evaluate", "models", "train", "predict"):
        app = as_visitor(visitors.new_token(), page)
        assert not app.exception
    assert not [path for path in (host / "runs" / "visitors").iterdir() if path.is_dir()]


def test_uploads_past_the_page_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 files of 45 MB in one session took 900 MB."""
    settings = HostingSettings(upload_mb=1)
    monkeypatch.setattr(MemoryUploadedFileManager, "add_file", MemoryUploadedFileManager.add_file)
    monkeypatch.setattr(uploads, "_settings", None)
    uploads.bound(settings)
    manager = MemoryUploadedFileManager("/upload")

    def send(session: str, number: int) -> None:
        manager.add_file(
            session, UploadedFileRec(f"{session}{number}", "a.jpg", "image/jpeg", b"0" * 900_000)
        )

    for number in range(3):
        send("one", number)
    with pytest.raises(HTTPException, match="at most 3 MB together"):
        send("one", 3)
    monkeypatch.setattr(uploads.memory, "limit", lambda megabytes: 16_000_000)
    send("two", 0)
    with pytest.raises(HTTPException, match="keeps too many uploads"):
        send("three", 0)
