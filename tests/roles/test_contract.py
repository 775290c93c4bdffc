"""What every role keeps to, whichever there are: nothing here knows a role by its name."""

from __future__ import annotations

import ast
import pwd
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from coopinfra.deploy.checks.run import checks_of
from coopinfra.deploy.jobs.drill_checks import NOT_THERE
from coopinfra.deploy.planning.plan import Declared, ServerPlan
from coopinfra.deploy.runbook.sections import section
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import BackupPath, Dump, WorksOn
from coopinfra.roles.primitives.checking import owns
from coopinfra.roles.primitives.markers import markers_in
from coopinfra.roles.registry import FOLDER, Role, roles
from coopinfra.roles.settings import Settings
from examples import Example, examples

SHARED = {"contract", "declarations", "facts", "keys", "primitives", "registry", "settings", "types"}
HEADER = "Written by coopinfra; changes here are lost."
# Formats without comments, and what people are shown.
WITHOUT_HEADER = {"/etc/hostname", "/etc/motd", "/etc/coopinfra/backup-copy/copy-key"}
LANGUAGES = ("en", "es")

each_role = pytest.mark.parametrize("role", roles().values(), ids=lambda role: role.name)
each_example = pytest.mark.parametrize("example", examples(), ids=str)


def test_there_are_roles_and_examples_to_test() -> None:
    assert len(roles()) >= 4
    assert len(examples()) >= 2 * len(roles())


@pytest.mark.parametrize(("modules", "loads"), [(("", ".files", ".checks"), False), (("", ".operations"), True)])
def test_only_operations_load_the_engine(modules: tuple[str, ...], loads: bool) -> None:
    wanted = [
        f"{role.package}{module}"
        for role in roles().values()
        for module in modules
        if not module or (role.folder / f"{module[1:]}.py").is_file()
    ]
    program = (
        f"import sys\nfrom importlib import import_module\nfor name in {wanted!r}: import_module(name)\n"
        "print(sorted({'pyinfra', 'paramiko', 'gevent'} & set(sys.modules)))"
    )

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert ("pyinfra" in said) is loads
    assert loads or said.strip() == "[]"


@each_role
def test_a_role_imports_no_other_role(role: Role) -> None:
    others = set(roles().values()) - {role}

    imported = {name for path in role.folder.rglob("*.py") for name in _imports(path)}

    assert role.package in imported, "a role that imports nothing of its own proves nothing"
    assert not {name for name in imported if name.split(".")[:2] == ["coopinfra", "roles"]} & {
        other.package for other in others
    }
    for name in imported:
        parts = name.split(".")
        if parts[:2] == ["coopinfra", "roles"] and len(parts) > 2:
            assert parts[2] in SHARED | {role.folder.name}, f"{role.name} imports {name}"
        assert parts[:2] != ["coopinfra", "deploy"], f"{role.name} imports {name}"


@each_role
def test_a_role_has_a_minimal_and_a_full_example(role: Role) -> None:
    names = {path.name for path in (role.folder / "examples").iterdir()}

    assert {"minimal.yml", "minimal.transcript", "full.yml", "full.transcript"} <= names


@each_role
def test_every_setting_is_described(role: Role) -> None:
    for model, name, field in _fields(role.settings):
        said = (field.description or "").strip()
        assert said.endswith("."), f"{model.__name__}.{name} needs a sentence that says what it is for"
    for model in _models(role.settings):
        assert model.__doc__, f"{model.__name__} needs a sentence"
        assert model.model_config["extra"] == "forbid", f"{model.__name__} takes unknown settings"
        assert model.model_config["frozen"], f"{model.__name__} can be changed"


@each_example
def test_every_path_is_written_once_and_says_who_wrote_it(example: Example) -> None:
    files = [each for each in example.role.files(example.part) if isinstance(each, File)]

    assert len({file.path for file in files}) == len(files)
    for file in files:
        first_lines = file.content.decode().splitlines()[:2]
        assert file.path in WITHOUT_HEADER or any(HEADER in line for line in first_lines), file.path
        assert file.content.endswith(b"\n"), f"{file.path} ends within a line"


@each_example
def test_all_that_a_server_gets_is_known_by_its_role(example: Example) -> None:
    server = example.server
    gets = (
        *(("file" if isinstance(each, File) else "directory", each.path) for each in server.files),
        *(("package", name) for name in server.packages),
        *(("user", user.name) for user in server.users),
        *(("unit", unit.name) for unit in server.units),
        *(("release", release.path) for release in server.releases),
    )

    found = {server.role_of(what, subject) for what, subject in gets}

    assert found <= {part.role for part in server.parts}
    assert server.role_of("file", "/etc/nobodys") == server.role_of("unit", server.packages[0]) == ""


