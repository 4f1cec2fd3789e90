"""Files into rows: one module per family of formats, none of which executes anything that a file holds."""

from lossexp.datasets.reading.content import Content, Reader

__all__ = ["Content", "Reader"]
