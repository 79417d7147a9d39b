"""The files of the bot: what was uploaded, under which file_id it can be sent again, where it is downloaded."""

import base64
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.telegram_api.calls import Upload
from sandbox.telegram_api.errors import bad_request
from sandbox.telegram_api.image_size import image_size, image_type

FileKind = Literal["photo", "document"]

LARGEST_PHOTO_BYTES = 10 * 1024 * 1024
LARGEST_DOWNLOAD_BYTES = 20 * 1024 * 1024
LARGEST_PHOTO_SIDES = 10_000
LARGEST_PHOTO_RATIO = 20
_KEY_LENGTH = 16
_PHOTO_SIDES = (90, 320, 800, 1280)


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One size of a photo, or a whole document."""

    file_id: str
    file_unique_id: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was uploaded; `versions` run from the smallest to the whole."""

    number: int
    kind: FileKind
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    versions: tuple[FileVersion, ...]
    path: str = field(compare=False)

    @property
    def key(self) -> str:
        """Return the short content hash by which a journal tells files apart."""
        return self.sha256[:_KEY_LENGTH]

    def render(self) -> Any:
        """Return the `photo` or `document` field of a message."""
        if self.kind == "document":
            whole = self.versions[-1]
            return {
                "file_name": self.name,
                "mime_type": self.content_type,
                "file_id": whole.file_id,
                "file_unique_id": whole.file_unique_id,
                "file_size": self.size_bytes,
            }
        return [
            {
                "file_id": one.file_id,
                "file_unique_id": one.file_unique_id,
                "file_size": self.size_bytes,
                "width": one.width,
                "height": one.height,
            }
            for one in self.versions
        ]


class FileStore:
    """Keeps uploads in memory; the oldest contents are forgotten beyond `limit_bytes`, their file_ids stay valid."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._by_file_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}
        self._contents: OrderedDict[int, bytes] = OrderedDict()
        self._held_bytes = 0
        self._count = 0

    def add(self, kind: FileKind, upload: Upload) -> StoredFile:
        """Store an upload. Raises ApiError (400) for an empty file or a photo that Telegram would refuse."""
        if not upload.content:
            raise bad_request("file must be non-empty")
        sizes = _photo_sizes(upload.content) if kind == "photo" else ((0, 0),)
        stored = self._describe(kind, upload, sizes)
        for version in stored.versions:
            self._by_file_id[version.file_id] = stored
        self._by_path[stored.path] = stored
        self._hold(stored, upload.content)
        return stored

    def find(self, kind: FileKind, file_id: str) -> StoredFile:
        """Return the file to send again. Raises ApiError (400) for an unknown id, a URL, or a file of another kind."""
        if file_id.startswith(("http://", "https://")):
            raise bad_request("failed to get HTTP URL content")
        stored = self._by_file_id.get(file_id)
        if stored is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        if stored.kind != kind:
            raise bad_request(f"can't use file of type {stored.kind.title()} as {kind.title()}")
        return stored

    def forget_ids(self) -> int:
        """Let every file_id expire, as it does when Telegram loses a file; return how many there were."""
        forgotten = len(self._by_file_id)
        self._by_file_id.clear()
        return forgotten

    def describe(self, file_id: str) -> dict[str, Any]:
        """Return the answer of getFile. Raises ApiError (400)."""
        stored = self._by_file_id.get(file_id)
        if stored is None:
            raise bad_request("invalid file_id")
        if stored.size_bytes > LARGEST_DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        version = next(one for one in stored.versions if one.file_id == file_id)
        return {
            "file_id": file_id,
            "file_unique_id": version.file_unique_id,
            "file_size": stored.size_bytes,
            "file_path": stored.path,
        }

    def key_of(self, file_id: str) -> str | None:
        """Return the content hash behind a file_id; None when it is unknown."""
        stored = self._by_file_id.get(file_id)
        return None if stored is None else stored.key

    @staticmethod
    def key_of_content(content: bytes) -> str:
        """Return the content hash that an upload would get."""
        return hashlib.sha256(content).hexdigest()[:_KEY_LENGTH]

    def content(self, path: str) -> tuple[StoredFile, bytes] | None:
        """Return the file under a path and its bytes; None when unknown or forgotten."""
        stored = self._by_path.get(path)
        if stored is None or stored.number not in self._contents:
            return None
        return stored, self._contents[stored.number]

    def _describe(self, kind: FileKind, upload: Upload, sizes: tuple[tuple[int, int], ...]) -> StoredFile:
        number, self._count = self._count, self._count + 1
        content_type = image_type(upload.content) if kind == "photo" else upload.content_type
        sha256 = hashlib.sha256(upload.content).hexdigest()
        suffix = (
            content_type.removeprefix("image/").replace("jpeg", "jpg")
            if kind == "photo"
            else upload.filename.replace("/", "_")
        )
        return StoredFile(
            number=number,
            kind=kind,
            name=upload.filename,
            content_type=content_type,
            size_bytes=len(upload.content),
            sha256=sha256,
            versions=tuple(_version(kind, number, sha256, size) for size in sizes),
            path=f"photos/file_{number}.{suffix}" if kind == "photo" else f"documents/file_{number}_{suffix}",
        )

    def _hold(self, stored: StoredFile, content: bytes) -> None:
        self._contents[stored.number] = content
        self._held_bytes += len(content)
        while self._held_bytes > self._limit_bytes and len(self._contents) > 1:
            _, forgotten = self._contents.popitem(last=False)
            self._held_bytes -= len(forgotten)


def _photo_sizes(content: bytes) -> tuple[tuple[int, int], ...]:
    """Return the sizes in which a photo is offered, smallest first. Raises ApiError (400) for what is no photo."""
    if len(content) > LARGEST_PHOTO_BYTES:
        raise bad_request(
            f"file of size {len(content)} bytes is too big for a photo; the maximum size is {LARGEST_PHOTO_BYTES} bytes"
        )
    size = image_size(content)
    if size is None or 0 in size:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = size
    if width + height > LARGEST_PHOTO_SIDES or max(size) > LARGEST_PHOTO_RATIO * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    longest = min(max(size), _PHOTO_SIDES[-1])
    return tuple(_scaled(width, height, side) for side in (*(one for one in _PHOTO_SIDES if one < longest), longest))


def _scaled(width: int, height: int, longest: int) -> tuple[int, int]:
    """Shrink a size so that its longer side is `longest`."""
    factor = longest / max(width, height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _version(kind: FileKind, number: int, sha256: str, size: tuple[int, int]) -> FileVersion:
    """Name one version: the file_id differs per upload, the unique id only by content."""
    width, height = size
    prefix = "AgACAgQAAxkBAA" if kind == "photo" else "BQACAgQAAxkBAA"
    return FileVersion(
        file_id=prefix + _token(f"{number}:{sha256}:{width}x{height}", 36),
        file_unique_id="AQAD" + _token(f"{sha256}:{width}x{height}", 12),
        width=width,
        height=height,
    )


def _token(seed: str, length: int) -> str:
    """Derive URL-safe characters from a seed."""
    return base64.urlsafe_b64encode(hashlib.sha256(seed.encode()).digest()).decode()[:length]
