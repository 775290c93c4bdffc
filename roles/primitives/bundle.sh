# Applies a bundle of files: all of them or, where a checker refuses, none.
# usage: sh -c "$(cat bundle.sh)" bundle FOLDER
#   FOLDER  holds incoming.tar: the new files by number, and lists of what to do with them
set -eu
umask 077
folder=$1
stage=$folder/stage
suffix=.coopinfra-new

discard() {
    if [ -f "$stage/files" ]; then
        while read -r _ _ _ _ _ path; do rm -f "$path$suffix"; done <"$stage/files"
    fi
    rm -rf "$stage" "$folder/incoming.tar"
}

# What an interrupted run left beside live files; the live ones themselves were whole all the time.
incoming=$(mktemp "$folder/incoming.XXXXXX")
mv -f "$folder/incoming.tar" "$incoming"
discard
mkdir "$stage"
tar -x -f "$incoming" -C "$stage"
rm -f "$incoming"
trap discard EXIT

while read -r user group mode path; do
    [ ! -L "$path" ] || rm -f "$path"
    [ -d "$path" ] || (umask 022 && mkdir -p "$path")
    chown --no-dereference "$user:$group" "$path"
    chmod "$mode" "$path"
done <"$stage/directories"

# Every new file lies complete, checked and on disk beside its destination before the first live one is replaced:
# a full disk ends the run here.
while read -r number user group mode sum path; do
    folder_of=${path%/*}
    [ -d "${folder_of:-/}" ] || (umask 022 && mkdir -p "$folder_of")
    # Whoever owns the folder could leave a link there, to have us write and chown elsewhere: so the owner is set before,
    # where nobody else can look, and what lies in the way is unlinked and never opened.
    chown "$user:$group" "$stage/$number"
    chmod "$mode" "$stage/$number"
    cp --preserve=ownership,mode --remove-destination --no-target-directory "$stage/$number" "$path$suffix"
    echo "$sum  $path$suffix" >>"$stage/sums"
    echo "$path$suffix" >>"$stage/new"
done <"$stage/files"
if [ -e "$stage/new" ]; then
    sha256sum --check --status "$stage/sums"
    xargs -d '\n' sync <"$stage/new"
fi

while read -r command; do
    # The list was written by us, from the roles' `validate`.
    sh -c "$command" </dev/null >"$stage/said" 2>&1 || {
        echo "refused by: $command" >&2
        cat "$stage/said" >&2
        exit 1
    }
done <"$stage/before"

# What will be replaced or removed is kept until the daemons have had their say, with the names of what was not there;
# then until the next bundle, in case one of them falls silent later in this run (answering.py).
before=$stage/replaced
mkdir "$before"
{ while read -r _ _ _ _ _ path; do echo "$path"; done <"$stage/files"; cat "$stage/removed"; } >"$before/touched"
: >"$before/absent"
: >"$before/present"
while read -r path; do
    if [ -e "$path" ] || [ -L "$path" ]; then echo "${path#/}" >>"$before/present"
    else echo "$path" >>"$before/absent"; fi
done <"$before/touched"
tar -c -f "$before/kept.tar" -C / -T "$before/present"
printf '%s\n' "${COOPINFRA_RUN:-}" >"$before/run"

while read -r _ _ _ _ _ path; do mv -fT "$path$suffix" "$path"; done <"$stage/files"
while read -r path; do rm -f "$path"; done <"$stage/removed"
# Deepest first; one that is not empty holds data of somebody's and stays.
sort -r "$stage/emptied" | while read -r path; do rmdir --ignore-fail-on-non-empty "$path" 2>/dev/null || true; done

while read -r command; do
    sh -c "$command" </dev/null >"$stage/said" 2>&1 || {
        echo "refused by: $command; every file is as it was before" >&2
        cat "$stage/said" >&2
        while read -r path; do rm -f "$path"; done <"$before/absent"
        # Unlinked first, so that no process ever reads half of a file.
        tar -x -p --unlink-first -f "$before/kept.tar" -C /
        exit 1
    }
done <"$stage/after"
rm -rf "$folder/before"
mv "$before" "$folder/before"
