"""The report in headless Chromium: on a phone, in the dark and on paper."""

import contextlib
import shutil

import pytest

from tests.report.sweeps import report, trained
from tests.test_ui import Browser

SIZE_OF_TEXT = """
return Math.min(...[...document.querySelectorAll("figure svg text")].map(
    text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))
"""
COLOURS = """
const of = (selector, property) => getComputedStyle(document.querySelector(selector))[property];
return [of("body", "backgroundColor"), of("body", "color"), of("figure .line", "stroke"), of("svg text", "fill")]
"""

MANY_VERDICTS = """
for (const bar of document.querySelectorAll(".bar"))
    for (let i = 0; i < 8; i++) bar.append(bar.firstElementChild.cloneNode(true))
"""


@pytest.fixture
def browser(tmp_path):
    if not (shutil.which("chromedriver") and shutil.which("chromium")):
        pytest.skip("no chromium with chromedriver")
    report(tmp_path / "report.html", trained(tmp_path, "loss=mse,bce,hinge", "seed=0,1"), compared=True)
    with contextlib.closing(Browser(tmp_path / "profile")) as opened:
        opened.open((tmp_path / "report.html").as_uri())
        yield opened


def luminance(colour):
    """Return the relative luminance of WCAG 2 of a colour such as `rgb(1, 2, 3)`."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrasts(browser):
    """Return the contrast of text, of a curve and of labels with the paper."""
    paper, *inks = (luminance(colour) + 0.05 for colour in browser.run(COLOURS))
    return [max(paper, ink) / min(paper, ink) for ink in inks]


@pytest.mark.browser
def test_it_fits_a_phone_and_can_be_read_light_dark_and_printed(browser):
    browser.run(MANY_VERDICTS)
    for width in (360, 390, 1400):
        browser.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
        )
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.run(SIZE_OF_TEXT) > 9.5
    papers = {}
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.command("Emulation.setEmulatedMedia", media="screen", features=features)
        papers[scheme] = luminance(browser.run(COLOURS)[0])
        text, curve, labels = contrasts(browser)
        assert text > 7
        assert curve > 3
        assert labels > 4.5
    assert papers["dark"] < 0.05 < 0.9 < papers["light"]
    browser.command("Emulation.setEmulatedMedia", media="print", features=features)
    assert luminance(browser.run(COLOURS)[0]) == 1, "paper is white, whatever the screen is"
