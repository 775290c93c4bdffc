"""What an export does not say, or somebody has to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from coopinfra.deploy.imports.finding import Finding
from coopinfra.deploy.imports.wordpress.export.rows import Rows
from coopinfra.deploy.imports.wordpress.export.site import Export

_OF_THE_CORE = {"post", "page", "attachment", "nav_menu_item", "revision", "custom_css", "customize_changeset"} | {
    "oembed_cache",
    "user_request",
    "wp_block",
    "wp_font_face",
    "wp_font_family",
    "wp_global_styles",
    "wp_navigation",
    "wp_template",
    "wp_template_part",
}
_SHOWN = 3


def of_what_it_says(export: Export, rows: Rows) -> Iterator[Finding]:
    """Yield what does not come along because no export has it, and what came along and needs a hand."""
    yield Finding(
        "an export has no theme, plugins, widgets, settings nor passwords",
        "pin the theme and what is needed of plugins under `themes:` and `plugins:`; choose in the browser which page "
        "is the first",
    )
    names = {each.login: each for each in export.authors}
    if who := tuple(f"{each} <{names[each].email}>" if each in names else each for each in sorted(rows.authors)):
        hint = "each is an author and cannot log in, until an administrator chooses a password for them"
        yield Finding("accounts of those who wrote", hint, who)
    kinds = Counter(each.kind for each in export.items if each.kind not in _OF_THE_CORE)
    if kinds:
        hint = "they are there, and nobody sees them until the plugin that made them is pinned"
        yield Finding(
            "what a plugin kept among the posts", hint, tuple(f"{many} {kind}" for kind, many in kinds.items())
        )
    if menus := tuple(term.name for _, term in rows.terms.values() if term.taxonomy == "nav_menu"):
        hint = "they are there; say in the browser where the theme shows them"
        yield Finding("menus", hint, menus)
    if large := tuple(each.uploaded[1] for each in rows.in_one_size if each.uploaded):
        hint = "pages show the large ones; a plugin such as `regenerate-thumbnails` makes smaller ones"
        yield Finding("pictures of which no smaller copies came along", hint, large)
    posts = [each for each in export.items if each.kind == "post" and each.is_public]
    if posts and not rows.structure and any("?" not in each.link for each in posts):
        hint = "choose in the browser how they are made (Settings, Permalinks), or name the old ones under `redirects:`"
        yield Finding("posts get new addresses", hint, tuple(each.link for each in posts[:_SHOWN]))
