"""At which plans something is made, and what guards a lock table, on both sides of where each comparison turns."""

from typing import Any

from drproof.formats import hcl
from drproof.formats.hcl import Block, Expression
from tests.contracts.checks import House
from tests.contracts.reasoning import reasoning

WAYS = {
    "0": "never",
    "1": "always",
    "2": "always",
    '"0"': "never",
    '"1"': "always",
    '"one"': "unknown",
    '"²"': "unknown",
    "true": "unknown",
    "false": "unknown",
    "null": "unknown",
    "1.5": "unknown",
    "-1": "unknown",
    "[]": "never",
    '["a"]': "always",
    "[var.free]": "always",
    "{}": "never",
    "{ a = var.free }": "always",
    "toset([])": "never",
    'toset(["a"])': "always",
    "toset([var.free])": "always",
    "toset(var.free)": "sometimes",
    "tomap({})": "never",
    "tolist([])": "never",
    "length([])": "never",
    "length([var.free])": "always",
    "length(var.free)": "sometimes",
    "length(var.said)": "unknown",
    "length(data.a.b.ids)": "sometimes",
    "max(1, var.free)": "unknown",
    "[for one in var.free : one]": "unknown",
    "var.free": "sometimes",
    "var.none": "unknown",
    "var.zero": "never",
    "var.one": "always",
    "var.missing": "unknown",
    "var.passed": "sometimes",
    "var.passed_list": "always",
    "data.a.b.count": "sometimes",
    'data.a.b["x"].count': "sometimes",
    "aws_a.b[0].count": "sometimes",
    "terraform.workspace": "sometimes",
    "each.value": "unknown",
    "count.index": "unknown",
    "path.module": "unknown",
    "local.none": "unknown",
    "local.switch": "sometimes",
    "local.always": "always",
    "local.circle": "unknown",
    "local.names[0]": "unknown",
    "local.frees[0]": "sometimes",
    "var.free ? 1 : 0": "sometimes",
    "var.free ? 0 : 1": "sometimes",
    "var.free ? 1 : 1": "always",
    "var.free ? 1 : 2": "always",
    "var.free ? 0 : 0": "never",
    "var.free ? toset([]) : []": "never",
    'var.free ? toset(["a"]) : toset([])': "sometimes",
    "var.free ? { a = 1 } : {}": "sometimes",
    "var.free ? max(1, 2) : 0": "unknown",
    "var.free ? 0 : max(1, 2)": "unknown",
    "var.none ? 1 : 0": "unknown",
    "var.none ? 1 : 1": "always",
    "var.passed ? 1 : 0": "sometimes",
    "var.passed_none ? 1 : 0": "unknown",
    "true ? toset([]) : [var.free]": "never",
    "false ? toset([]) : [var.free]": "always",
    '"true" ? toset([]) : [var.free]': "never",
    '"false" ? toset([]) : [var.free]': "always",
    'contains(["a"], "b") ? 1 : 0': "unknown",
    'contains(["var.free"], "b") ? 1 : 0': "unknown",
    'contains(["${var.free}"], "b") ? 1 : 0': "sometimes",
    'contains(var.free, "a ? b : c") ? 1 : 0': "sometimes",
    "contains(data.a.b.names, local.names) ? 0 : 1": "sometimes",
    "(var.free != 0 ? true : false) ? 1 : 0": "sometimes",
    "var.free ? var.said ? 1 : 2 : 0": "sometimes",
    "var.free ? var.free ? 0 : 1 : 1": "sometimes",
    "1 + var.free": "unknown",
    "var.free ? 1": "unknown",
    "contains(local.free_names, 1) ? 1 : 0": "sometimes",
    "contains(local.circle, 1) ? 1 : 0": "unknown",
    "(var.free)": "sometimes",
    "(1)": "always",
    "(max(1, 2))": "unknown",
    "length(data.a.b.ids) + length(data.a.c.ids)": "unknown",
}


def _value(text: str) -> Any:
    return hcl.parse(f"x = {text}\n".encode()).attributes["x"]


