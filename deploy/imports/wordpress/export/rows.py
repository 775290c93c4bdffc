"""What an export says, as rows of WordPress's tables: everything keeps its number, so what names it is right."""

from __future__ import annotations

import mimetypes
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import TypeVar

from coopinfra.deploy.imports.wordpress.export.addresses import structure_of
from coopinfra.deploy.imports.wordpress.export.pictures import SIZES, brings_home, smaller_copies
from coopinfra.deploy.imports.wordpress.export.site import Export, Item, Term

PREFIX = "wp_"
NOBODYS_HASH = "*"
"""What no password has as its hash."""
ATTACHED = "_wp_attached_file"
_OF_AN_EDITOR = ("_edit_lock", "_edit_last")
_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"})

Row = Mapping[str, str | int]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Rows:
    """The tables that an export fills.

    there: the uploads that came along
    """

    export: Export
    there: Set[str] = frozenset()

    def statements(self) -> Iterator[str]:
        """Yield them, a statement each line."""
        for table, rows in (
            ("users", self._users()),
            ("usermeta", self._usermeta()),
            ("terms", self._named()),
            ("term_taxonomy", self._under()),
            ("posts", self._posts()),
            ("postmeta", self._postmeta()),
            ("term_relationships", self._belongs()),
            ("comments", self._comments()),
        ):
            yield from (_insert(table, row) for row in rows)

    @cached_property
    def structure(self) -> str:
        """How addresses of posts were made; empty where nobody knows."""
        return structure_of(self.export)

    @cached_property
    def in_one_size(self) -> tuple[Item, ...]:
        """The pictures of which smaller copies are named and did not come along: pages show the large one."""
        return tuple(each for each in self.export.items if not set(smaller_copies(each)) <= self.there)

    @cached_property
    def authors(self) -> dict[str, int]:
        """The number of everybody who wrote something, by login."""
        known = {each.login: each.number for each in self.export.authors}
        return _numbered(
            {**known, **{each.author: 0 for each in self.export.items if each.author and each.author not in known}}
        )

    @cached_property
    def terms(self) -> dict[tuple[str, str], tuple[int, Term]]:
        """What posts are put under, with its number; one category is always there."""
        used = (term for item in self.export.items for term in item.terms)
        found: dict[tuple[str, str], Term] = {}
        for term in (*self.export.terms, *used):
            found.setdefault((term.taxonomy, term.slug), term)
        if not any(taxonomy == "category" for taxonomy, _ in found):
            found["category", "uncategorized"] = Term("category", "uncategorized", "Uncategorized")
        numbers = _numbered({key: term.number for key, term in found.items()})
        return {key: (numbers[key], term) for key, term in found.items()}

    @property
    def options(self) -> dict[str, str]:
        """The settings that follow from it, by WordPress's names."""
        sticky = [each.number for each in self.export.items if each.said.get("is_sticky") == "1"]
        categories = {slug: number for (taxonomy, slug), (number, _) in self.terms.items() if taxonomy == "category"}
        options = {
            "blogdescription": self.export.tagline,
            "default_category": str(categories.get("uncategorized") or min(categories.values())),
            "sticky_posts": f"a:{len(sticky)}:{{{''.join(f'i:{at};i:{each};' for at, each in enumerate(sticky))}}}",
        }
        return options | ({"permalink_structure": self.structure} if self.structure else {})

    @cached_property
    def _at_home(self) -> Callable[[str], str]:
        return brings_home(self.export)

    def _users(self) -> Iterator[Row]:
        known = {each.login: each for each in self.export.authors}
        for login, number in self.authors.items():
            author = known.get(login)
            yield {
                "ID": number,
                "user_login": login,
                "user_pass": NOBODYS_HASH,
                "user_nicename": re.sub(r"[^a-z0-9_-]+", "-", login.lower())[:50],
                "user_email": author.email if author else "",
                "display_name": (author.name if author else "") or login,
            }

    def _usermeta(self) -> Iterator[Row]:
        for number in self.authors.values():
            yield {"user_id": number, "meta_key": f"{PREFIX}capabilities", "meta_value": 'a:1:{s:6:"author";b:1;}'}
            yield {"user_id": number, "meta_key": f"{PREFIX}user_level", "meta_value": "2"}

    def _named(self) -> Iterator[Row]:
        for number, term in self.terms.values():
            yield {"term_id": number, "name": term.name or term.slug, "slug": term.slug}

    def _under(self) -> Iterator[Row]:
        public = Counter(
            (each.taxonomy, each.slug) for item in self.export.items if item.is_public for each in item.terms
        )
        for (taxonomy, slug), (number, term) in self.terms.items():
            above = self.terms.get((taxonomy, term.parent))
            yield {
                "term_taxonomy_id": number,
                "term_id": number,
                "taxonomy": taxonomy,
                "description": term.description,
                "parent": above[0] if above else 0,
                "count": public[taxonomy, slug],
            }

    def _posts(self) -> Iterator[Row]:
        for item in self.export.items:
            said = item.said.get
            yield {
                "ID": item.number,
                "post_author": self.authors.get(item.author, 0),
                "post_date": said("post_date", ""),
                "post_date_gmt": said("post_date_gmt", ""),
                "post_modified": said("post_modified", "") or said("post_date", ""),
                "post_modified_gmt": said("post_modified_gmt", "") or said("post_date_gmt", ""),
                "post_title": item.title,
                "post_content": self._at_home(item.content),
                "post_excerpt": self._at_home(item.excerpt),
                "post_content_filtered": "",
                "post_status": said("status", "draft"),
                "post_password": said("post_password", ""),
                "post_name": said("post_name", ""),
                "post_parent": said("post_parent", "") or "0",
                "post_type": item.kind,
                "post_mime_type": (mimetypes.guess_type(item.uploaded[1])[0] or "") if item.uploaded else "",
                "comment_status": said("comment_status", "closed"),
                "ping_status": "closed",
                "menu_order": said("menu_order", "") or "0",
                "guid": said("guid", "") or f"http://{self.export.address}/?p={item.number}",
                "comment_count": sum(each.said.get("comment_approved") == "1" for each in item.comments),
                "to_ping": "",
                "pinged": "",
            }

    def _postmeta(self) -> Iterator[Row]:
        large = {each.number for each in self.in_one_size}
        for item in self.export.items:
            meta = [(key, value) for key, value in item.meta if key and key not in _OF_AN_EDITOR]
            if item.uploaded:
                # Some hosts name here where it lay on their disks.
                meta = [(key, value) for key, value in meta if key != ATTACHED]
                meta.append((ATTACHED, item.uploaded[1]))
                if item.number in large:
                    meta = [(key, value) for key, value in meta if key != SIZES]
            for key, value in meta:
                yield {"post_id": item.number, "meta_key": key, "meta_value": value}

    def _belongs(self) -> Iterator[Row]:
        for item in self.export.items:
            for key in dict.fromkeys((each.taxonomy, each.slug) for each in item.terms):
                yield {"object_id": item.number, "term_taxonomy_id": self.terms[key][0]}

    def _comments(self) -> Iterator[Row]:
        # From which address somebody wrote is nothing that anybody needs any longer.
        for item in self.export.items:
            for each in item.comments:
                said = each.said.get
                yield {
                    "comment_ID": each.number,
                    "comment_post_ID": item.number,
                    "comment_author": said("comment_author", ""),
                    "comment_author_email": said("comment_author_email", ""),
                    "comment_author_url": said("comment_author_url", ""),
                    "comment_date": said("comment_date", ""),
                    "comment_date_gmt": said("comment_date_gmt", ""),
                    "comment_content": self._at_home(said("comment_content", "")),
                    "comment_approved": said("comment_approved", "0"),
                    "comment_type": said("comment_type", "") or "comment",
                    "comment_parent": said("comment_parent", "") or "0",
                }


def _numbered(wanted: Mapping[Key, int]) -> dict[Key, int]:
    """Let each keep its number; what has none, or one that another has already, gets a new one."""
    fresh, taken, numbers = count(max(wanted.values(), default=0) + 1), {0}, {}
    for key, number in wanted.items():
        numbers[key] = next(fresh) if number in taken else number
        taken.add(numbers[key])
    return numbers


def _insert(table: str, row: Row) -> str:
    columns = ", ".join(f"`{name}`" for name in row)
    values = ", ".join(
        str(value) if isinstance(value, int) else f"'{value.translate(_ESCAPES)}'" for value in row.values()
    )
    # Nothing is asked of a database here, and each value is quoted.
    return f"INSERT INTO `{PREFIX}{table}` ({columns}) VALUES ({values})"  # noqa: S608
