# shellcheck shell=sh
# Prints what grants access to a server or runs things on it, for `additions.py`; reads only.
# usage: sh -c "$(cat additions.sh)"
set -f
IFS='
'
packages=/var/lib/dpkg/info
homes=$(getent passwd | cut -d: -f6 | sort -u | sed 's#/*$#/.ssh#')
system=/usr/lib/systemd/system

# Units beside the packages' own; /lib is a link to /usr/lib.
owned=$(set +f && cat "$packages"/*.list | sed -n "s#^\(/usr\)\{0,1\}/lib/systemd/system/#$system/#p" | sort -u)

candidates() {
    # shellcheck disable=SC2086 # one path a line
    find $homes -maxdepth 1 -name 'authorized_keys*' "$@"
    # What dpkg, or a deploy that was cut off, has laid aside is read by nobody.
    find /etc/ssh/authorized_keys.d /etc/sudoers /etc/sudoers.d /etc/crontab /etc/cron.d /etc/cron.hourly /etc/cron.daily \
        /etc/cron.weekly /etc/cron.monthly /etc/cron.yearly /var/spool/cron /etc/systemd/system /etc/systemd/user \
        /etc/systemd/system-generators /usr/local/lib/systemd \
        ! -name '*.dpkg-old' ! -name '*.dpkg-dist' ! -name '*.dpkg-new' ! -name '*.coopinfra-new' "$@"
    # shellcheck disable=SC2046 # one path a line; where there is none, nothing is looked at
    set -- $(find "$system" ! -type d | grep -vxF -e "$owned") "$@"
    [ -z "${1##/*}" ] && find "$@"
} 2>/dev/null

candidates ! -type d -exec stat -c '%Z|%U|%F|%N' {} +
echo '='
candidates -type f -exec sha256sum {} +
echo '='
# Configuration that a package brought, and whether it is still as it was then.
# shellcheck disable=SC2016 # dpkg-query's own
dpkg-query -W -f '${Conffiles}\n' | sed -n 's#^ \(/etc/\(sudoers\|cron\|systemd/system/\)[^ ]*\) \([0-9a-f]\{32\}\).*#\3  \1#p' |
    md5sum --check 2>/dev/null
echo '='
getent passwd | cut -d: -f1,3,4
echo '='
getent group
echo '='
listening=$(ss -Hltnup 2>/dev/null)
echo "$listening"
echo '='
for process in $(echo "$listening" | grep -o 'pid=[0-9]*' | sort -u); do
    # The last unit of the path: of the hierarchies, systemd's own is the one that has any.
    unit=$(sed -n 's#.*/\([^/]*[.]\(service\|scope\)\)\(/.*\)\{0,1\}$#\1#p' "/proc/${process#pid=}/cgroup" 2>/dev/null | head -n1)
    case $unit in *@*.*) template=${unit%%@*}@.${unit##*.} ;; *) template=$unit ;; esac
    from=hand
    # Below user.slice anybody may call a unit what they like.
    if ! grep -q /user.slice/ "/proc/${process#pid=}/cgroup" 2>/dev/null &&
        printf '%s\n' "$owned" "$system/init.scope" | grep -qxF -e "$system/$unit" -e "$system/$template"; then
        from=package
    fi
    echo "${process#pid=} $from $unit"
done
