"""The main path on a real Debian 13: deploy, again, check, reboot, add, remove, roll back; seen from outside too."""

import re
import sys

import pytest

from coopinfra.deploy.lab import lab as labs
from faults import wait_for

pytestmark = pytest.mark.timeout(480)

SECOND_SITE = """
          blog:
            domain: blog.highbeam.example
            kind: static
            source: {folder: sites/blog}
"""


@pytest.fixture(scope="module")
def operator(machine):
    """One server for the whole story: each test goes on where the one before it ended."""
    return machine


def curl(operator, url, *options):
    return operator.outside("curl", "-sS", "--max-time", "10", *options, url)


def test_a_first_deploy_without_dns_ends_well_and_says_what_waits(operator):
    ran = operator.ok("deploy", "highbeam", "--yes")

    assert "Install Debian packages" in ran.stderr
    assert "waits for" in ran.stderr
    assert "www.highbeam.example" in ran.stderr
    assert ran.stdout == ""


def test_check_is_red_until_the_dns_points_here(operator):
    ran = operator.run("check", "highbeam")

    assert ran.returncode == 1
    assert "RED" in ran.stdout


def test_with_dns_the_next_deploy_gets_the_certificate_and_all_is_green(operator):
    operator.publish()

    operator.ok("deploy", "highbeam", "--yes")
    ran = operator.ok("check", "highbeam")

    assert " 0 red" in ran.stdout
    assert operator.ok("dns", "highbeam", "--check").returncode == 0


def test_a_further_deploy_has_nothing_to_change(operator):
    before = operator.tree()

    ran = operator.ok("deploy", "highbeam", "--yes")

    assert "web1: nothing to change" in ran.stderr
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    assert operator.differs_from(before) == []


def test_the_site_is_served_over_tls_by_the_authority_and_from_every_name(operator):
    page = curl(operator, "https://www.highbeam.example/")
    plain = curl(operator, "http://www.highbeam.example/", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}")
    bare = curl(operator, "https://highbeam.example/a?b=c", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}")

    assert "High Beam" in page.stdout
    assert re.fullmatch(r"30[18] https://www\.highbeam\.example/", plain.stdout)
    assert re.fullmatch(r"30[18] https://www\.highbeam\.example/a\?b=c", bare.stdout)


def test_the_firewall_lets_in_what_is_declared_and_nothing_else(operator):
    operator.root(
        "systemd-run --quiet --unit=listener python3 -m http.server 8080 || "
        "systemd-run --quiet --unit=listener perl -MIO::Socket::INET -e "
        "'$s=IO::Socket::INET->new(LocalPort=>8080,Listen=>5,ReuseAddr=>1) or die; $s->accept while 1'"
    )
    probe = (
        "import socket,sys\n"
        "for port in map(int, sys.argv[1:]):\n"
        "    s = socket.socket(); s.settimeout(2)\n"
        "    print(port, s.connect_ex(('203.0.113.10', port)) == 0)\n"
    )

    ran = operator.outside(sys.executable, "-c", probe, "22", "80", "443", "8080", "25", "111")
    inside = operator.root("ss -ltnH 'sport = :8080'")
    operator.root("systemctl stop listener.service")

    assert ran.stdout.splitlines() == ["22 True", "80 True", "443 True", "8080 False", "25 False", "111 False"]
    assert "8080" in inside, "the control: something did listen there"


def test_root_and_passwords_are_refused_at_the_door(operator):
    key = ["-i", str(operator.lab.ssh_key), "-o", "IdentitiesOnly=yes"]
    ssh = [
        "ssh",
        "-F",
        "none",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        f"UserKnownHostsFile={operator.folder}/known_hosts",
        *key,
    ]

    root = operator.outside(*ssh, "root@203.0.113.10", "true")
    demo = operator.outside(*ssh, "demo@203.0.113.10", "sudo -n id -u")
    methods = operator.outside(*ssh, "-o", "PubkeyAuthentication=no", "-v", "demo@203.0.113.10", "true")

    assert root.returncode == 255
    assert demo.stdout == "0\n"
    assert "Authentications that can continue: publickey\r\n" in methods.stderr.replace("\n", "\r\n").replace(
        "\r\r", "\r"
    )


def test_the_labs_own_ssh_gets_in_as_the_operator_when_root_no_longer_may(operator):
    ran = operator.outside(*labs.ssh_argv(operator.lab, "web1", "id -un"))

    assert ran.stdout == "demo\n"


def test_after_a_reboot_everything_is_as_it_was(operator):
    labs.reboot(labs.load(operator.lab.name), "web1")
    # SSH answers before the web server does.
    operator.root("systemctl is-system-running --wait || true")

    ran = operator.ok("check", "highbeam")
    assert " 0 red" in ran.stdout
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"


def test_a_site_that_is_added_and_removed_leaves_the_tree_as_it_was(operator):
    before = operator.tree()
    org = operator.folder / "org.yml"
    text = org.read_text()
    (operator.folder / "sites/blog").mkdir()
    (operator.folder / "sites/blog/index.html").write_text("<h1>Our blog</h1>\n")
    org.write_text(text.rstrip("\n") + SECOND_SITE)

    planned = operator.ok("plan", "highbeam").stdout
    operator.publish()
    operator.ok("deploy", "highbeam", "--yes")
    assert "publish release" in planned
    assert "Our blog" in curl(operator, "https://blog.highbeam.example/").stdout
    assert operator.tree() != before

    org.write_text(text)
    planned = operator.ok("plan", "highbeam").stdout
    operator.ok("deploy", "highbeam", "--yes")
    assert "remove site /srv/sites/highbeam-blog" in planned
    assert operator.differs_from(before) == []
    assert " 0 red" in operator.ok("check", "highbeam").stdout


def test_a_new_release_is_served_at_once_and_rolled_back_at_once(operator):
    index = operator.folder / "sites/main/index.html"
    good = index.read_text()
    index.write_text("<h1>Broken</h1>\n")
    operator.ok("deploy", "highbeam", "--yes")
    assert "Broken" in curl(operator, "https://www.highbeam.example/").stdout

    operator.ok("site", "rollback", "highbeam", "main")

    assert "High Beam" in curl(operator, "https://www.highbeam.example/").stdout
    index.write_text(good)
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"


def test_a_file_edited_by_hand_is_named_as_drift_and_put_right(operator):
    operator.root("echo '# by hand' >>/etc/nftables.conf")

    ran = operator.run("plan", "highbeam")

    assert ran.returncode == 1
    assert "file /etc/nftables.conf (content)" in ran.stdout
    assert "-# by hand" in ran.stdout
    operator.ok("deploy", "highbeam", "--yes")
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"


def test_the_certificate_is_renewed_by_its_timer_and_the_new_one_is_served(operator):
    def serial():
        shown = operator.outside(
            "sh",
            "-c",
            "openssl s_client -connect 203.0.113.10:443 -servername www.highbeam.example </dev/null 2>/dev/null "
            "| openssl x509 -noout -serial",
        )
        return shown.stdout

    before = serial()
    operator.root("certbot renew --force-renewal --no-random-sleep-on-renew -q")

    assert before.startswith("serial=")
    # A reload lets old workers finish, and one of them may still answer the first connection.
    wait_for("the new certificate", lambda: serial() != before, seconds=20)
    assert "enabled" in operator.root("systemctl is-enabled certbot.timer")


def test_the_plain_pyinfra_command_finds_nothing_to_change_either(operator):
    ran = operator.plain_pyinfra("demo")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "no lock, no journal and no revert here" in ran.stderr
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
