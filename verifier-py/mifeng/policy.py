"""Opening policies (spec/policy.md): grammar, linter, and the sharing of a secret over the tree."""
from functools import lru_cache

from . import jcs
from .errors import Bad, need

MAX_DEPTH, MAX_LEAVES, MAX_CHILDREN, MAX_BYTES = 4, 32, 16, 8192


def check(node, depth=1, code="record.data"):
    """Grammar; the list of (path, leaf) in order is `leaves`."""
    need(depth <= MAX_DEPTH, code, "policy: too deep")
    need(isinstance(node, dict), code, "policy: not an object")
    if "k" in node or "of" in node:
        jcs.members(node, ["k", "of"], code, "gate")
        of = node["of"]
        need(isinstance(of, list) and 1 <= len(of) <= MAX_CHILDREN, code, "policy: children")
        need(jcs.is_int(node["k"]) and 1 <= node["k"] <= len(of), code, "policy: k")
        for child in of:
            check(child, depth + 1, code)
        return
    kind = node.get("leaf")
    if kind == "cert":
        jcs.members(node, ["cert", "leaf"], code, "leaf")
        if node["cert"] != "bidder":
            jcs.hex32(node["cert"], code)
    elif kind in ("group", "reveal"):
        jcs.members(node, ["key", "leaf"], code, "leaf")
        jcs.hex32(node["key"], code)
    elif kind == "tlock":
        jcs.members(node, ["chain", "leaf", "round"], code, "leaf")
        jcs.hex32(node["chain"], code)
        need(jcs.is_int(node["round"]) and 1 <= node["round"] < 2**53, code, "policy: round")
    else:
        raise Bad(code, "policy: kind of leaf")


def leaves(node, path="r"):
    if "of" not in node:
        return [(path, node)]
    return [x for i, child in enumerate(node["of"], 1) for x in leaves(child, f"{path}.{i}")]


def whole(node, code="record.data"):
    check(node, code=code)
    need(len(leaves(node)) <= MAX_LEAVES and len(jcs.write(node)) <= MAX_BYTES, code, "policy: too large")


def resolve(node, bidder):
    if "of" in node:
        return {"k": node["k"], "of": [resolve(c, bidder) for c in node["of"]]}
    return {"cert": bidder, "leaf": "cert"} if node.get("cert") == "bidder" else node


def satisfied(node, holds, path="r"):
    if "of" in node:
        return sum(satisfied(c, holds, f"{path}.{i}") for i, c in enumerate(node["of"], 1)) >= node["k"]
    return holds(path, node)


def lint(node, boards):
    """The findings that refuse a notice; `boards`: key digest → threshold."""
    out, all_leaves = [], leaves(node)
    clocks = [p for p, x in all_leaves if x["leaf"] == "tlock"]

    def clock(path, leaf):
        return leaf["leaf"] == "tlock"

    if satisfied(node, clock):
        out.append("lock.lint-clock-alone")
    for path in clocks:
        if not _under_all(node, path):
            out.append("lock.lint-clock-not-under-all")
            break
    parties = {jcs.write(x) for _, x in all_leaves
               if x["leaf"] == "cert" and x["cert"] != "bidder" or "key" in x and boards.get(x["key"]) == 1}
    out += ["lock.lint-unknown-board" for _, x in all_leaves if "key" in x and x["key"] not in boards]
    ways = {x["key"]: {y["leaf"] for _, y in all_leaves if y.get("key") == x["key"]} for _, x in all_leaves if "key" in x}
    out += ["lock.lint-key-in-two-ways" for kinds in ways.values() if len(kinds) > 1]
    out += ["lock.lint-repeated-leaf" for of in _gates(node) for i, child in enumerate(of) if child in of[:i]]
    out += ["lock.lint-idle-leaf"] * _idle(node, {jcs.write(x) for _, x in all_leaves})
    for party in parties:
        if satisfied(node, lambda p, x: clock(p, x) or jcs.write(x) == party):
            out.append("lock.lint-one-party")
    for party in {x["cert"] for _, x in all_leaves if x["leaf"] == "cert" and x["cert"] != "bidder"}:
        if not satisfied(node, lambda p, x: x.get("cert") != party):
            out.append("lock.lint-other-cert-required")
    return out


def _gates(node):
    return [node["of"]] + [g for child in node["of"] for g in _gates(child)] if "of" in node else []


def _idle(node, distinct):
    """Leaves that decide in no combination of the others; looked for among up to twelve."""
    order = sorted(distinct)
    if len(order) > 12:
        return 0
    opens = [satisfied(node, lambda p, x: bool(have >> order.index(jcs.write(x)) & 1)) for have in range(1 << len(order))]
    return sum(all(opens[have] == opens[have ^ 1 << i] for have in range(len(opens))) for i in range(len(order)))


def _under_all(node, path):
    """Is there an n-of-n gate above the clock with another child that time alone does not satisfy?"""
    steps, at = [int(s) - 1 for s in path.split(".")[1:]], node
    for step in steps:
        if at["k"] == len(at["of"]) and any(
                not satisfied(c, lambda p, x: x["leaf"] == "tlock") for i, c in enumerate(at["of"]) if i != step):
            return True
        at = at["of"][step]
    return False


# --- GF(2^8) with x^8+x^4+x^3+x+1, and the sharing -----------------------------------------------------------------

_EXP, _LOG = [0] * 510, [0] * 256
_x = 1
for _i in range(255):
    _EXP[_i] = _EXP[_i + 255] = _x
    _LOG[_x] = _i
    _x ^= (_x << 1) ^ (0x11B if _x & 0x80 else 0)
    _x &= 0xFF


def _mul(a, b):
    return _EXP[_LOG[a] + _LOG[b]] if a and b else 0


@lru_cache(maxsize=4096)
def _row(factor):
    return bytes(_mul(factor, v) for v in range(256))


def deal(suite, node, sigma, context, secret=None, path="r"):
    """path → share for every leaf."""
    secret = sigma if secret is None else secret
    if "of" not in node:
        return {path: secret}
    coefficients = [suite.kdf(sigma, "coef", context + path.encode() + b"\0" + bytes([j]), 32)
                    for j in range(1, node["k"])]
    out = {}
    for i, child in enumerate(node["of"], 1):
        share, power = secret, 1
        for a in coefficients:
            power = _mul(power, i)
            share = bytes(x ^ y for x, y in zip(share, a.translate(_row(power))))
        out.update(deal(suite, child, sigma, context, share, f"{path}.{i}"))
    return out


def combine(node, shares, path="r"):
    """The secret from the first k children, in order, that have one; None if there are too few."""
    if "of" not in node:
        return shares.get(path)
    have = []
    for i, child in enumerate(node["of"], 1):
        s = combine(child, shares, f"{path}.{i}")
        if s is not None and len(have) < node["k"]:
            have.append((i, s))
    if len(have) < node["k"]:
        return None
    out = bytes(32)
    for i, s in have:
        factor = 1
        for j, _ in have:
            if j != i:
                factor = _mul(factor, _mul(j, _EXP[255 - _LOG[i ^ j]]))
        out = bytes(x ^ y for x, y in zip(out, s.translate(_row(factor))))
    return out
