"""The hosted app in a browser: a visitor stays the same after a reload; another browser is another one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from fer_core.hosting import visitors
from tests.pages.conftest import PATIENCE, Server, new_visitor
from tests.pages.test_browser import visit

pytestmark = pytest.mark.long

expect.set_options(timeout=PATIENCE)
REMEMBERED = "document.cookie.match(/fer_visitor=[A-Za-z0-9_-]{43}/)"


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_HOSTED", "1")
        patch.setenv("FER_HOSTED_EPOCHS", "2")
        patch.setenv("FER_LOG", "json")
        started = Server(tmp_path_factory.mktemp("hosted"))
    yield started
    started.stop()


def test_a_refresh_and_a_second_tab_find_ones_runs_and_another_browser_does_not(
    context: BrowserContext, browser: Browser, hosted: Server
) -> None:
    page = new_visitor(context, hosted.url)
    visit(page, hosted, "train?source=synthetic:700")
    page.wait_for_function(REMEMBERED)
    cookie = next(cookie for cookie in context.cookies() if cookie["name"] == "fer_visitor")
    assert visitors.is_token(cookie["value"]) and cookie["sameSite"] == "Lax" and cookie["expires"] > 0
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text(re.compile("Epoch 1 of 2|Starting|Reading")).first).to_be_visible()
    (home,) = [path for path in (hosted.folder / "runs" / "visitors").iterdir() if (path / "runs").is_dir()]
    assert cookie["value"] not in str(home)
    name = next(path.name for path in (home / "runs").iterdir() if path.is_dir())
    page.reload()
    expect(
        page.get_by_role("button", name=re.compile("Pause|Evaluate it"))
        .or_(page.get_by_text("of 2").first)
        .first
    ).to_be_visible()
    tab = context.new_page()
    visit(tab, hosted, "train")
    expect(tab).to_have_url(re.compile(f"train_run={name}"))
    other = browser.new_context()
    other.set_default_timeout(PATIENCE)
    stranger = other.new_page()
    visit(stranger, hosted, f"train?train_view=Watch&train_run={name}")
    expect(stranger.get_by_text("No run yet")).to_be_visible()
    expect(stranger.get_by_text(name)).to_have_count(0)
    stranger.wait_for_function(REMEMBERED)
    assert next(c["value"] for c in other.cookies() if c["name"] == "fer_visitor") != cookie["value"]
    expect(page.get_by_role("link", name="Evaluate it")).to_be_visible(timeout=3 * PATIENCE)
    other.close()


def test_a_cookie_of_another_form_is_not_taken(context: BrowserContext, hosted: Server) -> None:
    page = new_visitor(context, hosted.url)
    context.add_cookies([{"name": "fer_visitor", "value": "..%2F..%2Fetc", "url": hosted.url}])
    visit(page, hosted)
    page.wait_for_function(REMEMBERED)


def test_a_file_that_is_sent_past_the_page_is_bounded_too(context: BrowserContext, hosted: Server) -> None:
    """The upload address itself enforces the limit of 50 MB, not the 400 MB of local use."""
    page = new_visitor(context, hosted.url)
    visit(page, hosted)
    with page.expect_request(
        lambda request: "upload_file" in request.url and request.method == "PUT"
    ) as asked:
        page.locator("input[type=file]").first.set_input_files(
            {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
        )
    sent = asked.value
    answer = page.evaluate(
        """async ([url, headers]) => {
        const form = new FormData()
        form.append("file", new Blob([new Uint8Array(55e6)]), "b.jpg")
        delete headers["content-type"]
        return (await fetch(url, {method: "PUT", body: form, headers})).status }""",
        [sent.url, {name: value for name, value in sent.all_headers().items() if name.startswith("x-")}],
    )
    assert answer == 413


def test_the_log_is_json_lines(hosted: Server) -> None:
    lines = (Path(hosted.folder) / "server.log").read_text().splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    assert {"app started", "run started", "run ended", "photo classified"} <= {
        line["event"] for line in found
    }
    assert next(line for line in found if line["event"] == "run ended")["state"] == "finished"
