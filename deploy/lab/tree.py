"""The disk of a box: its template, under a layer of its own with its address, keys and trust."""

from __future__ import annotations

import json
import os
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
    """Make the disk of a box: its template, and a layer of what is its own; return its SSH host key."""
    home = lab.home(spec.name)
    for name in ("layer", "work", "root"):
        (home / name).mkdir(parents=True)
    # The box stays what it was made from, also when the recipe changes.
    (home / "template").symlink_to(template)
    write(lab, spec.name, "etc/hostname", f"{spec.name}\n")
    hosts = f"127.0.0.1 localhost\n127.0.1.1 {spec.name}\n::1 localhost ip6-localhost ip6-loopback\n"
    write(lab, spec.name, "etc/hosts", hosts)
    write(lab, spec.name, "etc/machine-id", f"{uuid.uuid4().hex}\n")
    write(lab, spec.name, "etc/resolv.conf", f"nameserver {RESOLVER}\n")
    # Sorts before 80-container-host0.network, which would ask for an address by DHCP.
    write(lab, spec.name, "etc/systemd/network/10-host0.network", _addresses(spec, more_addresses))
    for kind in HOST_KEYS:
        key = home / "layer" / f"etc/ssh/ssh_host_{kind}_key"
        _make_parents(home, key.parent)
        command("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{spec.name}", "-f", str(key))
    _admit(lab, spec, lab.ssh_key.with_suffix(".pub").read_text().strip())
    return " ".join((home / "layer/etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2])


def trust(lab: Lab, name: str, certificates: dict[str, str]) -> None:
    """Put authorities, by OpenSSL's hash of their names, into a box's trust store as `update-ca-certificates` would.

    That command itself reads all certificates that there are and takes a second for each box.
    """
    bundle = "etc/ssl/certs/ca-certificates.crt"
    for hashed, text in certificates.items():
        path = f"usr/local/share/ca-certificates/lab-{hashed}.crt"
        write(lab, name, path, text)
        for link, target in ((f"lab-{hashed}.pem", f"/{path}"), (f"{hashed}.0", f"lab-{hashed}.pem")):
            parent = lab.home(name) / "layer/etc/ssl/certs"
            _make_parents(lab.home(name), parent)
            (parent / link).symlink_to(target)
    write(lab, name, bundle, (lab.home(name) / "template" / bundle).read_text() + "".join(certificates.values()))


def hash_of(template: Path, certificate: str) -> str:
    """Return the name by which OpenSSL looks for an authority, asked of the template's own OpenSSL."""
    hashed = command("chroot", str(template), "openssl", "x509", "-noout", "-subject_hash", given=certificate)
    return hashed.strip()


def uproot(lab: Lab, name: str) -> None:
    """Remove a box's folder."""
    shutil.rmtree(lab.home(name), ignore_errors=True)


def write(lab: Lab, name: str, path: str, text: str, mode: int = 0o644) -> None:
    """Write a file on the disk of a box that does not run."""
    target = lab.home(name) / "layer" / path
    _make_parents(lab.home(name), target.parent)
    target.write_text(text)
    target.chmod(mode)


def _make_parents(home: Path, folder: Path) -> None:
    # A folder of the layer hides the owner and mode of the template's.
    layer = home / "layer"
    for parent in (*reversed(folder.relative_to(layer).parents), folder.relative_to(layer)):
        if not (layer / parent).is_dir():
            (layer / parent).mkdir()
            model = home / "template" / parent
            if model.is_dir():
                shutil.copystat(model, layer / parent)
                found = model.stat()
                os.chown(layer / parent, found.st_uid, found.st_gid)


def _addresses(spec: BoxSpec, more: tuple[str, ...]) -> str:
    lines = ["[Match]", "Name=host0", "[Network]", "LinkLocalAddressing=ipv6", "IPv6AcceptRA=no"]
    lines += [f"Address={address}/32" for address in (spec.address, *more)]
    if spec.ipv6:
        lines += [f"Address={spec.ipv6}/128"]
    lines += ["[Route]", f"Gateway={GATEWAY}", "GatewayOnLink=yes"]
    if spec.ipv6:
        lines += ["[Route]", f"Gateway={GATEWAY6}"]
    return "\n".join(lines) + "\n"


def _admit(lab: Lab, spec: BoxSpec, public_key: str) -> None:
    if spec.image != "provider":
        write(lab, spec.name, "root/.ssh/authorized_keys", f"{public_key}\n", mode=0o600)
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
    identity = {"instance-id": uuid.uuid4().hex, "local-hostname": spec.name}
    write(lab, spec.name, f"{seed}/user-data", f"#cloud-config\n{json.dumps(user)}\n")
    write(lab, spec.name, f"{seed}/meta-data", json.dumps(identity))
    if spec.first_boot_seconds:
        write(lab, spec.name, "var/lib/first-boot-upgrades", str(spec.first_boot_seconds))
