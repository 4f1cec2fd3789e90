"""Sweeps trained for reports, and reports read as a browser reads them."""

from html.parser import HTMLParser

from lossexp import comparing, ranking, runner, sweeping
from lossexp.engines import Engine
from lossexp.report import write_report
from tests.composed import small_jobs


def trained(folder, *arguments):
    """Return the runs of a sweep on a small dataset."""
    planned = sweeping.plan(all_jobs := small_jobs(f"runs_dir={folder}", *arguments), all_jobs[0].sweep)
    with runner.recording(planned.jobs[0]) as recorder:
        return runner.train_together(planned, Engine(n_jobs=1), recorder, "sweep")


def report(path, runs, *, compared=False):
    """Write the report of some runs and return it as read."""
    contests = {runs[0].job.choices["dataset"]: comparing.of_sweep(runs)} if compared else {}
    write_report(path, runs, ranking.rank(runs), comparing.Compared.of(contests))
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert not page.open, f"not closed: {page.open}"
    return page


class Page(HTMLParser):
    """What is in a page: tags with their attributes, and the text of each section and of each row of tables."""

    VOID = frozenset({"meta", "img", "link"})

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.sections, self.rows = [], [], {}, []
        self.section, self.texts = "head", []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = attributes["id"]
        if tag == "tr":
            self.rows.append((self.section, []))
        if tag in ("td", "th"):
            self.rows[-1][1].append("")
        elif tag == "small":
            self.rows[-1][1][-1] += " "

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "section":
            self.section = "foot"

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))
        self.sections[self.section] = self.sections.get(self.section, "") + data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][1][-1] += data

    def names(self):
        """Return the sections in order."""
        return [attributes["id"] for tag, attributes in self.tags if tag == "section"]

    def in_tags(self, tag):
        """Return the texts directly inside a kind of tag."""
        return [text for of_tag, text in self.texts if of_tag == tag and text.strip()]

    def classes(self, name):
        """Return the attributes of all tags of a class."""
        return [attributes for _, attributes in self.tags if name in (attributes.get("class") or "").split()]
