steps="{{ app.steps | join(" ") }}"
trial={{ app.place.path }}/trial

# Also what a run has left that was killed.
stop() {
    # shellcheck disable=SC2086
    systemctl stop $steps 2>/dev/null || true
    # What was refused is no service that has failed.
    # shellcheck disable=SC2086
    systemctl reset-failed $steps 2>/dev/null || true
    rm -f "$trial"
}

begin() {
    stop
    trap stop EXIT
    trap 'exit 1' HUP INT TERM
    ln -sfn "$1" "$trial"
    systemctl daemon-reload
}

# last_words UNIT: what it wrote since it was started. By unit: of a program that is gone at once, the journal may not
# know any more in which run that was.
last_words() {
    journalctl --sync
    journalctl --quiet --no-pager -o cat -n 15 "--since=@$since" "_SYSTEMD_UNIT=$1"
}

is_full() { [ "$(df --output=pcent "$trial/" | tr -dc 0-9)" -ge 98 ]; }

# watch UNIT: no step fills the disk that all share.
watch() {
    while sleep 1 && [ -L "$trial" ]; do
        ! is_full || systemctl kill --signal=KILL "$1" 2>/dev/null || true
    done
}

# start UNIT SENTENCE: in the background, so that a signal is heard at once.
start() {
    systemctl reset-failed "$1" 2>/dev/null || true
    since=$(date +%s)
    # What outlives us when we are killed has nothing open that somebody waits for, and not the lock of a push (9).
    watch "$1" >/dev/null 2>&1 9>&- &
    watcher=$!
    systemctl start "$1" 2>/dev/null 9>&- &
    wait $! && ended=0 || ended=$?
    kill $watcher 2>/dev/null || true
    if [ "$ended" = 0 ]; then
        # Whoever pushes is told as well what went right.
        [ -z "${SAYS:-}" ] || [ "$1" = {{ app.unit("trial") }} ] || last_words "$1"
        return
    fi
    said=$(last_words "$1")
    [ -z "$said" ] || echo "$said" >&2
    case $(systemctl show -p Result --value "$1") in
        timeout) echo "$2 did not end within {{ app.site.build.minutes }} minutes, and was ended" >&2 ;;
        oom-kill) echo "$2 needed more memory than {{ app.site.build.memory }}" >&2 ;;
        *)
            why=failed
            case $said in *"No space left on device"* | *ENOSPC*) why="found the disk full" ;; esac
            ! is_full || why="found the disk full"
            echo "$2 $why" >&2
            ;;
    esac
    return 1
}
