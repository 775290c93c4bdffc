"""A unit that is active may be dead all the same: after it was acted on it has to answer, or what was new goes back.

`bundle.sh` keeps what one run replaced. It is put back only within that run: what an earlier one replaced is history.
"""

from __future__ import annotations

from coopinfra.roles.primitives.changes import STATE

ANSWER_SECONDS = 10

# Under the plain `pyinfra` command runs have no name, and nothing is put back.
ASK = f"""
put_back() {{
    [ -n "${{COOPINFRA_RUN:-}}" ] && [ "$(cat "$before/run" 2>/dev/null)" = "$COOPINFRA_RUN" ] || return 0
    while read -r path; do rm -f "$path"; done <"$before/absent"
    tar -x -p --unlink-first -f "$before/kept.tar" -C /
    systemctl daemon-reload
    for unit in $acted; do systemctl restart "$unit" || true; done
    echo "the files that this deploy wrote are as they were before" >&2
}}
ask() {{
    deadline=$(($(date +%s) + {ANSWER_SECONDS}))
    until said=$(sh -c "$2" 2>&1 </dev/null); do
        if [ "$(date +%s)" -ge "$deadline" ]; then
            echo "$1 is $(systemctl is-active "$1") and does not answer; its journal says:" >&2
            journalctl --no-pager -q -n 5 -o cat -u "$1" >&2
            echo "asked was: $2" >&2
            [ -z "$said" ] || echo "$said" >&2
            put_back
            exit 1
        fi
        sleep 0.5
    done
}}"""


def before(organisation: str) -> str:
    """Return the folder in which the last bundle left what it replaced."""
    return f"{STATE}/{organisation}/before"
