"""`coopinfra secrets`: keys and passwords, encrypted beside org.yml."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from coopinfra.cli.console import print_json, say, show
from coopinfra.cli.options import AsJson, Organisation
from coopinfra.cli.progress import progress
from coopinfra.deploy.organisation.problems import InputError, Problem

app = typer.Typer(no_args_is_help=True)

Path_ = Annotated[str, typer.Argument(metavar="SERVER/ROLE/NAME", help="The secret, as `secrets list` names it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("identity")
def identity() -> None:
    """Make your own age identity, wrapped in a passphrase, and print the line for `age_keys` in collective.yml."""
    from coopinfra.deploy.secrets.identity import ask_passphrase, identity_file, make_identity

    passphrase = ask_passphrase("New passphrase")
    if len(passphrase) < 12:
        raise InputError(Problem("a passphrase needs 12 letters at least", "some words that do not belong together"))
    if ask_passphrase("The same again") != passphrase:
        raise InputError(Problem("the two are not the same, and nothing was made", "try again"))
    public = make_identity(passphrase)
    say(f"made {identity_file()}; keep a copy where your laptop is not")
    show(public)


@app.command("list")
def list_(organisation: Organisation, as_json: AsJson = False) -> None:
    """List every secret that the roles want: its kind, whether it is made, and where it goes. No identity is needed."""
    from coopinfra.deploy.jobs.secrets import keep, list_all

    declared, orphans = list_all(keep(organisation))
    if as_json:
        print_json({"secrets": [asdict(each) for each in declared], "not declared": orphans})
        return
    for each in declared:
        where = f"goes into {', '.join(each.files)}" if each.deployed else "stays with the operators"
        words = [each.path, each.kind, "made" if each.made else "missing", where]
        show("  ".join([*words, *([f"made from {each.made_from}"] if each.made_from else []), each.public]).rstrip())
    for path in orphans:
        say(f"nobody declares {path} any more; its file stays until you remove it")


@app.command("show")
def show_(organisation: Organisation, path: Path_, yes: Yes = False) -> None:
    """Print one secret. Asks before, and notes in `secrets/shown.log` who saw it."""
    from coopinfra.deploy.jobs.secrets import keep
    from coopinfra.deploy.jobs.secrets import show as show_value

    kept = keep(organisation)
    kept.declared(path)
    _confirm(f"Show {path} on this screen, and note that you saw it?", yes=yes)
    sys.stdout.buffer.write(show_value(kept, path).rstrip(b"\n") + b"\n")


@app.command("set")
def set_(organisation: Organisation, path: Path_) -> None:
    """Type a secret in, or hand it over on standard input. Enter alone changes nothing."""
    from coopinfra.deploy.jobs.secrets import keep, refuse_change, set_value

    kept = keep(organisation)
    refuse_change(kept, path, kept.declared(path))
    _say_written(set_value(kept, path, _typed(path)), organisation)


@app.command("edit")
def edit(organisation: Organisation, path: Path_) -> None:
    """Change a secret in your editor; the text is only ever in memory. An empty one changes nothing."""
    from coopinfra.deploy.jobs.secrets import keep, refuse_change, set_value
    from coopinfra.deploy.secrets.editing import edited

    kept = keep(organisation)
    refuse_change(kept, path, kept.declared(path))
    old = kept.read(path).value if kept.store.is_made(path) else b""
    new = edited(old)
    if new == old:
        say("nothing was changed")
        return
    _say_written(set_value(kept, path, new), organisation)


@app.command("generate")
def generate(organisation: Organisation) -> None:
    """Make every secret that is missing; what is there stays as it is."""
    from coopinfra.deploy.jobs.secrets import generate as make
    from coopinfra.deploy.jobs.secrets import keep

    made = make(keep(organisation))
    _say_written(made, organisation)
    if not made:
        say("nothing is missing")


@app.command("rotate")
def rotate(
    organisation: Organisation,
    path: Path_,
    yes: Yes = False,
    unproven: Annotated[
        bool, typer.Option("--unproven", help="Rotate it although nothing can be proven on the server.")
    ] = False,
) -> None:
    """Replace a secret, deploy it, and prove that the old value no longer works and the new one does.

    If its server cannot be reached, all stays as it was. If it fails later, the new value stays in the inventory, and
    the next deploy brings it.
    """
    from coopinfra.deploy.jobs.secrets import keep, refuse_change
    from coopinfra.deploy.jobs.secrets_rotate import reaches_servers
    from coopinfra.deploy.jobs.secrets_rotate import rotate as replace

    kept = keep(organisation)
    secret = kept.declared(path)
    refuse_change(kept, path, secret)
    kept.read(path)
    if reaches_servers(kept, path):
        _confirm(f"Replace {path} and deploy {path.split('/')[0]}?", yes=yes)
    given = _typed(path) if secret.kind == "given" else b""
    with progress() as view:
        done = replace(kept, path, view, given=given, unproven=unproven)
    _say_written(done.paths, organisation)
    if done.tried:
        say("proven on the server: the new value works, and the old one no longer does")


@app.command("reencrypt")
def reencrypt(organisation: Organisation) -> None:
    """Encrypt every secret anew for those whom collective.yml lists today. Who left has the old files: see `audit`."""
    from coopinfra.deploy.jobs.secrets import keep
    from coopinfra.deploy.jobs.secrets import reencrypt as encrypt

    kept = keep(organisation)
    count = encrypt(kept, _progress)
    say(f"{count} secrets are encrypted for {', '.join(kept.readers.owners)}")


@app.command("audit")
def audit(organisation: Organisation, as_json: AsJson = False) -> None:
    """List what must be rotated or encrypted anew, from who could ever read it. Ends with 1 if there is anything."""
    from coopinfra.deploy.jobs.secrets import keep
    from coopinfra.deploy.jobs.secrets_audit import audit as look

    findings = look(keep(organisation))
    if as_json:
        print_json([asdict(each) for each in findings])
    for each in () if as_json else findings:
        show(f"{each.todo}  {each.path}  {each.why}")
    if findings:
        raise typer.Exit(1)
    say("nobody could read a secret who may not")


@app.command("verify")
def verify(organisation: Organisation) -> None:
    """Decrypt every secret and prove that it is what it should be, and readable for whom it should be."""
    from coopinfra.deploy.jobs.secrets import keep
    from coopinfra.deploy.jobs.secrets_audit import verify as prove

    say(f"{prove(keep(organisation))} secrets are in order")


@app.command("export")
def export(
    organisation: Organisation,
    to: Annotated[str, typer.Option(help="The public age key of whoever is to read them.")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    yes: Yes = False,
) -> None:
    """Hand all secrets over: encrypted for one key alone, in a new folder, never in clear."""
    from coopinfra.deploy.jobs.secrets import export as hand_over
    from coopinfra.deploy.jobs.secrets import keep, refuse_no_public_key

    refuse_no_public_key(to)
    kept = keep(organisation)
    _confirm(f"Let {to} read every secret of {organisation}, and note it?", yes=yes)
    for path in hand_over(kept, to, out):
        show(str(path))
    say("the servers' secrets stay as they are: whoever takes over rotates them, as others can read them too")


@app.command("recovery-sheet")
def recovery_sheet(organisation: Organisation) -> None:
    """Make the organisation's recovery key and print its sheet, once: pipe it to a printer, or write it down."""
    from coopinfra.deploy.jobs.secrets import keep, recover
    from coopinfra.deploy.secrets.recovery import sheet

    kept = keep(organisation)
    recover(kept, lambda made: print(sheet(kept.org, made), flush=True), _progress)
    say("this was shown once; commit secrets/recovery.pub")


def _typed(path: str) -> bytes:
    from coopinfra.deploy.secrets.identity import ask_passphrase

    if sys.stdin.isatty():
        return ask_passphrase(f"New value of {path} (not shown)").encode()
    return sys.stdin.buffer.read().removesuffix(b"\n")


def _confirm(question: str, *, yes: bool) -> None:
    if not yes and (not sys.stdin.isatty() or not typer.confirm(question, err=True)):
        say("nothing was done" if sys.stdin.isatty() else "error: nobody is there to say yes\n  hint: `--yes`")
        raise typer.Exit(3)


def _progress(done: int, of: int) -> None:
    if done == of or done % 100 == 0:
        say(f"{done} of {of}", style="dim")


def _say_written(paths: tuple[str, ...], organisation: str) -> None:
    for path in paths:
        say(f"wrote {organisation}/secrets/{path}.age")
