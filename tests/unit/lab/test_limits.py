"""A machine that cannot boot one more box is told what to set."""

import pytest

from coopinfra.deploy.lab.limits import short_of_inotify


@pytest.fixture
def proc(tmp_path):
    """A kernel that lends 128 instances, and processes that hold 100 of them and other things."""
    (tmp_path / "sys/fs/inotify").mkdir(parents=True)
    (tmp_path / "sys/fs/inotify/max_user_instances").write_text("128\n")
    for pid in range(1, 21):
        (tmp_path / f"{pid}/fd").mkdir(parents=True)
        (tmp_path / f"{pid}/fd/0").symlink_to("/dev/null")
        for number in range(1, 6):
            (tmp_path / f"{pid}/fd/{number}").symlink_to("anon_inode:inotify")
    return tmp_path


def test_a_box_for_which_no_inotify_instances_are_left_says_what_to_set(proc):
    (proc / "21/fd").mkdir(parents=True)
    for number in range(20):
        (proc / f"21/fd/{number}").symlink_to("anon_inode:inotify")

    found = short_of_inotify(proc)

    assert found
    assert found.message == "a box needs about 10 inotify instances, and of the 128 that this machine has 120 are taken"
    assert found.hint == "let it have more, until its next boot: `sysctl -w fs.inotify.max_user_instances=1024`"


def test_the_control_while_there_are_some_it_says_nothing(proc):
    assert short_of_inotify(proc) is None
