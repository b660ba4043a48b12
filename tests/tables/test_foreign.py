"""A file that is no table is refused as a whole and named; a bad cell in a table is not."""

from __future__ import annotations

import gzip
import io
import sqlite3
import struct
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.errors import InvalidRequest
from recollect.tables import TableOptions, open_file, open_table, read_options

TABLES = Path(__file__).parents[1] / "data" / "tables"
CSV = b"name,city\nAnn,Rome\nBob,Oslo\n"


def picture() -> bytes:
    """The smallest PNG there is: one white dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\xff")) + chunk(b"IEND", b"")


def document() -> bytes:
    """A PDF that is text from end to end."""
    return b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog, /Pages 2 0 R >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as packed:
        info = tarfile.TarInfo("table.csv")
        info.size = len(CSV)
        packed.addfile(info, io.BytesIO(CSV))
    return out.getvalue()


def database(folder: Path) -> bytes:
    home = folder / "some.db"
    with sqlite3.connect(home) as connection:
        connection.execute("CREATE TABLE people (name TEXT, city TEXT)")
    connection.close()
    return home.read_bytes()


def text_document() -> bytes:
    """As much of a Word document as tells it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("word/document.xml", "<document/>")
    return out.getvalue()


def dbase() -> bytes:
    """A dBase table: text from the first record on, and a head that is none."""
    field = b"NAME".ljust(11, b"\0") + b"C" + bytes(4) + bytes((10, 0)) + bytes(14)
    return bytes((3, 126, 1, 1)) + struct.pack("<IHH", 5000, 65, 11) + bytes(20) + field + b"\r" + b" Ann       " * 5000


def refused(content: bytes, **options: str) -> str:
    with pytest.raises(InvalidRequest) as refusal, open_file(io.BytesIO(content), max_bytes=1 << 24) as file:
        open_table(file, TableOptions(**options))  # type: ignore[arg-type]
    assert refusal.value.code == "UNREADABLE_FILE"
    return refusal.value.detail


def columns(content: bytes, **options: str) -> list[str]:
    with open_file(io.BytesIO(content), max_bytes=1 << 24) as file:
        return [each.column for each in open_table(file, TableOptions(**options)).report().columns]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (picture(), "a PNG image"),
        (document(), "a PDF document"),
        (b"\xef\xbb\xbf<!DOCTYPE html>\n<html><body><table></table></body></html>", "a web page"),
        (b'<?xml version="1.0"?>\n<Workbook>\n</Workbook>', "an XML document"),
        (archive(), "a tar archive"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)) * 4, "a JPEG image"),
        (bytes(5000), "binary data"),
        (dbase(), "binary data"),
        (text_document(), "a text document"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_no_table_is_refused_by_its_name(content: bytes, name: str) -> None:
    assert f"The file is {name}" in refused(content)


def test_programs_and_databases_are_refused(tmp_path: Path) -> None:
    assert "a program" in refused(Path(sys.executable).resolve().read_bytes()[: 1 << 20])
    assert "an SQLite database" in refused(database(tmp_path))


def test_packed_it_is_refused_as_well() -> None:
    assert "a PNG image" in refused(gzip.compress(picture()))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_an_encoding_that_was_told_makes_no_table_of_it(encoding: str) -> None:
    refused(picture() * 4, encoding=encoding)


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"]))
def test_data_without_form_is_never_a_table(source: object, mark: bytes) -> None:
    refused(mark + b"data" + source.randbytes(4096))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "content",
    [
        CSV + b"\x00,Oslo\n" + CSV * 5,  # the record is refused, not the table
        CSV.replace(b"\n", b"\r\n") + b"\x1a",  # as DOS ends a file
        CSV + "日本,東京\n".encode() * 9,
        ("имя,город\n" + "Анна,Рим\n" * 40).encode("cp1251"),
        "name,city\nAnn,Zürich\n".encode("utf-16-le"),
        CSV + b"a\x0bb,c\x0cd\n",  # breaks within a cell, as spreadsheets write them
        "name,mood\nAnn,\U0001fae9\n".encode(),  # younger than most lists of characters
    ],
)
def test_a_table_with_something_odd_in_it_stays_one(content: bytes) -> None:
    assert len(columns(content)) == 2


def test_a_control_character_may_be_the_delimiter_where_it_is_named() -> None:
    assert columns(b"name\x01city\nAnn\x01Rome\n", delimiter="\x01") == ["name", "city"]


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.[ct]sv*")), ids=lambda path: path.name)
def test_every_ordinary_table_is_one(path: Path) -> None:
    assert columns(path.read_bytes())


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("has_mark", [True, False])
def test_wide_characters_are_read_in_the_order_they_are_in(encoding: str, order: str, has_mark: bool) -> None:
    text = ("\ufeff" if has_mark else "") + "name,city\nAnn,Zürich\n"
    assert columns(text.encode(f"{encoding}-{order}"), encoding=encoding) == ["name", "city"]


@pytest.mark.parametrize(
    "name", ["base64", "zlib", "rot13", "hex", "idna", "punycode", "undefined", "morse", "a\0b", "ü"]
)
def test_an_encoding_that_is_none_of_text_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_options(encoding=name)
    assert [each.code for each in refusal.value.violations] == ["ENCODING"]