def _scope(house: House) -> Any:
    being_made, evaluating = house.modules["being_made"], house.modules["evaluating"]
    outer = evaluating.Scope(variables={"outer": being_made.Free()})
    return evaluating.Scope(
        variables={
            "free": being_made.Free(),
            "none": evaluating.Unknown("it has no default"),
            "said": evaluating.Unknown("it has no default"),
            "zero": 0,
            "one": 1,
            "passed": being_made.Passed(value=Expression("var.outer"), scope=outer),
            "passed_list": being_made.Passed(value=[Expression("var.outer")], scope=outer),
            "passed_none": being_made.Passed(value=Expression("var.nothing"), scope=outer),
        },
        locals={
            "switch": Expression("var.free ? 1 : 0"),
            "always": [Expression("var.free")],
            "circle": Expression("local.circle"),
            "names": Expression('toset(["a"])'),
            "frees": Expression("toset(var.free)"),
            "free_names": [1, {"a": [Expression("var.free")]}],
        },
    )


@reasoning
def something_is_made_at_each_plan_at_some_or_at_none(house: House) -> None:
    many, scope = house.modules["being_made"].many, _scope(house)
    for text, expected in WAYS.items():
        # What is no value of the language is still one that an expression may hold.
        value = Expression(text) if text == "var.free ? 1" else _value(text)
        assert many(value, scope) == expected, (text, many(value, scope))
    evaluating = house.modules["evaluating"]
    for last, expected in ((49, "always"), (50, "unknown")):
        chain = {f"l{n}": Expression(f"local.l{n + 1}") for n in range(last)} | {f"l{last}": Expression("toset([1])")}
        assert many(Expression("local.l0"), evaluating.Scope(locals=chain)) == expected
    for last, does in ((49, True), (50, False)):
        chain = {f"l{n}": Expression(f"local.l{n + 1}") for n in range(last)} | {f"l{last}": Expression("var.free")}
        found = house.modules["being_made"].hangs(
            Expression("local.l0"), evaluating.Scope(variables=scope.variables, locals=chain)
        )
        assert found is does
    assert house.modules["being_made"].Free().why
    assert house.modules["being_made"].Passed().why


@reasoning
def a_block_without_count_and_for_each_is_made_at_each_plan(house: House) -> None:
    made, scope = house.modules["being_made"].made, _scope(house)
    assert made(Block(kind="resource"), scope) == "always"
    assert made(Block(kind="resource", attributes={"count": 0}), scope) == "never"
    assert made(Block(kind="resource", attributes={"for_each": []}), scope) == "never"
    assert made(Block(kind="resource", attributes={"for_each": Expression("var.free")}), scope) == "sometimes"
    assert made(Block(kind="resource", attributes={"for_all": 0}), scope) == "always"


@reasoning
def a_condition_is_taken_apart_where_it_stands_in_no_brackets_and_in_no_text(house: House) -> None:
    split = house.modules["being_made"].split
    assert split("a ? b : c") == ("a", "b", "c")
    assert split("a?b:c") == ("a", "b", "c")
    assert split("a ? b ? c : d : e") == ("a", "b ? c : d", "e")
    assert split("a ? b : c ? d : e") == ("a", "b", "c ? d : e")
    assert split("(a ? b : c)") is None
    assert split("f(a ? b : c) ? [x ? y : z] : { k : v }") == ("f(a ? b : c)", "[x ? y : z]", "{ k : v }")
    assert split('"?" == a ? ":" : b') == ('"?" == a', '":"', "b")
    assert split("a : b") is None
    assert split("a : b ? c : d") == ("a : b", "c", "d")
    assert split("a ? b") is None
    assert split("a") is None


def _tables(house: House, module: str = "one", *, named: str = "", **texts: str) -> list[tuple[str, str, str, str]]:
    sources = [
        house.modules["sources"].Source(name=name, place=f"/a/{name}", parsed={"main.tf": hcl.parse(text.encode())})
        for name, text in texts.items()
    ]
    (source,) = (one for one in sources if one.name == module)
    scope = house.modules["evaluating"].Scope(
        variables={"name": "atlas-lock", "key": house.modules["evaluating"].Unknown("var.key has no default")}
    )
    found = house.modules["lock_tables"].lock_tables(sources, source, scope, frozenset(named.split()))
    return [(row.at, row.name, row.guard, row.why) for row in found]


def _table(body: str = "", *, key: str = 'hash_key = "LockID"', name: str = '"atlas-lock"') -> str:
    return f'resource "aws_dynamodb_table" "a" {{\n  name = {name}\n  {key}\n  {body}\n}}\n'


