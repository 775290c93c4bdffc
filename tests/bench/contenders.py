"""Who does the hundred tasks: pyinfra as it comes, Ansible, and ours in both languages."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from as_playbook import playbook
from coopinfra.deploy.lab.state import Lab
from delayed_link import Link
from measuring import Measure, measure

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
# It runs its modules by the server's Python, which a bare Debian lacks; installed before anything is measured.
FOR_ANSIBLE = "apt-get -q update && apt-get -q install -y --no-install-recommends python3 python3-apt"


@dataclass(frozen=True)
class Run:
    """Where one converge happens, and what of the tasks is new."""

    link: Link
    box: str
    scratch: Path
    changed: int = 0
    value: str = "first"

    @property
    def lab(self) -> Lab:
        """The lab of the box."""
        return self.link.lab

    @property
    def address(self) -> str:
        """The address of the box."""
        return self.lab.box(self.box).address

    @property
    def sources(self) -> Path:
        """Where the files lie that pyinfra and Ansible read."""
        return self.scratch / "sources"

    @property
    def known_hosts(self) -> Path:
        """The pinned host key of the box."""
        return self.lab.home(self.box) / "known_hosts"

    def measure(self, *argv: str, given: str = "", ending: tuple[str, ...] = (), **more: str) -> Measure:
        """Run a command at the far client."""
        return measure(self.link, self.box, argv, folder=HERE, given=given, more=more, ending=ending)

    def ours(self, *what: str) -> Measure:
        """Run tasks over our own connection."""
        script = str(HERE / "ours.py")
        return self.measure(sys.executable, script, self.address, str(self.lab.ssh_key), str(self.known_hosts), *what)


def stock(run: Run, *options: str) -> Measure:
    """Converge by pyinfra's own command, which shows what would change and waits for the return key."""
    login = {"ssh_user": "root", "ssh_key": str(run.lab.ssh_key), "ssh_known_hosts_file": str(run.known_hosts)}
    inventory = run.scratch / "inventory.py"
    inventory.write_text(f"servers = [({run.address!r}, {login!r})]\n")
    command = Path(sys.executable).with_name("pyinfra")
    told = {"BENCH_SOURCES": str(run.sources), "BENCH_CHANGED": str(run.changed), "BENCH_VALUE": run.value}
    return run.measure(str(command), *options, str(inventory), "stock_deploy.py", given="\n", **told)


def stock_unasked(run: Run) -> Measure:
    """Converge by pyinfra's own command without a preview, which asks everything once instead of twice."""
    return stock(run, "-y")


def ansible(run: Run) -> Measure:
    """Converge by ansible-core with pipelining and ControlPersist."""
    book, inventory = run.scratch / "playbook.json", run.scratch / "hosts.json"
    book.write_text(json.dumps(playbook(run.sources, run.changed, run.value)))
    login = {"ansible_user": "root", "ansible_ssh_private_key_file": str(run.lab.ssh_key)}
    inventory.write_text(json.dumps({"all": {"hosts": {run.address: login}}}))
    control = run.scratch / "control"
    persist = f"-C -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={run.known_hosts}"
    told = {
        "ANSIBLE_HOME": str(run.scratch / "ansible"),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_ARGS": persist,
        "ANSIBLE_SSH_CONTROL_PATH": str(control),
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    ending = ("ssh", "-O", "exit", "-o", f"ControlPath={control}", f"root@{run.address}")
    command = ansible_folder() / "bin/ansible-playbook"
    return run.measure(str(command), "-i", str(inventory), str(book), ending=ending, **told)


def our_operations(run: Run) -> Measure:
    """Converge by pyinfra's operations over our connector."""
    return run.ours("operations", str(run.sources), str(run.changed), run.value)


def our_primitives(run: Run) -> Measure:
    """Converge by our primitives over our connector."""
    return run.ours("primitives", str(run.changed), run.value)


STOCK, UNASKED, ANSIBLE = "pyinfra", "pyinfra -y", "Ansible"
OPERATIONS, PRIMITIVES = "ours, pyinfra's operations", "ours, primitives"
CONTENDERS: dict[str, Callable[[Run], Measure]] = {
    STOCK: stock,
    ANSIBLE: ansible,
    OPERATIONS: our_operations,
    PRIMITIVES: our_primitives,
}


def ansible_folder() -> Path:
    """Return the environment that holds ansible-core; make it where this has not been done."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "coopinfra/bench"
    made_of = f"{sys.version} {REQUIREMENTS.read_text()}"
    folder = cache / f"ansible-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        lock = ("--require-hashes", "--only-binary", ":all:", "-r", str(REQUIREMENTS))
        subprocess.run((str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *lock), check=True)
        (folder / "ready").touch()
    return folder
