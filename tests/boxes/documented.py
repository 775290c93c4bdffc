"""Tables in the documentation that tests keep true."""

from __future__ import annotations

from boxes import EXAMPLES

PAGE = EXAMPLES.parent / "docs/web-hosting.md"


def assert_documented(name: str, table: str, *, record: bool) -> None:
    """Compare a table with what stands between its two marks on the page; write it there if that is asked for."""
    first, last = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, _, rest = PAGE.read_text().partition(first)
    stands, _, after = rest.partition(last)
    if record:
        PAGE.write_text(f"{before}{first}{table}{last}{after}")
        return
    assert stands == table, "read the difference, then --record"