def _guard(house: House, module: str = "one", **texts: str) -> str:
    ((_, _, guard, _),) = _tables(house, module, **texts)
    return guard


AT = "aws_dynamodb_table.a"
SWITCH = 'variable "on" {\n  default = true\n}\n'
SWITCHED = SWITCH + _table("count = var.on ? 1 : 0")
IMPORT = 'import {\n  to = %s\n  id = "x"\n  %s\n}\n'


@reasoning
def a_table_locks_a_state_by_its_key_or_by_the_name_that_a_backend_says(house: House) -> None:
    assert _tables(house, one=_table()) == [(AT, "atlas-lock", "none", "")]
    assert _tables(house, one=_table(name="var.name")) == [(AT, "atlas-lock", "none", "")]
    assert _tables(house, one=_table(name="var.key")) == [(AT, "", "none", "")]
    assert _tables(house, one=_table(key='hash_key = "Id"')) == []
    assert _tables(house, named="atlas-lock", one=_table(key='hash_key = "Id"')) == [(AT, "atlas-lock", "none", "")]
    assert _tables(house, named="atlas-lock", one=_table(key="")) == [(AT, "atlas-lock", "none", "")]
    assert _tables(house, named="other", one=_table(key='hash_key = "Id"')) == []
    assert _tables(house, named="other", one=_table(key='hash_key = "Id"', name='["other"]')) == []
    why = "whether it locks a state is not known: "
    assert _tables(house, one=_table(key="")) == [
        (AT, "atlas-lock", "unknown", f"{why}its hash key is not written here")
    ]
    assert _tables(house, one=_table(key="hash_key = var.key")) == [
        (AT, "atlas-lock", "unknown", f"{why}var.key has no default")
    ]
    assert _tables(house, one=SWITCH + _table("count = var.on ? 1 : 0", key="")) == [
        (AT, "atlas-lock", "condition", "")
    ]
    assert _tables(house, one=_table().replace("aws_dynamodb_table", "aws_dynamodb_table_item")) == []
    assert _tables(house, one="resource {\n}\n") == []


@reasoning
def a_lock_table_is_guarded_by_what_makes_it_or_takes_it_over(house: House) -> None:
    assert _guard(house, one=_table()) == "none"
    assert _guard(house, one=_table("count = 1")) == "none"
    assert _guard(house, one=_table("count = 0")) == "off"
    assert _guard(house, one=SWITCHED) == "condition"
    assert (
        _guard(house, one="locals {\n  on = var.on\n}\n" + SWITCH + _table("count = local.on ? 1 : 0")) == "condition"
    )
    assert _tables(house, one=_table("count = max(1, 2)")) == [
        (AT, "atlas-lock", "unknown", "at which plans it is made is not understood here")
    ]
    assert _guard(house, one=_table() + IMPORT % (AT, "")) == "import"
    assert _guard(house, one=_table("count = 1") + IMPORT % (f"{AT}[0]", "")) == "import"
    assert _guard(house, one=_table() + IMPORT % ("aws_dynamodb_table.b", "")) == "none"
    assert _guard(house, one=_table() + 'import {\n  id = "x"\n}\n') == "none"
    assert _guard(house, one=_table() + IMPORT % (f'"{AT}"', "")) == "none"
    assert _guard(house, one=_table() + IMPORT % (AT, "for_each = toset([])")) == "none"
    assert _guard(house, one=_table() + IMPORT % (AT, 'for_each = toset(["a"])')) == "import"
    assert _guard(house, one=_table() + IMPORT % (AT, "for_each = setunion([])")) == "unknown"
    assert _guard(house, one=SWITCHED + IMPORT % (AT, "for_each = setunion([])")) == "condition"
    assert _guard(house, one=SWITCH + _table() + IMPORT % (AT, "for_each = var.on ? [1] : []")) == "import"
    by_a_local = "locals {\n  ids = var.on ? [1] : []\n}\n"
    assert _guard(house, one=SWITCH + by_a_local + _table() + IMPORT % (AT, "for_each = local.ids")) == "import"
    assert _guard(house, one=_table("count = 0") + IMPORT % (AT, "")) == "off"


