"""What a deploy did, in words, a line for each role."""

from coopinfra.cli.summary import summary
from coopinfra.roles.primitives.changes import Change


def test_a_summary_has_a_line_for_each_role():
    changes = (
        *(Change("package", "install", name, role="base") for name in ("nftables", "sudo", "chrony")),
        Change("package", "install", "nginx", role="nginx"),
        *(Change("user", "create", name, role="base") for name in ("ada", "bruno")),
        Change("file", "create", "/etc/nftables.conf", role="base"),
        Change("file", "change", "/etc/hostname", role="base"),
        Change("file", "change", "/etc/hosts", role="base"),
        Change("file", "remove", "/etc/old", role="base"),
        Change("release", "publish", "/srv/sites/main", role="website"),
        Change("unit", "reload", "nginx.service", role="nginx"),
        Change("step", "run", "Name it", role="base"),
    )

    assert summary(changes) == [
        "  base     installed 3 packages, made accounts ada and bruno, wrote 3 files, removed /etc/old, ran `Name it`",
        "  nginx    installed nginx, reloaded nginx.service",
        "  website  published /srv/sites/main",
    ]


def test_what_nobody_declares_any_more_is_told_too():
    assert summary((Change("file", "remove", "/etc/old"),)) == ["  no longer declared  removed /etc/old"]


def test_of_nothing_nothing_is_said():
    assert summary(()) == []
