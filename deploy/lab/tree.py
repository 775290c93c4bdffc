"""The root folder of a box: a clone of its template with an address, keys and trust of its own."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path

from coopinfra.deploy.lab.network import GATEWAY, GATEWAY6
from coopinfra.deploy.lab.processes import command
from coopinfra.deploy.lab.state import BoxSpec, Lab

RESOLVER = "198.51.100.54"
# A real machine has several; whoever pins must not trip over the second.
HOST_KEYS = ("ed25519", "ecdsa")


def plant(lab: Lab, spec: BoxSpec, template: Path, *more_addresses: str) -> str:
    """Clone a template for a box and make it a machine of its own; return its SSH host key."""
    tree = lab.tree(spec.name)
    tree.parent.mkdir(parents=True, exist_ok=True)
    # Blocks are shared with the template where the file system can, and copied where not. No overlay: containers
    # in the box could not have theirs on top, and a rename of a folder would fail as on no real machine.
    command("cp", "--archive", "--reflink=auto", str(template), str(tree), works_in=lab.folder)
    _write(tree, "etc/hostname", f"{spec.name}\n")
    _write(tree, "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {spec.name}\n::1 localhost ip6-localhost ip6-loopback\n")
    _write(tree, "etc/machine-id", f"{uuid.uuid4().hex}\n")
    (tree / "etc/resolv.conf").unlink(missing_ok=True)
    _write(tree, "etc/resolv.conf", f"nameserver {RESOLVER}\n")
    # Sorts before 80-container-host0.network, which would ask for an address by DHCP.
    _write(tree, "etc/systemd/network/10-host0.network", _addresses(spec, more_addresses))
    for kind in HOST_KEYS:
        key = tree / f"etc/ssh/ssh_host_{kind}_key"
        command("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{spec.name}", "-f", str(key))
    _admit(tree, spec, lab.ssh_key.with_suffix(".pub").read_text().strip())
    return " ".join((tree / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2])


def trust(tree: Path, certificates: dict[str, str]) -> None:
    """Put authorities into the trust store of a box that does not run yet."""
    for name, text in certificates.items():
        _write(tree, f"usr/local/share/ca-certificates/{name}.crt", text)
    command("chroot", str(tree), "update-ca-certificates")


def uproot(lab: Lab, name: str) -> None:
    """Remove a box's folder."""
    shutil.rmtree(lab.tree(name).parent, ignore_errors=True)


def _addresses(spec: BoxSpec, more: tuple[str, ...]) -> str:
    lines = ["[Match]", "Name=host0", "[Network]", "LinkLocalAddressing=ipv6", "IPv6AcceptRA=no"]
    lines += [f"Address={address}/32" for address in (spec.address, *more)]
    if spec.ipv6:
        lines += [f"Address={spec.ipv6}/128"]
    lines += ["[Route]", f"Gateway={GATEWAY}", "GatewayOnLink=yes"]
    if spec.ipv6:
        lines += ["[Route]", f"Gateway={GATEWAY6}"]
    return "\n".join(lines) + "\n"


def _admit(tree: Path, spec: BoxSpec, public_key: str) -> None:
    if spec.image != "provider":
        (tree / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
        _write(tree, "root/.ssh/authorized_keys", f"{public_key}\n", mode=0o600)
        return
    # JSON is YAML, and leaves no doubt about quotes.
    user = {
        "hostname": spec.name,
        "disable_root": True,
        "ssh_pwauth": False,
        "users": ["default"],
        "ssh_authorized_keys": [public_key],
    }
    seed = "var/lib/cloud/seed/nocloud"
    _write(tree, f"{seed}/user-data", f"#cloud-config\n{json.dumps(user)}\n")
    _write(tree, f"{seed}/meta-data", json.dumps({"instance-id": uuid.uuid4().hex, "local-hostname": spec.name}))
    if spec.first_boot_seconds:
        _write(tree, "var/lib/first-boot-upgrades", str(spec.first_boot_seconds))


def _write(tree: Path, path: str, text: str, mode: int = 0o644) -> None:
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(mode)
