"""What others do to a server is named until it is undone or declared; what waits in org.yml is not."""

import json

import pytest

from coopinfra.deploy.lab import lab as labs

pytestmark = pytest.mark.timeout(480)

# What an intruder leaves, or a colleague in a hurry: the thing that is to be named, how it comes, and how it goes.
LISTENS = (
    "systemd-run --quiet --expand-environment=no --unit={unit} perl -MIO::Socket::INET -e "
    "'$s=IO::Socket::INET->new(LocalAddr=>\"{address}\",LocalPort=>{port},Listen=>5) or die; $s->accept while 1'; "
    "until ss -Hltn 'sport = :{port}' | grep -q .; do sleep 0.1; done"
)
OWN = "/home/ada/.ssh"
PLANTED = (
    ("key", "/root/.ssh/authorized_keys", "echo ssh-ed25519 AAAA >>{}", "sed -i '$d' {}"),
    ("key", f"{OWN}/authorized_keys", f"mkdir {OWN}; echo ssh-ed25519 AAAA >{{}}", f"rm -r {OWN}"),
    ("key", "/etc/ssh/authorized_keys.d/eve", "echo ssh-ed25519 AAAA >{}", "rm {}"),
    ("sudo rule", "/etc/sudoers.d/eve", "echo 'eve ALL=(ALL) NOPASSWD: ALL' >{}", "rm {}"),
    ("sudo rule", "/etc/sudoers", "echo '# eve' >>{}", "sed -i '$d' {}"),
    ("cron job", "/etc/cron.d/eve", "echo '* * * * * root true' >{}", "rm {}"),
    ("cron job", "/etc/cron.daily/eve", "echo true >{}", "rm {}"),
    ("unit", "/etc/systemd/system/eve.timer", "echo '[Timer]' >{}", "rm {}"),
    ("unit", "/usr/lib/systemd/system/eve.service", "echo '[Service]' >{}", "rm {}"),
    ("account", "toor", "useradd --non-unique --uid 0 {}", "userdel --force {}"),
    ("account", "eve", "useradd --groups sudo {}", "userdel {}"),
    (
        "listener",
        "tcp 0.0.0.0:8080",
        LISTENS.format(unit="listener", address="0.0.0.0", port=8080),
        "systemctl stop listener.service",
    ),
)
# For this machine alone: nothing that anybody else could reach.
HARMLESS = LISTENS.format(unit="harmless", address="127.0.0.1", port=8081)


@pytest.fixture(scope="module")
def operator(machine):
    """One deployed server."""
    machine.publish()
    machine.ok("deploy", "highbeam", "--yes")
    return machine


def plan(operator):
    ran = operator.run("plan", "highbeam", "--json")
    assert ran.returncode in (0, 1), ran.stderr
    (server,) = json.loads(ran.stdout)
    return ran.returncode, server


def named(server):
    return {(each["what"], each["subject"]) for each in server["drift"]}


def test_what_was_there_before_the_first_deploy_is_said_once_and_is_no_drift(machine):
    machine.root("echo true >/etc/cron.daily/provider")

    code, server = plan(machine)
    text = machine.ok("plan", "highbeam").stdout

    assert code == 0
    assert server["drift"] == []
    assert {each["subject"] for each in server["inherited"]} == {
        "/etc/cron.daily/provider",
        "/root/.ssh/authorized_keys",
    }
    assert "here before the first deploy, and stays: cron job /etc/cron.daily/provider (owned by root)" in text


def test_right_after_a_deploy_a_plan_is_empty(operator):
    ran = operator.ok("plan", "highbeam")

    assert ran.stdout == "web1: nothing to change\n"


def test_what_others_add_is_named_also_after_a_deploy_and_until_it_is_gone(operator):
    come = [each.replace("{}", subject) for _, subject, each, _ in PLANTED]
    go = [each.replace("{}", subject) for _, subject, _, each in PLANTED]
    operator.root("\n".join(["set -e", HARMLESS, *come]))
    wanted = {(what, subject) for what, subject, _, _ in PLANTED}

    code, before = plan(operator)
    deployed = operator.ok("deploy", "highbeam", "--yes")
    code_after, after = plan(operator)

    assert (code, code_after) == (1, 1)
    assert named(before) == named(after) == wanted
    assert before["changes"] == after["changes"] == []
    assert "key /etc/ssh/authorized_keys.d/eve" in deployed.stderr

    operator.root("\n".join(["set -e", *go]))
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    assert "8081" in operator.root("ss -Hltn 'sport = :8081'"), "the control: this one was there all the time"


def test_what_others_change_is_named_with_who_did_it_and_put_right_by_a_deploy(operator):
    hand = "sudo sed -i '1i # by hand' /etc/nftables.conf"
    assert operator.outside(*labs.ssh_argv(operator.lab, "web1", "-tt", hand)).returncode == 0
    operator.root(
        "rm /etc/motd; chmod 0666 /etc/hostname; usermod --groups '' --shell /bin/sh ada; "
        "systemctl stop nginx.service; systemctl mask --quiet --now unattended-upgrades.service; "
        "systemctl disable --quiet logrotate.timer"
    )

    code, server = plan(operator)
    text = operator.run("plan", "highbeam").stdout

    drift = {each["subject"]: each for each in server["drift"]}
    assert code == 1
    assert {subject: each["detail"] for subject, each in drift.items()} == {
        "/etc/nftables.conf": "content",
        "/etc/motd": "removed",
        "/etc/hostname": "root:root 0666, was root:root 0644",
        "ada": "/bin/sh in no group, was /bin/bash in operators",
        "nginx.service": "inactive",
        "unattended-upgrades.service": "masked",
        "logrotate.timer": "disabled",
    }
    assert f"; demo ran `{hand}` " in drift["/etc/nftables.conf"]["by"]
    assert text.index("file /etc/nftables.conf (content)") < text.index("change file /etc/nftables.conf (content)")
    assert "-# by hand" in text
    operator.ok("deploy", "highbeam", "--yes")
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    assert operator.root("systemctl is-active nginx.service unattended-upgrades.service") == "active\nactive\n"


def test_edits_that_merely_wait_are_no_drift_and_say_what_follows_from_them(operator):
    org, collective = operator.folder / "org.yml", operator.lab.inventories / "collective.yml"
    text, people = org.read_text(), collective.read_text()
    blog = "          blog:\n            domain: blog.highbeam.example\n            source: {folder: sites/main}\n"
    org.write_text(text.replace("        sites:\n", f"        sites:\n{blog}"))
    collective.write_text(people[: people.index("  bruno:")])

    code, server = plan(operator)
    org.write_text(text)
    collective.write_text(people)

    assert code == 0
    assert server["drift"] == []
    changes = {(each["role"], each["action"], each["subject"]): each for each in server["changes"]}
    conf, limits = "/etc/nginx/conf.d/highbeam.conf", "/etc/nginx/conf.d/highbeam-website.conf"
    assert "+    server_name blog.highbeam.example" in changes["nginx", "change", conf]["diff"]
    assert changes["nginx", "reload", "nginx.service"]["detail"] == (
        f"{limits}, {conf}, /etc/nginx/sites/highbeam-blog.conf change"
    )
    assert ("website", "publish", "/srv/sites/highbeam-blog") in changes
    assert ("", "remove", "bruno") in changes
