"""The table says what was found, and of each goal whether it was reached."""

from measuring import Measure, channels, seconds_connected
from table import Goal, ratio, round_trips, table, verdicts

SLOW = Measure(150.0, 417, 3.0, 6.0, 149.0, "")
FAST = Measure(5.0, 4, 2.0, 1.0, 3.0, "")
NEAR = Measure(2.5, 4, 2.0, 1.0, 1.0, "")
FIGURES = {
    ("100 tasks", "pyinfra", 100): SLOW,
    ("100 tasks", "ours", 0): NEAR,
    ("100 tasks", "ours", 100): FAST,
}
LOG = [
    "1000.500000 box sshd-session[7]: Accepted publickey for root from 198.51.100.9 port 1 ssh2: ED25519 SHA256:x",
    "1000.700000 box sshd-session[8]: Starting session: command for root from 198.51.100.9 port 1 id 0",
    "1000.900000 box sshd-session[8]: Starting session: subsystem 'sftp' for root from 198.51.100.9 port 1 id 1",
    "1000.950000 box sshd-session[8]: Close session: user root from 198.51.100.9 port 1 id 1",
    "1002.000000 box sshd-session[7]: Disconnected from user root 198.51.100.9 port 1",
]


def test_a_goal_is_reached_up_to_its_limit_and_not_beyond():
    assert Goal("channels", 6, 6).line.split("channels")[0].strip() == "reached"
    assert Goal("channels", 6.01, 6).line.split("channels")[0].strip() == "NOT reached"


def test_a_goal_of_at_least_is_reached_from_its_limit_on():
    assert "NOT reached" in Goal("times faster", 24.9, 25, at_least=True).line
    assert "NOT reached" not in Goal("times faster", 25.0, 25, at_least=True).line


def test_what_was_not_measured_is_not_called_reached():
    line = Goal("channels", None, 6).line

    assert "not measured" in line
    assert "reached" not in line


def test_both_verdicts_stand_beside_each_other():
    lines = verdicts((Goal("channels", 4, 6), Goal("seconds", 3.2, 3))).splitlines()

    assert lines == ["  reached       channels: 4.00, at most 6", "  NOT reached   seconds: 3.20, at most 3"]


def test_ratios_and_round_trips_come_from_figures_that_are_there():
    assert ratio(FIGURES, "100 tasks", "pyinfra", "ours", 100) == 30.0
    assert ratio(FIGURES, "100 tasks", "pyinfra", "ours", 0) is None
    assert round(round_trips(FIGURES, "100 tasks", "ours", 100) or 0) == 25
    assert round_trips(FIGURES, "100 tasks", "pyinfra", 100) is None
    assert round_trips(FIGURES, "100 tasks", "ours", 0) is None


def test_the_table_has_a_line_for_every_figure():
    text = table(FIGURES, "ours")

    assert len(text.splitlines()) == 2 + len(FIGURES)
    stock = next(line for line in text.splitlines() if "pyinfra" in line)
    assert stock.split() == ["pyinfra", "100", "150.00", "30.0", "417", "-", "3.00", "6.00"]


def test_sessions_of_every_kind_are_counted_and_nothing_else():
    assert channels(LOG) == 2
    assert channels([]) == 0


def test_the_time_connected_runs_from_the_login_to_the_last_word():
    assert round(seconds_connected(LOG), 6) == 1.5
    assert seconds_connected([]) == 0.0
