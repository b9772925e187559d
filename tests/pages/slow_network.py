"""A browser whose messages to the app, or the app's to it, take as long as a test wants."""

from __future__ import annotations

from playwright.sync_api import Page, WebSocketRoute

from tests.pages.conftest import PATIENCE


class Way:
    """One of the two directions."""

    def __init__(self) -> None:
        self.is_held = False
        self._waiting: list[tuple[WebSocketRoute, str | bytes]] = []

    def take(self, to: WebSocketRoute, message: str | bytes) -> None:
        """Send a message on, or keep it."""
        if self.is_held:
            self._waiting.append((to, message))
        else:
            to.send(message)

    def hold(self) -> None:
        """Keep what comes from now on."""
        self.is_held = True

    def release(self) -> None:
        """Send what was kept, in its order, and keep no more."""
        self.is_held = False
        for to, message in self._waiting:
            to.send(message)
        self._waiting.clear()

    def wait_for_more(self, page: Page, than: int = 0) -> None:
        """Until more messages than so many are kept."""
        for _ in range(PATIENCE // 50):
            if len(self) > than:
                return
            page.wait_for_timeout(50)
        raise AssertionError("no message was sent")

    def __len__(self) -> int:
        return len(self._waiting)


class SlowNetwork:
    """To be made before the page is visited."""

    def __init__(self, page: Page) -> None:
        self.to_app, self.to_browser = Way(), Way()
        page.route_web_socket("**/_stcore/stream*", self._connect)

    def _connect(self, browser: WebSocketRoute) -> None:
        app = browser.connect_to_server()
        browser.on_message(lambda message: self.to_app.take(app, message))
        app.on_message(lambda message: self.to_browser.take(browser, message))
