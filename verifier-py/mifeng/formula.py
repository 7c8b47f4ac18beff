"""Price formulas as data (spec/formula.md): parsed, typed, computed with fractions."""
import re
from fractions import Fraction

from .errors import Bad, need

TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z][A-Za-z0-9_]*)|(<=|>=|==|!=|[-+*/<>(),]))")
MAX_LINES, MAX_LINE, MAX_DEPTH, MAX_PARTS, MAX_BITS, MAX_STEPS = 64, 1024, 32, 2048, 4096, 5_000_000
MAX_NAMES, MAX_CELLS = 64, 1024
FUNCTIONS = {"count": 1, "sum": 1, "mean": 1, "median": 1, "min": None, "max": None, "nth": 2, "drop": 3, "within": 3,
             "upto": 2, "lookup": 3, "tiers": 2, "abs": 1, "round": 2, "trunc": 2, "floor": 2, "ceil": 2, "pow": 2,
             "if": 3, "not": 1}
WORKS = ("A", "E_hi", "E_lo", "K", "base_dp", "dev_dp", "floor", "full", "second", "w")


def bad(text):
    return Bad("rules.formula", text)


def _num(text):
    from .score import number
    try:
        return number(text)
    except Bad:
        raise bad(f"not a number: {text!r:.30}") from None


def resolve(value, pack):
    """{text, params, drawn} of a formula object, its family's filled in from the pack."""
    if not isinstance(value, dict) or set(value) - {"family", "text", "params", "drawn", "labels"}:
        raise bad("formula object")
    text, params, drawn = value.get("text"), dict(value.get("params") or {}), dict(value.get("drawn") or {})
    if value.get("family") is not None:
        entry = pack.entries.get("formula." + value["family"])
        if entry is None or text is not None:
            raise bad("family")
        own = entry["formula"]
        text = own["text"]
        names = set(own.get("params") or {}) | set(own.get("drawn") or {})
        if (set(params) | set(drawn)) - names:
            raise bad("a name that the family does not have")
        base = {k: v for k, v in (own.get("params") or {}).items() if k not in drawn}
        base_drawn = {k: v for k, v in (own.get("drawn") or {}).items() if k not in params}
        params, drawn = {**base, **params}, {**base_drawn, **drawn}
    if not isinstance(text, list) or not 1 <= len(text) <= MAX_LINES or len(params) + len(drawn) > MAX_NAMES:
        raise bad("size of the formula")
    if set(params) & set(drawn):
        raise bad("a name given twice")
    for d in drawn.values():
        if not isinstance(d, dict) or set(d) not in ({"values"}, {"bids"}):
            raise bad("drawn")
    return {"text": text, "params": params, "drawn": drawn}


def of_works(works, pack):
    """`works` is short for the family mean-deviation; trim is [{min_n, hi, lo}]."""
    params = {k: str(v) for k, v in works.items() if k in WORKS}
    if set(works) - set(WORKS) - {"trim"}:
        raise bad("works")
    if works.get("trim") is not None:
        params["trim"] = [[str(r["min_n"]), str(r["hi"]), str(r["lo"])] for r in works["trim"]]
    return resolve({"family": "mean-deviation", "params": params}, pack)


class Parser:
    def __init__(self, text):
        self.tokens, at = [], 0
        text = text.split("#", 1)[0].rstrip()
        while at < len(text):
            m = TOKEN.match(text, at)
            if not m:
                raise bad(f"at column {at + 1}")
            self.tokens.append(m[1] and ("num", m[1]) or m[2] and ("name", m[2]) or ("op", m[3]))
            at = m.end()
        self.at, self.parts, self.depth = 0, 0, 0

    def peek(self, *texts):
        return self.at < len(self.tokens) and self.tokens[self.at][1] in texts and self.tokens[self.at][0] != "num"

    def take(self, text):
        if not self.peek(text):
            raise bad(f"expected {text}")
        self.at += 1

    def node(self, *parts):
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise bad("too many parts")
        return parts

    def left(self, below, *ops):
        out = below()
        while self.peek(*ops):
            op = self.tokens[self.at][1]
            self.at += 1
            out = self.node(op, out, below())
        return out

    def expr(self):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise bad("nested too deep")
        out = self.left(self.conj, "or")
        self.depth -= 1
        return out

    def conj(self):
        return self.left(self.comp, "and")

    def comp(self):
        out = self.sum()
        if self.peek("<", "<=", ">", ">=", "==", "!="):
            op = self.tokens[self.at][1]
            self.at += 1
            out = self.node(op, out, self.sum())
        return out

    def sum(self):
        return self.left(self.prod, "+", "-")

    def prod(self):
        return self.left(self.unary, "*", "/")

    def unary(self):
        if self.peek("-"):
            self.at += 1
            return self.node("neg", self.unary())
        if self.peek("("):
            self.at += 1
            out = self.expr()
            self.take(")")
            return out
        if self.at >= len(self.tokens):
            raise bad("an expression is cut")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "num":
            return self.node("num", Fraction(text))
        if kind != "name" or text in ("and", "or", "each"):
            raise bad(f"unexpected {text}")
        if not self.peek("("):
            return self.node("name", text)
        if text not in FUNCTIONS:
            raise bad(f"no function {text}")
        self.at += 1
        args = [self.expr()]
        while self.peek(","):
            self.at += 1
            args.append(self.expr())
        self.take(")")
        if FUNCTIONS[text] not in (None, len(args)):
            raise bad(f"{text}: number of arguments")
        return self.node("call", text, args)


