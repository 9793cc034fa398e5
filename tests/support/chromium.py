"""Chromium as Debian packs it, for pages that people will see."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")

_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip

# Names of the elements that the Tab key reaches, in its order, with whether each shows that it has focus.
TABBED = """async () => {
  const element = document.activeElement;
  if (element === document.body) return ["the browser's own", true];
  const style = getComputedStyle(element);
  return [element.id || element.textContent.trim() || element.name, style.outlineStyle !== "none"];
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS, timeout=120_000)
        yield browser
        browser.close()


class Visitor:
    """A page of its own at `address`, and what it asked for and complained of.

    width in pixels; scheme: "light" or "dark".
    """

    def __init__(self, browser: Browser, address: str, *, width: int = 1280, scheme: Any = "light") -> None:
        self.address = address
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def see(self, path: str) -> Page:
        self.page.goto(self.address + path, timeout=60_000, wait_until="load")
        return self.page

    def asked_elsewhere(self) -> list[str]:
        """Requests to anything but the page's own server."""
        return [url for url in self.requests if not url.startswith((self.address, "data:"))]

    def violations(self) -> list[str]:
        """What axe-core finds wrong, a line for each rule."""
        # Not by a script tag, which the page's policy forbids.
        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {[node['html'][:100] for node in one['nodes']]}" for one in found]

    def is_wider_than_window(self) -> bool:
        """Whether the page scrolls sideways as a whole."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def visit(browser: Browser, address: str, path: str, **look: Any) -> Visitor:
    """A page at `path`, by somebody who logged in with the token "t"; look: as for Visitor."""
    visitor = Visitor(browser, address, **look)
    visitor.see("/login?token=t")
    if path != "/":
        visitor.see(path)
    return visitor
