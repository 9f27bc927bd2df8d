"""Reads the parts of an untrusted ZIP archive and their XML."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from lxml import etree

from chat.documents.unreadable import Unreadable

MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_ENTRIES = 2000


@contextmanager
def opened(data: bytes) -> Iterator[zipfile.ZipFile]:
    """The archive. Raises Unreadable for an encrypted one, and for one that would fill the memory when unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if any(entry.flag_bits & 1 for entry in entries):
                raise Unreadable("encrypted")
            if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise Unreadable("too_heavy")
            yield archive
    except (zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError, KeyError, OSError, EOFError):
        raise Unreadable("damaged") from None


def xml(archive: zipfile.ZipFile, name: str) -> etree._Element:
    """The root of a part. Raises KeyError and XMLSyntaxError."""
    # Entities are not resolved: the author of the file could include files of this machine, or expand them endlessly.
    return etree.fromstring(archive.read(name), etree.XMLParser(resolve_entities=False, no_network=True))


def name_of(element: etree._Element) -> str:
    """The name without its namespace, because strict and transitional Word files differ in namespaces only."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: etree._Element, *names: str) -> str:
    """The value of the first of these attributes, without regard to namespaces; empty without one."""
    values = {etree.QName(name).localname: str(value) for name, value in element.items()}
    return next((values[name] for name in names if name in values), "")