def lines(text):
    """[(each, name, expression)]"""
    out = []
    for line in text:
        if not isinstance(line, str) or len(line.encode()) > MAX_LINE:
            raise bad("a line")
        body = line.split("#", 1)[0].strip()
        if not body:
            continue
        m = re.match(r"(each\s+)?([A-Za-z][A-Za-z0-9_]{0,31})\s*=(?!=)(.*)\Z", body)
        if not m:
            raise bad("a line without name")
        p = Parser(m[3])
        expression = p.expr()
        if p.at != len(p.tokens):
            raise bad("something follows the expression")
        out.append((bool(m[1]), m[2], expression))
    return out


def _table(value):
    if isinstance(value, str):
        return _num(value)
    rows = [[_num(c) for c in row] for row in value]
    if not rows or len({len(r) for r in rows}) != 1 or [r[0] for r in rows] != sorted({r[0] for r in rows}):
        raise bad("a table")
    return ("table", rows)


def compute(f, prices, ceiling, drawn):
    """(values of the lot, {id: values of the bid}). prices: id → compared price; drawn: name → decimal text or [id]."""
    env = {"x": sorted(prices.values()), "n": Fraction(len(prices))}
    if ceiling is not None:
        env["ceiling"] = ceiling
    for name, v in f["params"].items():
        env[name] = _table(v)
    for name, d in f["drawn"].items():
        need(name in drawn, "score.drawn", f"coefficient {name} is missing")
        if "values" in d:
            need(_num(drawn[name]) in map(_num, d["values"]), "score.drawn", "a value that was not published")
            env[name] = _num(drawn[name])
        else:
            env[name] = sorted(prices[i] for i in drawn[name])
    parsed = lines(f["text"])
    names = [n for _, n, _ in parsed]
    if len(set(names)) != len(names) or set(names) & set(env) or "p" in names or (True, "points") not in [(e, n) for e, n, _ in parsed]:
        raise bad("names of the lines")
    machine = Machine(sum(len(v[1]) * len(v[1][0]) for v in env.values() if isinstance(v, tuple)))
    lot, own_names = {}, {n for e, n, _ in parsed if e} | {"p"}
    for each, name, expression in parsed:
        if not each:
            if _uses(expression) & own_names:
                raise bad("a line of the lot reads a bid's")
            env[name] = lot[name] = machine.value(expression, env)
    out = {}
    for ident, price in prices.items():
        own = dict(env, p=price)
        seen = {}
        for each, name, expression in parsed:
            if each:
                own[name] = seen[name] = machine.value(expression, own)
        if not isinstance(seen["points"], Fraction):
            raise bad("points is no number")
        out[ident] = seen
    return lot, out


def _uses(node):
    if node[0] == "name":
        return {node[1]}
    kids = node[2] if node[0] == "call" else [] if node[0] == "num" else node[1:]
    return set().union(*map(_uses, kids)) if kids else set()