@each_role
def test_every_template_is_named_after_what_it_becomes(role: Role) -> None:
    written = {
        _general(file.path, example)
        for example in examples()
        if example.role == role
        for file in role.files(example.part)
        if isinstance(file, File)
    }

    for path in sorted((role.folder / "templates").rglob("*.j2")):
        name = str(path.relative_to(role.folder / "templates").with_suffix(""))
        # What a role has several kinds of lies in a folder for each: the rest of the name is what it becomes.
        names = (f"/{name}", f"/{name.partition('/')[2]}") if "/" in name else (f"/{name}",)
        assert any(target.endswith(names) for target in written), f"no example writes anything that ends in {name}"


def _general(path: str, example: Example) -> str:
    """Put a word in the place of the example's own names."""
    folder, _, name = path.rpartition("/")
    name = re.sub(rf"^{example.part.organisation.id}-[a-z0-9-]+(?=$|\.|@)", "site", name)
    for own, word in ((example.part.organisation.id, "organisation"), ("ada", "operator")):
        name = re.sub(rf"(?<![a-z0-9]){own}(?=$|\.)", word, name)
    return f"{folder}/{name}"


@each_example
def test_no_two_checks_of_a_server_say_the_same(example: Example) -> None:
    sentences = [check.sentence for part in example.server.parts for check in roles()[part.role].checks(part)]

    assert len(set(sentences)) == len(sentences) > 5
    assert not [sentence for sentence in sentences if sentence.endswith(".")]


@each_example
def test_a_role_says_the_same_thing_twice(example: Example) -> None:
    role, part = example.role, example.part

    assert role.declare(part) == role.declare(part)
    assert role.files(part) == role.files(part)
    assert hash(role.declare(part)) == hash(role.declare(part))


@each_example
def test_the_runbook_speaks_to_people_in_each_language_and_to_sysadmins(example: Example) -> None:
    people = {language: section(example.part, "people", language) for language in LANGUAGES}
    sysadmin = section(example.part, "sysadmin", "en")

    assert all(people.values())
    assert len(set(people.values())) == len(LANGUAGES), "the languages say the same words"
    for text in people.values():
        words = [len(sentence.split()) for sentence in re.split(r"[.!?:]\s", text)]
        assert sum(words) / len(words) <= 18
        assert "`" not in text, "no commands for people"
    assert "```sh" in sysadmin
    assert "journalctl" in sysadmin or "tail" in sysadmin or "curl" in sysadmin
    assert not re.search(r"\{\{|\{%|None|TODO", sysadmin + "".join(people.values()))


def _shown(server: ServerPlan) -> list[str]:
    """Name the files that hold a secret and that more than their one user can read."""
    # A certificate is made from a secret, and is shown to everybody.
    kinds = {path: secret.kind for path, secret in server.secrets}
    return [
        f"{each.user}:{each.group} {each.mode} {each.path}"
        for each in server.files
        if isinstance(each, File) and each.mode != "0400"
        if any(kinds[path] != "certificate" for path in markers_in(each.content))
    ]


@each_example
def test_on_the_server_a_secret_can_be_read_by_its_one_user(example: Example) -> None:
    # Root's with 0400 goes to its program by LoadCredential=, whatever that runs as; else it is its user's own file.
    assert _shown(example.server) == []


def test_a_secret_that_a_group_can_read_would_be_seen() -> None:
    with_secrets = [example.server for example in examples() if example.server.secrets]
    assert with_secrets
    for mode in ("0440", "0600", "0644"):
        files = tuple(replace(each, mode=mode) if isinstance(each, File) else each for each in with_secrets[0].files)
        assert _shown(replace(with_secrets[0], files=files))


@each_example
def test_a_secret_goes_to_the_server_if_and_only_if_it_says_so(example: Example) -> None:
    declared = {path for path, secret in example.server.secrets if secret.deployed}
    files = [each for each in example.server.files if isinstance(each, File)]

    assert {path for file in files for path in markers_in(file.content)} == declared


def _unproven(server: ServerPlan) -> set[str]:
    """Name what cannot be made anew and no check looks at that a drill runs on what came back."""
    data = {each.path for each in server.all(BackupPath)} | {each.name for each in server.all(Dump)}
    return data - {name for role, check in checks_of(server) if role not in NOT_THERE for name in check.proves}


@each_example
def test_all_data_is_looked_at_by_a_check_of_its_own_once_it_was_put_back(example: Example) -> None:
    # Counts and sums say that it is the same; the check says that whoever it belongs to can use it.
    assert _unproven(example.server) == set()


