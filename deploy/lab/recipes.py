"""What each image holds; the lists and files here are what an image is cached by."""

from __future__ import annotations

from dataclasses import dataclass

from coopinfra.deploy.organisation.problems import InputError, Problem

# Holds what unattended upgrades hold, as long as the file says; a cloud image's first boot does this for minutes.
# dpkg's locks are those of fcntl: flock(1) takes another kind, which dpkg does not see.
FIRST_BOOT = """\
#!/usr/bin/python3
import fcntl, os, pathlib, socket, time

wanted = pathlib.Path("/var/lib/first-boot-upgrades")
seconds = int(wanted.read_text())
wanted.unlink()
held = [open(f"/var/lib/{name}", "w") for name in ("dpkg/lock-frontend", "dpkg/lock")]
for file in held:
    fcntl.lockf(file, fcntl.LOCK_EX)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
    told.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(seconds)
"""

FIRST_BOOT_UNIT = """\
[Unit]
Description=Upgrade packages at the first boot, as a provider's image does
ConditionPathExists=/var/lib/first-boot-upgrades
Before=ssh.service

[Service]
Type=notify
ExecStart=/usr/local/lib/first-boot-upgrades

[Install]
WantedBy=multi-user.target
"""

# What Debian's cloud images say: the address is the provider's business, the archive stays what it is.
CLOUD = """\
datasource_list: [NoCloud]
network: {config: disabled}
apt: {preserve_sources_list: true}
ssh_deletekeys: false
ssh_genkeytypes: []
"""

ACME_UNIT = """\
[Unit]
Description=Certificate authority of the lab
After=network.target

[Service]
Environment=PEBBLE_VA_NOSLEEP=1
Environment=PEBBLE_WFE_NONCEREJECT=0
ExecStart=/usr/bin/pebble -config /etc/pebble.json -dnsserver 198.51.100.54:53
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Recipe:
    """Packages on top of another image, files, and units to enable."""

    name: str
    base: str = ""
    packages: tuple[str, ...] = ()
    files: tuple[tuple[str, int, str], ...] = ()
    units: tuple[str, ...] = ()


# No Python, no resolver, no locales: a bare Debian has none, and nobody may come to need them unnoticed.
DEBIAN = Recipe(
    "debian",
    packages=(
        *("systemd", "systemd-sysv", "dbus", "udev", "netbase", "iproute2"),
        *("openssh-server", "sudo", "ca-certificates"),
    ),
    units=("systemd-networkd.service",),
)
PROVIDER = Recipe(
    "provider",
    base="debian",
    packages=("cloud-init", "python3"),
    files=(
        ("/usr/local/lib/first-boot-upgrades", 0o755, FIRST_BOOT),
        ("/etc/systemd/system/first-boot-upgrades.service", 0o644, FIRST_BOOT_UNIT),
        ("/etc/cloud/cloud.cfg.d/90_lab.cfg", 0o644, CLOUD),
    ),
    units=("first-boot-upgrades.service",),
)
# What serves the lab is a box like any other, so that the host needs none of it.
INTERNET = Recipe(
    "internet",
    base="debian",
    packages=("knot", "knot-dnssecutils", "dnsmasq", "pebble", "nginx-light"),
    files=(
        ("/etc/systemd/system/pebble.service", 0o644, ACME_UNIT),
        # The daemons start before the interface has its addresses.
        ("/etc/sysctl.d/10-addresses.conf", 0o644, "net.ipv4.ip_nonlocal_bind = 1\n"),
    ),
    units=("pebble.service",),
)
RECIPES = {recipe.name: recipe for recipe in (DEBIAN, PROVIDER, INTERNET)}


def recipe_of(name: str) -> Recipe:
    """Return the recipe of an image."""
    if name not in RECIPES:
        hint = f"there are {', '.join(f'`{known}`' for known in RECIPES)}"
        raise InputError(Problem(f"there is no image `{name}`", hint=hint))
    return RECIPES[name]
