"""`coopinfra plan`: what a deploy would change."""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coopinfra.cli.console import print_json, say, say_problems, show
from coopinfra.cli.options import AsJson, Organisation
from coopinfra.cli.progress import progress

if TYPE_CHECKING:
    from coopinfra.deploy.engine.preview import Preview
    from coopinfra.roles.primitives.drift import Drift


def plan(
    organisation: Organisation,
    offline: Annotated[bool, typer.Option("--offline", help="Render everything without asking any server.")] = False,
    out: Annotated[Path | None, typer.Option(help="With --offline: write plain files into this new folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a deploy would change on the servers: files with their differences, packages, users, units, removals.

    Nothing is touched. Warns of data that no backup takes. Ends with 0 also when changes are pending, and with 1 when
    somebody else changed the server since the last deploy, or added what grants access or runs things: that is named
    first, with who did it if the server knows.

    With --json, one object for each server: `server`, `interrupted`, `drift` and `inherited` (each with `what`,
    `subject`, `detail`, `by`), and `changes` (each with `role`, `what`, `action`, `subject`, `detail`, `diff`). For one
    that could not be compared: `server`, `error` in a word, such as `unreachable`, and `problems` (each with `message`,
    `hint`).
    """
    from coopinfra.deploy.planning.make import plan_of

    made = plan_of(organisation)
    for server in made.servers:
        if server.data_without_backups:
            alone = ", ".join(server.data_without_backups)
            say(f"warning: {server.server.id}: nobody keeps a copy of {alone}", style="yellow")
            say(f"  hint: add `backups: {{to: [...]}}` under `servers.{server.server.id}.roles`")
    if offline or out:
        from coopinfra.deploy.jobs.render import describe_server, write_out

        if out:
            show("\n".join(str(path) for path in write_out(made, out)))
        elif as_json:
            print_json(
                {server.server.id: [line.strip() for line in describe_server(server)] for server in made.servers}
            )
        else:
            show("\n".join(line for server in made.servers for line in describe_server(server)))
        return

    from coopinfra.cli.failures import exit_with_worst, failure_as_data
    from coopinfra.deploy.jobs.deploy import Prepared, prepare

    with progress(live=not as_json) as view:
        results = prepare(made, view)
    previews = [result.preview for result in results if isinstance(result, Prepared)]
    for result in results:
        if isinstance(result, Prepared):
            result.connection.close()
        else:
            say_problems(result)
    if as_json:
        print_json(
            [
                preview_as_data(result.preview)
                if isinstance(result, Prepared)
                else failure_as_data(server.server.id, result)
                for server, result in zip(made.servers, results, strict=True)
            ]
        )
    else:
        for each in previews:
            show("\n".join(preview_lines(each, diffs=True)))
    drift = any(each.drift for each in previews)
    exit_with_worst(results, otherwise=1 if drift else 0)


def preview_lines(preview: Preview, *, diffs: bool) -> list[str]:
    """Say what differs on one server: drift first, then the changes by role, with the files' differences if wanted."""
    lines = _drift_lines(preview)
    if not preview.changes and not preview.interrupted:
        return [*lines, f"{preview.server}: nothing to change"]
    lines.append(f"{preview.server}: {_count(preview.changes, 'change')}")
    if preview.interrupted:
        lines.append("  the last deploy did not come to its end; this one finishes it")
    for each in preview.inherited:
        lines.append(f"  here before the first deploy, and stays: {each}")
    for role in dict.fromkeys(change.role for change in preview.changes):
        lines.append(f"  {role or 'no longer declared'}")
        for change in (each for each in preview.changes if each.role == role):
            lines.append(f"    {change}")
            if diffs and change.what == "file" and change.action != "remove":
                lines += [f"      {line}".rstrip() for line in preview.diffs.get(change.subject, "").splitlines()]
    return lines


def _drift_lines(preview: Preview) -> list[str]:
    if not preview.drift:
        return []
    lines = [f"{preview.server}: {_count(preview.drift, 'difference')} from the last deploy, by other hands"]
    for drift in preview.drift:
        lines += [f"  {drift}", *([f"    {drift.by}"] if drift.by else [])]
    return lines


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}" if len(things) == 1 else f"{len(things)} {name}s"


def preview_as_data(preview: Preview) -> dict[str, object]:
    """Turn a preview into what `--json` prints."""
    return {
        "server": preview.server,
        "interrupted": preview.interrupted,
        "drift": [_as_data(each) for each in preview.drift],
        "inherited": [_as_data(each) for each in preview.inherited],
        "changes": [
            {
                "role": change.role,
                "what": change.what,
                "action": change.action,
                "subject": change.subject,
                "detail": change.detail,
                "diff": preview.diffs.get(change.subject, "") if change.what == "file" else "",
            }
            for change in preview.changes
        ],
    }


def _as_data(drift: Drift) -> dict[str, str]:
    return {"what": drift.what, "subject": drift.subject, "detail": drift.detail, "by": drift.by}
