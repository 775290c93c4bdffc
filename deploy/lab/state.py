"""What is known of a lab: its name, its folder, its boxes. Everything else is derived from these."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem

# Whatever lies outside a lab's folder begins with this, so that it can be swept.
PREFIX = "coop-"
RUN = Path("/run/coopinfra")
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class BoxSpec:
    """A machine as it is wished for."""

    name: str
    address: str
    ipv6: str = ""
    image: str = "debian"
    way_out: bool = True
    organisation: str = ""
    first_boot_seconds: int = 0


@dataclass(frozen=True)
class Box:
    """A machine of a lab, and the line of its SSH host key."""

    spec: BoxSpec
    host_key: str

    @property
    def name(self) -> str:
        """The name that it was asked for by."""
        return self.spec.name

    @property
    def address(self) -> str:
        """The address that the organisation file says."""
        return self.spec.address

    @property
    def user(self) -> str:
        """The account that a new machine lets the operator into."""
        return "debian" if self.spec.image == "provider" else "root"


@dataclass(frozen=True)
class Lab:
    """A small internet of its own, with boxes in it."""

    name: str
    folder: Path
    boxes: tuple[Box, ...] = ()
    subnet: str = ""

    @property
    def key(self) -> str:
        """A short name for what lies outside the folder."""
        return key_of(str(self.folder))

    @property
    def network(self) -> Path:
        """The file that holds the network namespace."""
        return RUN / self.key

    @property
    def inventories(self) -> Path:
        """The operator's inventories as they were at `up`, with the boxes' host keys."""
        return self.folder / "inventories"

    @property
    def ssh_key(self) -> Path:
        """The private key that every box accepts."""
        return self.folder / "operator"

    @property
    def age_identity(self) -> Path:
        """The identity that reads the secrets which are made in this lab."""
        return self.folder / "identity.txt"

    @property
    def authorities(self) -> Path:
        """The certificates that a client in this lab trusts, in one file."""
        return self.folder / "ca-bundle.pem"

    def home(self, name: str) -> Path:
        """Return the folder of a box: its disk, its console, its pinned host key."""
        return self.folder / "boxes" / name

    def box(self, name: str) -> Box:
        """Return a box by its name."""
        for box in self.boxes:
            if box.name == name:
                return box
        known = ", ".join(f"`{box.name}`" for box in self.boxes) or "none"
        raise InputError(Problem(f"there is no box `{name}` in the lab `{self.name}`", hint=f"its boxes: {known}"))

    def with_box(self, box: Box) -> Lab:
        """Return this lab with one more box, or with a new one in the place of the old."""
        return replace(self.without(box.name), boxes=(*self.without(box.name).boxes, box))

    def without(self, name: str) -> Lab:
        """Return this lab without a box."""
        return replace(self, boxes=tuple(box for box in self.boxes if box.name != name))


def key_of(folder: str, root: Path = Path("/")) -> str:
    """Return the key of a lab by its folder, as it is called below a root; interfaces have at most 15 letters.

    Containers that share the host's network may each have a lab of this path, so the root folder is named too.
    """
    top = root.stat()
    return PREFIX + hashlib.sha256(f"{top.st_dev} {top.st_ino} {folder}".encode()).hexdigest()[:8]


def labs_folder() -> Path:
    """Return the folder that holds the labs of this user."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state).resolve() / "coopinfra/labs"


def blank(name: str) -> Lab:
    """Return a lab by its name alone, whether or not it is there."""
    if not NAME.fullmatch(name):
        raise InputError(
            Problem(f"`{name}` cannot be the name of a lab", hint="small letters, digits and dashes, at most 31")
        )
    return Lab(name, labs_folder() / name)


def folders() -> tuple[str, ...]:
    """Name all labs of this user of which anything is there, however little."""
    folder = labs_folder()
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir())) if folder.is_dir() else ()


def names() -> tuple[str, ...]:
    """Name the labs of this user that are up."""
    return tuple(name for name in folders() if NAME.fullmatch(name) and is_up(blank(name)))


def is_up(lab: Lab) -> bool:
    """Tell whether a lab has come up and is still there; its network does not survive the machine's restart."""
    return (lab.folder / "lab.json").exists() and lab.network.exists()


def load(name: str) -> Lab:
    """Read a lab back."""
    lab = blank(name)
    if not is_up(lab):
        known = ", ".join(f"`{other}`" for other in names())
        hint = f"labs that are up: {known}" if known else f"bring it up: `coopinfra lab up {name}`"
        raise InputError(Problem(f"there is no lab `{name}`", hint=hint))
    found = json.loads((lab.folder / "lab.json").read_text())
    boxes = tuple(Box(BoxSpec(**box["spec"]), box["host_key"]) for box in found["boxes"])
    return replace(lab, boxes=boxes, subnet=found["subnet"])


def as_data(lab: Lab) -> dict[str, object]:
    """Return what a program wants to know of a lab."""
    boxes = [{**asdict(box.spec), "user": box.user, "host_key": box.host_key} for box in lab.boxes]
    return {"name": lab.name, "folder": str(lab.folder), "subnet": lab.subnet, "boxes": boxes}


def save(lab: Lab) -> Lab:
    """Write down what cannot be derived; whoever reads meanwhile sees the old text or the new."""
    text = json.dumps({"subnet": lab.subnet, "boxes": [asdict(box) for box in lab.boxes]}, indent=2)
    write = lab.folder / "lab.json.new"
    write.write_text(text + "\n")
    write.rename(lab.folder / "lab.json")
    return lab


@contextlib.contextmanager
def alone(folder: Path, *, waits: bool = False) -> Iterator[None]:
    """Hold a folder for ourselves; the hold ends with us, however we end."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        yield
    except BlockingIOError:
        raise CoopinfraError(
            Problem(f"another command works on `{folder.name}`", hint="wait for it to end, then try again")
        ) from None
    finally:
        os.close(descriptor)
