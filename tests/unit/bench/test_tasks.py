"""The three languages of the benchmark say the same hundred tasks."""

from pathlib import Path

import pytest

import as_playbook
import as_primitives
import as_pyinfra
import tasks

MODULES = ("apt", "crontab", "files", "server", "systemd")


class Recorder:
    """Stands for a module of operations, and keeps what is called."""

    def __init__(self, calls):
        self.calls = calls

    def __getattr__(self, name):
        return lambda **arguments: self.calls.append((name, arguments))


@pytest.fixture
def stock(monkeypatch):
    calls = []
    for module in MODULES:
        monkeypatch.setattr(as_pyinfra, module, Recorder(calls))
    as_pyinfra.hundred_tasks(Path("sources"), 1, "second")
    return calls


def test_pyinfra_and_ansible_get_a_hundred_tasks_each(stock):
    book = as_playbook.playbook(Path("sources"), 1, "second")[0]["tasks"]

    assert len(stock) == len(book) == 100
    assert sum("template" in task for task in book) == sum(name == "template" for name, _ in stock) == 25


def test_all_three_write_the_same_files_with_the_same_values(stock):
    book = as_playbook.playbook(Path("sources"), 1, "second")[0]["tasks"]
    rendered = {each["dest"]: each["value"] for name, each in stock if name == "template"}
    bundled = {file.path: file.content.decode() for file in as_primitives._files(1, "second")}

    assert rendered == {each["template"]["dest"]: each["vars"]["value"] for each in book if "template" in each}
    assert {path: tasks.TEMPLATE.replace("{{ value }}", word) for path, word in rendered.items()}.items() <= (
        bundled.items()
    )
    assert tasks.files().items() <= bundled.items()
    assert {path: f"{line}\n" for path, line in tasks.LINES.items()}.items() <= bundled.items()


def test_a_step_changes_as_many_templates_as_it_says():
    first, second, third = (set(as_primitives._files(*step)) for step in ((0, "first"), (1, "second"), (25, "third")))

    assert (len(second - first), len(third - second)) == (1, 25)
