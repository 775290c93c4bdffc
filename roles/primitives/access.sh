# Keeps what is about to change, and arms the timer, and the next boot, that put it back.
# usage: sh -c "$(cat access.sh)" access FOLDER WAIT UNITS PATH...
#   FOLDER  where the state of one organisation lies
#   WAIT    seconds until all goes back, unless the unit coopinfra-revert is disarmed
#   UNITS   reloaded after that, separated by spaces
set -eu
umask 077
folder=$1 wait=$2 units=$3
shift 3
install -d -m 0700 "$folder"
kept=$folder/way-back
rm -rf "$kept.new"
mkdir "$kept.new"
: >"$kept.new/absent"
: >"$kept.new/present"
for path in "$@"; do
    if [ -e "$path" ] || [ -L "$path" ]; then echo "$path" >>"$kept.new/present"
    else echo "$path" >>"$kept.new/absent"; fi
done
tar -c --numeric-owner -P -f "$kept.new/kept.tar" -T "$kept.new/present"
echo "$units" >"$kept.new/units"
cat >"$kept.new/revert" <<'REVERT'
set -u
cd "$(dirname "$0")" || exit 1
while read -r path; do rm -f "$path"; done <absent
rm -rf old
mkdir old
# Out of the archive beside each file, then renamed: no process ever reads half of one, or finds none.
tar -x -p --numeric-owner -f kept.tar -C old
while read -r path; do
    mkdir -p "${path%/*}"
    cp -a "old$path" "$path.coopinfra-old" && mv -fT "$path.coopinfra-old" "$path"
done <present
rm -rf old
# They are ordered after us, so that a boot reads what is right: to wait for them here would be for ever.
for unit in $(cat units); do systemctl --no-block reload-or-restart "$unit" || true; done
touch ../reverted
systemctl disable --quiet coopinfra-revert.service
rm -f /etc/systemd/system/coopinfra-revert.service
REVERT
sync -f "$kept.new/kept.tar"
rm -rf "$kept"
mv "$kept.new" "$kept"
rm -f "$folder/reverted"

systemctl stop coopinfra-revert.timer 2>/dev/null || true
systemctl reset-failed coopinfra-revert.service 2>/dev/null || true
cat >/etc/systemd/system/coopinfra-revert.service <<UNIT
# Written by coopinfra for the moments until a change of access is confirmed.
[Unit]
Description=Take back a change of access that nobody has confirmed
# At a boot in between: before anybody is let in, or kept out, by what is to go.
DefaultDependencies=no
After=local-fs.target systemd-remount-fs.service
Before=nftables.service ssh.service sysinit.target

[Service]
Type=oneshot
ExecStart=/bin/sh $kept/revert

[Install]
WantedBy=sysinit.target
UNIT
chmod 0644 /etc/systemd/system/coopinfra-revert.service
install -d -m 0755 /etc/systemd/system/sysinit.target.wants
ln -sf ../coopinfra-revert.service /etc/systemd/system/sysinit.target.wants/
sync -f "$kept"
# Not by `systemctl enable`, which has systemd read every unit again, a third of a second. One that it does not know yet
# it reads when it is first named; it says so where it knows an older one.
[ "$(systemctl show --value -p NeedDaemonReload coopinfra-revert.service)" = no ] || systemctl daemon-reload
systemd-run --quiet --collect --unit=coopinfra-revert --on-active="$wait" --timer-property=AccuracySec=100ms
