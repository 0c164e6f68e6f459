"""A real browser for tests: headless Chromium; a test is skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_LONGEST = 60  # seconds


@contextmanager
def opened(profile: Path) -> Iterator[Any]:
    """Start a browser that writes into an empty folder; end it after the block."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("chromium")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def show(browser: Any, page: str, *, width: int = 1200, theme: str = "light") -> None:
    """Open a page afresh, in a window of a width and with the system in a theme."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get("about:blank")
    browser.get(page)
    browser.execute_script("try { localStorage.clear() } catch {}")
    browser.get_log("browser")
    browser.refresh()


def find(browser: Any, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def texts(browser: Any, selector: str) -> list[str]:
    return [element.text for element in find(browser, selector)]


def wait(browser: Any, script: str) -> None:
    from selenium.webdriver.support.wait import WebDriverWait  # noqa: PLC0415 - may be missing

    WebDriverWait(browser, _LONGEST).until(lambda driver: driver.execute_script(f"return {script}"))