def test_data_that_nobody_looks_at_would_be_seen() -> None:
    with_data = [each.server for each in examples() if each.server.all(BackupPath) and each.server.all(Dump)]
    assert with_data
    forgotten = (BackupPath("/srv/forgotten"), replace(with_data[0].all(Dump)[0], name="x"))
    more = tuple(Declared("website", each) for each in forgotten)

    assert _unproven(replace(with_data[0], declared=(*with_data[0].declared, *more))) == {"/srv/forgotten", "x"}


@each_example
def test_a_check_of_data_is_red_where_nothing_is(example: Example) -> None:
    nothing = SimpleNamespace(run=lambda _: SimpleNamespace(rc=1, stdout="", stderr="no such thing"))

    assert all(check.run(nothing) for _, check in checks_of(example.server) if check.proves)


HOLDS = re.compile(r"^(?:BindPaths|BindReadOnlyPaths|ReadWritePaths)=(.*)$", re.MULTILINE)


def _goes_on(server: ServerPlan) -> set[str]:
    """Name the services that see kept folders by a mount of their own, and would go on with them after a restore."""
    kept = [PurePosixPath(each.path) for each in server.all(BackupPath)]
    found = set()
    for each in server.files:
        path = PurePosixPath(each.path)
        if isinstance(each, File) and path.parent == PurePosixPath("/etc/systemd/system") and path.suffix == ".service":
            words = [word for line in HOLDS.findall(each.content.decode()) for word in line.split()]
            held = [PurePosixPath(word.lstrip("-").partition(":")[0]) for word in words]
            # What is tried is of a release that is being made, for which the server's lock is held, as for a restore.
            held = [one for one in held if one.name != "trial"]
            if any(one.is_relative_to(other) or other.is_relative_to(one) for one in held for other in kept):
                found.add(path.name)
    return found - {each.unit for each in server.all(WorksOn)}


@each_example
def test_what_sees_kept_folders_by_a_mount_does_not_run_while_they_are_put_back(example: Example) -> None:
    assert _goes_on(example.server) == set()


def test_what_goes_on_with_kept_folders_would_be_seen() -> None:
    with_work = [each.server for each in examples() if each.server.all(WorksOn)]
    assert with_work
    for server in with_work:
        silent = tuple(each for each in server.declared if not isinstance(each.declaration, WorksOn))
        assert _goes_on(replace(server, declared=silent))


def test_whoever_data_belong_to_is_seen_on_a_disk(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/upload").touch()
    me = pwd.getpwuid((tmp_path / "data").stat().st_uid).pw_name

    def found(path: Path, user: str) -> str | None:
        ran = lambda command: subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)  # noqa: E731
        host = SimpleNamespace(
            run=lambda command: SimpleNamespace(rc=(done := ran(command)).returncode, stdout=done.stdout, stderr="")
        )
        return owns("it is theirs", str(path), user).run(host)

    assert found(tmp_path / "data", me) is None
    assert found(tmp_path / "data", "nobody") == f"{tmp_path}/data belongs to somebody else"
    assert found(tmp_path / "gone", me) == f"{tmp_path}/gone is not there"
    assert found(tmp_path / "data", "never-heard-of")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for nested in _nested(field.annotation):
            yield from _models(nested)


def _nested(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for each in getattr(annotation, "__args__", ()):
        yield from _nested(each)


def _fields(model: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str, Any]]:
    for each in _models(model):
        for name, field in each.model_fields.items():
            yield each, name, field


def test_roles_lie_where_the_registry_looks() -> None:
    folders = {path.name for path in FOLDER.iterdir() if (path / "__init__.py").is_file()} - SHARED

    assert folders == {role.folder.name for role in roles().values()}, "a folder without checks.py is no role"


def _commands_while_preparing(source: str) -> list[str]:
    """Name the calls that run a command at once, wherever they stand: pyinfra's `host` has them for scripts."""
    at_once = {"run_shell_command", "put_file", "get_file"}
    nodes = ast.walk(ast.parse(source))
    return [
        node.func.attr for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in at_once
    ]


def test_nothing_acts_while_it_prepares() -> None:
    # The connector keeps what is asked before operations run, and would keep the answer of a command likewise.
    found = {
        str(path.relative_to(FOLDER)): calls
        for path in FOLDER.rglob("*.py")
        if (calls := _commands_while_preparing(path.read_text()))
    }

    assert found == {}
    assert _commands_while_preparing("host.run_shell_command('reboot')") == ["run_shell_command"], "the control"
