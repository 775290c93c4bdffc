"""What somebody may try with a key, a commit, a build or the account of a site that is pushed."""

from __future__ import annotations

import base64
import io
import tarfile

SUBMODULE = f"160000 commit {'1' * 40} theme"
# What a commit may not hold, and what the server says of it.
STRANGE = {
    "link": (["120000 blob @ secret.txt"], "secret.txt is a link"),
    "submodule": ([SUBMODULE], "theme is a submodule"),
    "dots": (["100644 blob @ .."], "hasDotdot"),
    "git": (["100644 blob @ .git"], "hasDotgit"),
    "many": ([f"100644 blob @ page{number}" for number in range(50_001)], "it has more than 50000 files"),
}

# Ways to do more with the key than to push its own site: options of ssh, and the command that is asked for.
MORE = {
    "a shell": ((), ""),
    "a terminal": (("-tt",), ""),
    "a command": ((), "id"),
    "a command after": ((), "git-receive-pack 'main'; id"),
    "a command within": ((), "git-receive-pack '$(id)'"),
    "another program of git": ((), "git-upload-archive 'main'"),
    "an option": ((), "git-upload-pack --strict 'main'"),
    "a program in an option": ((), "git-upload-pack '--upload-pack=id'"),
    "a file": ((), "git-upload-pack '/srv/data/highbeam-main.git'"),
    "another site": ((), "git-receive-pack 'letters'"),
    "a folder above": ((), "git-upload-pack '../highbeam-letters.git'"),
    "scp": ((), "scp -f /etc/passwd"),
    "the publisher": ((), "sudo /etc/coopinfra/sites/highbeam-main/publish"),
    "the environment": (("-oSetEnv=GIT_CONFIG_COUNT=1 LD_PRELOAD=/tmp/x SSH_ORIGINAL_COMMAND=x",), "id"),
    "sftp": (("-s",), "sftp"),
}
# What ssh itself makes of an answer.
SAID = {"a terminal": "PTY allocation request failed on channel 0", "sftp": ""}

# What a build tries, in words of a shell; root finds each of them there.
TRIES = {
    "the network": "curl -sS --max-time 5 http://198.51.100.7:8000/",
    "this machine": "timeout 5 bash -c 'read -r line </dev/tcp/127.0.0.1/22'",
    "another site": "ls /srv/sites/highbeam-main/current/",
    "the repository": "ls /srv/data/highbeam-pages.git",
    "a key": "cat /etc/ssh/ssh_host_ed25519_key",
    "the system": "touch /usr/local/here",
    "root": "sudo -n true",
    "processes": "cat /proc/1/environ",
}

WAS_HERE = "etc/coopinfra-was-here"
# What somebody who has got hold of the account may hand to the publisher: names, types and targets in a tar archive.
ARCHIVES = {
    "link": [("passwords", tarfile.SYMTYPE, "/etc")],
    "through a link": [("a", tarfile.SYMTYPE, "/"), (f"a/{WAS_HERE}", tarfile.REGTYPE, "")],
    "hard link": [("passwd", tarfile.LNKTYPE, "/etc/passwd")],
    "device": [("disk", tarfile.CHRTYPE, "")],
    "pipe": [("pipe", tarfile.FIFOTYPE, "")],
    "above": [(f"../../../../../{WAS_HERE}", tarfile.REGTYPE, "")],
    "absolute": [(f"/{WAS_HERE}", tarfile.REGTYPE, "")],
}


def archive(members):
    """Pack a start page that is setuid, and what is given."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        for name, kind, target in [("index.html", tarfile.REGTYPE, ""), *members]:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = kind, target, 0o4777
            packed.addfile(member)
    return base64.b64encode(stream.getvalue()).decode()