@reasoning
def what_guards_the_table_of_a_called_module_is_said_on_each_way_to_it(house: House) -> None:
    def call(body: str = "", label: str = "m", to: str = "one") -> str:
        return f'module "{label}" {{\n  source = "../{to}"\n  {body}\n}}\n'

    assert _guard(house, one=_table(), two=call()) == "none"
    assert _guard(house, one=SWITCHED, two=call()) == "none"
    assert _guard(house, one=SWITCHED.replace("true", "false"), two=call()) == "off"
    assert _guard(house, one=SWITCHED, two=call("on = true")) == "none"
    assert _guard(house, one=SWITCHED, two=call("on = false")) == "off"
    assert _guard(house, one=SWITCHED, two=SWITCH + call("on = var.on")) == "condition"
    assert _guard(house, one=SWITCHED, two=call("on = data.a.b.c")) == "condition"
    assert _guard(house, one=SWITCHED, two=call("on = f(1)")) == "unknown"
    assert _guard(house, one=SWITCHED.replace("default = true", ""), two=call()) == "unknown"
    assert _guard(house, one="variable {\n}\n" + SWITCHED, two=call()) == "none"
    assert _guard(house, one=_table(), two=SWITCH + call("count = var.on ? 1 : 0")) == "condition"
    assert _guard(house, one=_table(), two=call("count = 0")) == "off"
    assert _guard(house, one=_table("count = f(1)"), two=SWITCH + call("count = var.on ? 1 : 0")) == "condition"
    assert _guard(house, one=_table(), two=call("count = f(1)")) == "unknown"
    assert _guard(house, one=SWITCHED, two=SWITCH + call("on = var.on") + call(label="n")) == "none"
    assert _guard(house, one=SWITCHED, two=SWITCH + call("on = var.on") + call("on = f(1)", label="n")) == "unknown"
    assert _guard(house, one=SWITCHED, two=SWITCH + call("on = var.on") + call("on = false", label="n")) == "condition"
    there = IMPORT % (f"module.m.{AT}", "")
    assert _guard(house, one=_table(), two=call() + there) == "import"
    assert _guard(house, one=_table(), two=call(label="n") + there) == "none"
    assert _guard(house, one=_table() + IMPORT % (AT, ""), two=call()) == "none"
    assert _guard(house, one=_table(), two=call('for_each = ["x"]') + IMPORT % (f'module.m["x"].{AT}', "")) == "import"
    deep = {"one": _table(), "two": call(), "three": call(label="o", to="two")}
    assert _guard(house, **deep) == "none"
    assert _guard(house, **{**deep, "two": call() + there}) == "none"
    assert _guard(house, **{**deep, "three": deep["three"] + IMPORT % (f"module.o.module.m.{AT}", "")}) == "import"
    assert _guard(house, **{**deep, "three": SWITCH + call("count = var.on ? 1 : 0", "o", "two")}) == "condition"
    assert _guard(house, one=_table() + call()) == "unknown"
    assert _guard(house, one=_table() + call(), two=call()) == "none"


@reasoning
def a_backend_names_its_table_or_none(house: House) -> None:
    def named(body: str) -> list[str]:
        block = hcl.parse(f'backend "s3" {{\n  {body}\n}}\n'.encode()).blocks[0]
        return list(house.modules["lock_tables"].named_by_backends([block], house.modules["evaluating"].Scope()))

    assert named('dynamodb_table = "a"') == ["a"]
    assert named('dynamodb_table = ""') == []
    assert named("dynamodb_table = var.a") == []
    assert named("dynamodb_table = 1") == []
    assert named("") == []
    read = house.modules["reading_modules"].read
    backend = 'terraform {\n  backend "s3" {\n    dynamodb_table = "atlas-lock"\n  }\n}\n'
    of = {"one": _table(key='hash_key = "Id"'), "two": backend}
    sources = [
        house.modules["sources"].Source(name=name, place=f"/a/{name}", parsed={"main.tf": hcl.parse(text.encode())})
        for name, text in of.items()
    ]
    assert [row.guard for row in read(sources, "x")[0].lock_tables] == ["none"]


@reasoning
def the_lock_of_consul_is_what_is_written_of_it(house: House) -> None:
    def lock(body: str) -> str:
        text = f'terraform {{\n  backend "consul" {{\n    {body}\n  }}\n}}\n'
        source = house.modules["sources"].Source(name="one", place="/a", parsed={"main.tf": hcl.parse(text.encode())})
        return str(house.modules["reading_modules"].read([source], "x")[0].backend.lock)

    assert [lock(body) for body in ("", "lock = true", 'lock = "true"')] == ["held"] * 3
    assert [lock(body) for body in ("lock = false", 'lock = "false"')] == ["none"] * 2
    assert [lock(body) for body in ("lock = []", "lock = f(x)", 'lock = "so"')] == ["unknown"] * 3


