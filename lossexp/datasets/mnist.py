"""MNIST: handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass

from lossexp.datasets.downloads import Publication
from lossexp.datasets.images import IdxImages


@dataclass(frozen=True, kw_only=True)
class MNIST(IdxImages):
    """70000 pictures of handwritten digits, 28 x 28 pixels, of which the last 10000 are the test split.

    Source: LeCun, Cortes and Burges (1998).
    """

    name = "mnist"
    classes = tuple("0123456789")
    publication = Publication(
        name="mnist",
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        # The mirrors compress differently: it is the content that is known.
        digests=dict.fromkeys(
            (
                "train-images-idx3-ubyte.gz",
                "train-labels-idx1-ubyte.gz",
                "t10k-images-idx3-ubyte.gz",
                "t10k-labels-idx1-ubyte.gz",
            )
        ),
    )
    content = (
        "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    )
