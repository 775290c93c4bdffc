"""The plain `pyinfra` command with its stock connector, and ours: the same roles end in the same server."""

from __future__ import annotations

import pytest

from boxes import machines

pytestmark = pytest.mark.timeout(480)

OURS, STOCK = "coopinfra", "pyinfra"
BLOG = """
          blog:
            domain: blog.highbeam.example
            kind: static
            source: {folder: sites/blog}
"""
# What somebody, or an accident, changes on a server: contents, modes, what is missing, accounts, packages, units.
ACCIDENTS = """
set -e
echo '# by hand' >>/etc/nginx/nginx.conf
chmod 0600 /etc/nftables.conf
rm /etc/ssh/authorized_keys.d/ada
usermod --shell /bin/sh bruno
gpasswd --delete bruno operators
dpkg --purge logrotate
systemctl disable --now nginx.service
systemctl stop certbot.timer
"""


def mend(operator, by):
    if by == OURS:
        operator.ok("deploy", "highbeam", "--yes")
        return
    # Whom the server lets in: root at first, the operators from then on.
    login = "demo" if "demo:" in operator.root("getent passwd") else "root"
    ran = operator.plain_pyinfra(login)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def differences(one, other):
    """What two servers do not share, by list."""
    return {name: sorted({*one[name]} ^ {*other[name]}) for name in one if one[name] != other[name]}


def from_empty(lab, by):
    with machines(lab) as make:
        operator = make()
        operator.publish()
        mend(operator, by)
        assert "web1: nothing to change" in operator.ok("plan", "highbeam").stdout
        return operator.whole()


def from_changed(lab, by):
    """Deploy, let everything happen that can, want something else, and mend it; return the server before and after."""
    with machines(lab) as make:
        operator = make()
        org = operator.folder / "org.yml"
        text = org.read_text()
        (operator.folder / "sites/blog").mkdir()
        (operator.folder / "sites/blog/index.html").write_text("<h1>Our blog</h1>\n")
        org.write_text(text.rstrip("\n") + BLOG)
        operator.publish()
        operator.ok("deploy", "highbeam", "--yes")
        operator.root(ACCIDENTS)
        before = operator.whole()

        org.write_text(text)
        (operator.folder / "sites/main/news.html").write_text("<h1>News</h1>\n")
        mend(operator, by)
        assert "web1: nothing to change" in operator.ok("plan", "highbeam").stdout
        return before, operator.whole()


@pytest.mark.rest
def test_on_an_empty_server_both_end_in_the_same_tree_accounts_groups_packages_and_units(lab):
    ours, stock = from_empty(lab, OURS), from_empty(lab, STOCK)

    assert differences(ours, stock) == {}
    assert all(ours.values()), "every list has something in it"


@pytest.fixture(scope="module")
def mended(lab):
    """Two servers that were broken alike, before and after they were mended, one by each."""
    return from_changed(lab, OURS), from_changed(lab, STOCK)


def test_on_a_changed_server_both_end_in_the_same_tree_accounts_groups_packages_and_units(mended):
    (broken, ours), (also_broken, stock) = mended

    assert differences(broken, also_broken) == {}
    assert differences(ours, stock) == {}


@pytest.mark.parametrize(
    ("where", "word"),
    [
        ("tree", "/etc/nginx/nginx.conf"),
        ("tree", "/etc/nftables.conf"),
        ("tree", "/etc/ssh/authorized_keys.d/ada"),
        ("tree", "/srv/sites/highbeam-blog"),
        ("tree", "/srv/sites/highbeam-main/current"),
        ("accounts", "bruno:"),
        ("groups", "operators:"),
        ("packages", "logrotate "),
        ("units", "nginx.service "),
        ("running", "nginx.service "),
        ("running", "certbot.timer "),
    ],
)
def test_the_control_what_was_broken_is_seen_where_it_belongs_and_was_mended(mended, where, word):
    (broken, ours), _ = mended

    assert any(word in line for line in differences(broken, ours)[where])
