"""Where published files are looked for, from a server on this machine."""

import functools
import gzip
import hashlib
import socket
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lossexp.datasets.downloads import Publication
from lossexp.errors import DataError

CONTENT = {"a.gz": gzip.compress(b"first", mtime=0), "b.gz": gzip.compress(b"second", mtime=0)}


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    """A mirror that has both files, and remembers what it was asked for."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as httpd:
        httpd.asked, httpd.folder = [], folder
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield httpd
        httpd.shutdown()
        thread.join()


def address(server):
    return f"http://127.0.0.1:{server.server_address[1]}/"


@pytest.fixture
def nowhere():
    """The address of a server that does not answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of the cache, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "lossexp" / "toy"


def toy(*mirrors, **digests):
    return Publication("toy", mirrors, {name: digests.get(name[0]) for name in CONTENT})


def test_what_is_missing_is_downloaded_once(server, cache, capsys):
    for _ in range(2):
        assert toy(address(server)).files(None) == [cache / "a.gz", cache / "b.gz"]
        assert [path.read_bytes() for path in sorted(cache.iterdir())] == list(CONTENT.values())
    assert server.asked == ["/a.gz", "/b.gz"]
    assert capsys.readouterr().err == f"Downloading toy to {cache} ...\n"


def test_only_what_is_missing_is_downloaded(server, cache):
    cache.mkdir(parents=True)
    (cache / "a").write_bytes(b"first")  # not gzipped is as good
    assert toy(address(server)).files(None) == [cache / "a", cache / "b.gz"]
    assert server.asked == ["/b.gz"]


def test_the_next_mirror_is_asked_where_one_fails(server, nowhere, cache):
    assert toy(nowhere, address(server)).files(None) == [cache / "a.gz", cache / "b.gz"]


def test_a_download_with_another_digest_is_not_kept(server, cache):
    good = hashlib.sha256(CONTENT["a.gz"]).hexdigest()
    with pytest.raises(DataError, match=r"cannot be downloaded \(SHA256 hash.*b\.gz.*does not match"):
        toy(address(server), a=f"sha256:{good}", b=f"sha256:{'0' * 64}").files(None)
    assert [path.name for path in cache.iterdir()] == ["a.gz"]


def test_without_a_network_the_message_says_what_to_put_where(nowhere, cache):
    began = time.monotonic()
    with pytest.raises(DataError) as error:
        toy(nowhere).files(None)
    assert time.monotonic() - began < 5
    first, *files, get, folder, setting = str(error.value).splitlines()
    assert first.startswith("dataset=toy: these files cannot be downloaded (")
    assert "Connection refused" in first
    assert files == ["  a.gz", "  b.gz"]
    assert get.startswith(f"Get them from {nowhere}")
    assert folder == f"  {cache}"
    assert setting.endswith("dataset.root=PATH")


def test_a_file_that_the_server_does_not_have_is_named(server):
    (server.folder / "b.gz").unlink()
    with pytest.raises(DataError, match=r"\(404.*\):\n  b\.gz\nGet them"):
        toy(address(server)).files(None)


def test_a_folder_of_the_users_is_never_written(server, tmp_path):
    root = tmp_path / "mine"
    root.mkdir()
    (root / "a.gz").write_bytes(CONTENT["a.gz"])
    with pytest.raises(DataError, match=r"these files are not in dataset\.root=.*mine:\n  b\.gz\n"):
        toy(address(server)).files(str(root))
    (root / "b").write_bytes(b"second")
    assert toy(address(server)).files(str(root)) == [root / "a.gz", root / "b"]
    assert server.asked == []
    assert sorted(path.name for path in root.iterdir()) == ["a.gz", "b"]
