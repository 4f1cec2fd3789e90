"""Fashion-MNIST: pictures of clothes."""

from __future__ import annotations

from dataclasses import dataclass

from lossexp.datasets.downloads import Publication
from lossexp.datasets.images import IdxImages


@dataclass(frozen=True, kw_only=True)
class FashionMNIST(IdxImages):
    """70000 pictures of clothes, 28 x 28 pixels, of which the last 10000 are the test split; harder than MNIST.

    A download is checked by its SHA-256, as TensorFlow Datasets publishes it; the content of any file, also of one that
    is not gzipped, by its MD5, which is what others have published of it.

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
        digests={
            "train-images-idx3-ubyte.gz": "sha256:3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "sha256:a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "sha256:346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "sha256:67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    )
    content = (
        "md5:f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "md5:9018921c3c673c538a1fc5bad174d6f9",
        "md5:8181f5470baa50b63fa0f6fddb340f0a",
        "md5:15d484375f8d13e6eb1aabb0c3f46965",
    )