def _names(house: House, variables: str, *, kind: str = "aws_lambda_function", block: str = "environment") -> list[str]:
    evaluating = house.modules["evaluating"]
    scope = evaluating.Scope(
        variables={"none": evaluating.Unknown("var.none has no default"), "more": {"MORE": "x"}, "name": "ATLAS"},
        locals={
            "common": {"COMMON": 1},
            "merged": Expression("merge(local.common, var.more)"),
            "circle": Expression("merge(local.circle, {})"),
            "chosen": Expression("true ? var.more : null"),
        },
    )
    text = f'resource "{kind}" "f" {{\n  {block} {{\n    variables = {variables}\n  }}\n}}\n'
    blocks = hcl.parse(text.encode()).blocks
    rows = list(house.modules["function_variables"].function_variables(blocks, scope))
    assert all(row.at == f"{kind}.f.environment.variables" for row in rows)
    return [row.value or f"? {row.why}" for row in rows]


@reasoning
def the_names_of_a_functions_variables_are_those_that_are_written_and_the_rest_is_said_to_be_open(house: House) -> None:
    planned = "is known only when it is planned"
    assert _names(house, '{ A = 1, "B" = 2 }') == ["A", "B"]
    assert _names(house, "{}") == []
    assert _names(house, "null") == []
    assert _names(house, "{ A = 1 }", kind="aws_lambda_alias") == []
    assert _names(house, "{ A = 1 }", block='dynamic "environment"') == ["A"]
    assert _names(house, "local.common") == ["COMMON"]
    assert _names(house, "local.nothing") == [f"? local.nothing {planned}"]
    assert _names(house, "var.more") == ["MORE"]
    assert _names(house, "var.none") == ["? var.none has no default"]
    assert _names(house, "local.merged") == ["COMMON", "MORE"]
    assert _names(house, "local.chosen") == ["MORE"]
    assert _names(house, "merge(local.common, { A = 1 }, var.none)") == ["COMMON", "A", "? var.none has no default"]
    assert _names(house, "merge(merge(local.common, {}), null)") == ["COMMON"]
    assert _names(house, "merge(var.none...)") == [f"? `merge(var.none ...)` {planned}"]
    assert _names(house, "local.circle") == ["? its locals lead in a circle"]
    assert _names(house, '{ (var.name) = 1, "${var.name}_B" = 2 }') == ["ATLAS", "ATLAS_B"]
    assert _names(house, "{ (var.none) = 1 }") == [f"? the name ${{(var.none)}} {planned}"]
    assert _names(house, '{ "${var.none}_B" = 1 }') == [f"? the name ${{var.none}}_B {planned}"]
    assert _names(house, "[1]") == ["? it is no map of variables"]
    assert _names(house, '"text"') == ["? it is no map of variables"]
    chosen = _names(house, 'var.none ? { A = 1, "B" : "C = 1, D = 2" } : {}')
    assert chosen[:2] == ["A", "B"]
    assert chosen[2].startswith("? `var.none ? {")
    assert len(chosen) == 3
    assert _names(house, "{ for k, v in var.more : k => v }")[:-1] == []
    assert _names(house, 'f({ x = "{ A = 1 }" }, a == b, "C" == d)')[:-1] == ["x"]
    bare = hcl.parse(b"resource {\n}\n").blocks
    assert list(house.modules["function_variables"].function_variables(bare, house.modules["evaluating"].Scope())) == []
    deep = {f"l{n}": Expression(f"local.l{n + 1}") for n in range(60)} | {"l60": {"A": 1}}
    for start, expected in ((10, ["A"]), (9, ["? its locals lead in a circle"])):
        body = f"  environment {{\n    variables = local.l{start}\n  }}\n"
        blocks = hcl.parse(f'resource "aws_lambda_function" "f" {{\n{body}}}\n'.encode()).blocks
        scope = house.modules["evaluating"].Scope(locals=deep)
        rows = house.modules["function_variables"].function_variables(blocks, scope)
        assert [row.value or f"? {row.why}" for row in rows] == expected, start
