"""A database dump as it is read: statement by statement, without running any."""

import gzip

import pytest

from coopinfra.deploy.imports.finding import NotBrought
from coopinfra.deploy.imports.wordpress import dump

TABLE = b"CREATE TABLE `a` (\n `id` int, -- no; end\n `name` enum('x','y') /* ' */,\n KEY `k` (`id`,`name`(9))\n);\n"


def read(text):
    return [(each.table, each.text.decode()) for each in dump.statements(text) if not each.is_needless]


def rows(values, columns=("id", "name")):
    return [row for each in dump.statements(b"INSERT INTO a VALUES " + values) for row in dump.rows(each, columns)]


def test_of_a_table_its_columns_are_known_and_comments_are_none():
    (statement,) = dump.statements(TABLE)

    assert statement.makes
    assert b"--" not in statement.text
    assert b"\n" not in statement.text
    assert dump.columns_of(statement) == ("id", "name")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (rb"(1,'it\'s; (here)')", b"it's; (here)"),
        (rb"(1,'it''s')", b"it's"),
        (rb"(1,'a\\');", b"a\\"),
        (b"(1,'a\nb\\\nc')", b"a\nb\nc"),
        (rb"(1,'\n\r\t\0\%')", b"\n\r\t\0%"),
        (b"(1,0x4142)", b"AB"),
        (b"(1,NULL)", b""),
        (b"(1,_binary 'x')", b"x"),
        ("(1,'café')".encode(), "café".encode()),
        (b'(1,"say ""so""")', b'say "so"'),
    ],
)
def test_texts_are_read_as_the_database_would(values, name):
    assert rows(values.rstrip(b";") + b";") == [{"id": b"1", "name": name}]


def test_many_rows_and_columns_that_are_named():
    (statement,) = dump.statements(b"INSERT INTO `a` (`name`, `id`) VALUES\n('x', 1),\n('y', -2);")

    assert list(dump.rows(statement, ())) == [{"name": b"x", "id": b"1"}, {"name": b"y", "id": b"-2"}]


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO `mysql`.`user` VALUES (1)",
        "INSERT INTO mysql.user VALUES (1)",
        "INSERT INTO mysql . user VALUES (1)",
        "INSERT INTO a SELECT * FROM b",
        "CREATE TABLE a AS SELECT 1",
        "CREATE TABLE b.a (id int)",
        "CREATE USER x",
        "GRANT ALL ON *.* TO x",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE a",
        "SELECT 'x' INTO OUTFILE '/tmp/x'",
        "CREATE DEFINER=`a`@`b` TRIGGER t AFTER INSERT ON a FOR EACH ROW SET x = 1",
        "CREATE VIEW v AS SELECT 1",
        "UPDATE a SET id = 1",
    ],
)
def test_what_is_no_table_of_its_own_belongs_to_none_and_is_seen(text):
    assert read(f"{text};".encode()) == [("", text)]
    assert read(f"/*!50001 {text} */;".encode()) == [("", text)], "also where MySQL takes a comment for a statement"


def test_programs_between_other_delimiters_are_seen_and_nothing_within_them_is_taken_for_a_row():
    text = b"""DELIMITER $$
/*!50003 CREATE*/ /*!50003 TRIGGER t AFTER INSERT ON a FOR EACH ROW BEGIN INSERT INTO a VALUES (1); END */$$
CREATE PROCEDURE p() BEGIN INSERT INTO a VALUES (2); END$$
DELIMITER ;
INSERT INTO a VALUES (3);
"""

    found = read(text)

    assert [table for table, _ in found] == ["", "", "a"]
    assert found[0][1].startswith("CREATE TRIGGER t")
    assert found[2][1] == "INSERT INTO a VALUES (3)"


@pytest.mark.parametrize(
    "text", ["SET NAMES utf8", "LOCK TABLES `a` WRITE", "USE other", "DROP TABLE IF EXISTS `a`", "COMMIT"]
)
def test_what_an_empty_database_has_no_use_for_is_left_out(text):
    assert read(f"/*!40101 {text} */;\n{text};".encode()) == []


@pytest.mark.parametrize(
    "text",
    [b"INSERT INTO a VALUES ('x", b"INSERT INTO a VALUES (1)", TABLE + b"/* x", b"-- MySQL dump 10.13\n" + TABLE],
)
def test_a_dump_that_was_cut_off_is_refused(text):
    with pytest.raises(NotBrought, match="ends in the middle"):
        read(text)


def test_a_whole_one_of_mysqldump_is_not():
    assert read(b"-- MySQL dump 10.13\n" + TABLE + b"-- Dump completed on 2026-11-25\n")


def test_it_may_be_packed_and_what_is_no_text_is_refused(tmp_path):
    packed, broken, picture = tmp_path / "a.gz", tmp_path / "b.gz", tmp_path / "c.sql"
    packed.write_bytes(gzip.compress(TABLE))
    broken.write_bytes(gzip.compress(TABLE * 100)[:-20])
    picture.write_bytes(b"PK\x03\x04")

    assert dump.read(packed) == TABLE
    for each, why in ((broken, "cannot be read"), (picture, "is no text"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(NotBrought, match=why):
            dump.read(each)