class Machine:
    def __init__(self, cells):
        if cells > MAX_CELLS:
            raise bad("cells of the tables")
        self.steps = 0

    def value(self, node, env):
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise bad("too many steps")
        kind = node[0]
        if kind == "num":
            return node[1]
        if kind == "name":
            if node[1] not in env:
                raise bad(f"no name {node[1]}")
            return env[node[1]]
        if kind == "neg":
            return -self.number(node[1], env)
        if kind in ("and", "or"):
            first = self.truth(node[1], env)
            return self.truth(node[2], env) if first == (kind == "and") else first
        if kind == "call":
            return self.call(node[1], node[2], env)
        a, b = self.number(node[1], env), self.number(node[2], env)
        if kind in "+-*/":
            if kind == "/" and not b:
                raise bad("a division by zero")
            out = a + b if kind == "+" else a - b if kind == "-" else a * b if kind == "*" else a / b
            return self.bounded(out)
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[kind]

    def bounded(self, value):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise bad("a number beyond 4096 bits")
        return value

    def number(self, node, env):
        out = self.value(node, env)
        if not isinstance(out, Fraction):
            raise bad("not a number")
        return out

    def truth(self, node, env):
        out = self.value(node, env)
        if not isinstance(out, bool):
            raise bad("not a truth")
        return out

    def list_(self, node, env):
        out = self.value(node, env)
        if not isinstance(out, list):
            raise bad("not a list")
        self.steps += len(out)
        return out

    def place(self, node, env, top):
        v = self.number(node, env)
        if v.denominator != 1 or not 0 <= v <= top:
            raise bad("a position out of range")
        return int(v)

    def call(self, name, args, env):
        if name == "if":
            return self.value(args[1] if self.truth(args[0], env) else args[2], env)
        if name == "not":
            return not self.truth(args[0], env)
        if name in ("count", "sum", "mean", "median"):
            return self.summary(name, self.list_(args[0], env))
        if name in ("min", "max"):
            flat = []
            for a in args:
                v = self.value(a, env)
                flat += v if isinstance(v, list) else [v]
            if not flat or not all(isinstance(v, Fraction) for v in flat):
                raise bad(f"{name} of nothing, or not of numbers")
            return min(flat) if name == "min" else max(flat)
        if name in ("nth", "drop", "within", "upto"):
            return self.of_list(name, self.list_(args[0], env), args[1:], env)
        if name in ("lookup", "tiers"):
            return self.of_table(name, args, env)
        return self.of_number(name, args, env)

    def summary(self, name, values):
        if name == "count":
            return Fraction(len(values))
        if name == "sum":
            return self.bounded(sum(values, Fraction()))
        if not values:
            raise bad("an empty list")
        if name == "mean":
            return self.bounded(sum(values, Fraction()) / len(values))
        half = len(values) // 2
        ordered = sorted(values)
        return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2

    def of_list(self, name, values, rest, env):
        values = sorted(values)
        if name == "nth":
            k = self.place(rest[0], env, len(values))
            if not k:
                raise bad("a position out of range")
            return values[k - 1]
        if name == "drop":
            low, high = self.place(rest[0], env, 10**6), self.place(rest[1], env, 10**6)
            if low + high >= len(values):
                raise bad("at least one must stay")
            return values[low:len(values) - high]
        if name == "within":
            a, b = self.number(rest[0], env), self.number(rest[1], env)
            return [v for v in values if a <= v <= b]
        top = self.number(rest[0], env)
        return [v for v in values if v <= top]

    def of_table(self, name, args, env):
        table = self.value(args[0], env)
        if not isinstance(table, tuple):
            raise bad("not a table")
        rows, v = table[1], self.number(args[1], env)
        if name == "lookup":
            column = self.place(args[2], env, len(rows[0]))
            if not column:
                raise bad("a position out of range")
            fits = [r for r in rows if r[0] <= v]
            return fits[-1][column - 1] if fits else Fraction()
        total = Fraction()
        for i, r in enumerate(rows):
            end = rows[i + 1][0] if i + 1 < len(rows) else v
            total += r[1] * max(Fraction(), min(v, end) - r[0])
        return self.bounded(total)

    def of_number(self, name, args, env):
        v = self.number(args[0], env)
        if name == "abs":
            return abs(v)
        if name == "pow":
            return self.bounded(v ** self.place(args[1], env, 8))
        dp = self.place(args[1], env, 12)
        scaled = v * 10**dp
        if name == "round":
            from .score import rounded
            return rounded(v, dp)
        whole = {"floor": scaled // 1, "ceil": -(-scaled // 1),
                 "trunc": scaled // 1 if scaled >= 0 else -(-scaled // 1)}[name]
        return Fraction(int(whole), 10**dp)
