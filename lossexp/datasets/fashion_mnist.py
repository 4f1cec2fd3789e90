"""Fashion-MNIST: pictures of clothes."""

from __future__ import annotations

from dataclasses import dataclass

from lossexp.datasets.downloads import Publication
from lossexp.datasets.images import IdxImages


@dataclass(frozen=True, kw_only=True)
class FashionMNIST(IdxImages):
    """70000 pictures of clothes, 28 x 28 pixels, of which the last 10000 are the test split; harder than MNIST.

    What is published of the files is the MD5 of the gzipped ones: a download is checked by it. Of files of your own,
    which may be compressed in another way, only the form is checked.

    Source: Xiao, Rasul and Vollgraf (2017).
    """

    name = "fashion_mnist"
    classes = (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    publication = Publication(
        name="fashion_mnist",
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        md5={
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    )
    sha256 = (None, None, None, None)
