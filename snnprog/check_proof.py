"""Check a proof that no program of a chip meets a specification: ``check_proof.py SPEC.json PROOF.json``.

This file is stand-alone: it only uses Python's standard library, and shares no code with the program that
finds proofs. All arithmetic is in integers. It prints one line and exits with 0 if the proof holds, 1 if it does not
(and says where and why), 2 if a file is damaged.

The claim
---------
``SPEC.json`` holds patterns of input and target spikes, the chip's rule (what its integers do in one tick) and the
ranges of weights, thresholds and biases. The claim is that no integers within these ranges reproduce the target spikes
of every output while the watched steps of the rule stay below their limits. ``input_names`` and ``output_names``, where
they are given, are for messages only. All synapses of a neuron share one
exponent, and add ``mantissa << exponent`` per spike; a spike at tick t acts at tick t + delay. Every pattern starts
from rest. Outputs that feed outputs are assumed to produce their targets: a program that satisfies the spec has these
spikes on its lines.

With ``robust``, the targets must be reproduced for every perturbation of a pattern, too: spikes of the lines that are
not exempt move by at most ``jitter`` ticks, at most ``missing`` of them are missing, and at most ``extra`` are added,
all within the pattern's ticks. Two spikes of a line in one tick are one. Besides, each mantissa m of an output's
synapses may change by any integer up to ``floor(abs(m) * p / q)``, with ``weights`` the share [p, q].

The proof
---------
``perturbed`` lists perturbations that the proof uses: which pattern, and what is moved, missing and added. Each gives a
further pattern, numbered after those of the specification, with the same targets. With ``weights`` -1 or 1, all
mantissas are changed in it, downward or upward by as much as is allowed.

The rest is a tree of cases. Each inner node splits what is unknown in two, and lists both halves:

- ``bin``: an output is silent, or spikes, at a tick where the specification leaves that open;
- ``range``: what a spike over a tap adds, its mantissa, the exponent, the threshold or the bias is at most k, or at
  least k + 1;
- ``tap``: a synapse is absent (its weight is 0), or present;
- ``register``: a register of an output is at most k after some tick, or at least k + 1; likewise what the n-th ``hold``
  in a watched step of that tick is given (``#n``).

Each leaf contradicts the assumptions on the way to it:

- ``farkas``: rows (inequalities that every program for the spec satisfies) times prices of 1 or more add up to
  an inequality that nothing satisfies;
- ``exhausted``: the ranges that are left are halved, and the halves again, until each part fails when it is run, or
  breaks a cut: priced rows, as those of ``farkas``, that leave an inequality of the unknowns. Weights that the next
  lesser exponent has, too, are looked at there;
- ``windows``: no choice of spikes in the windows agrees with the bins that were assumed;
- ``fan_in``: more synapses are present than are allowed.

How rows are made
-----------------
The rule is run on *sums*: an integer plus integer multiples of *atoms*. An atom is an unknown integer (a weight, the
threshold, the bias) or the result of a rounding, ``r = round(sum * factor / 2**bits)``. Equal sums that are rounded
alike are one atom, so what two histories have in common cancels. The prices are then carried back: an atom r with a
multiple m is replaced by ``m * factor / 2**bits`` times its sum, and the rounding error, which lies in a known interval
(one-sided where the sign of the sum is known), adds the worst it can. In the end only unknowns are left, each takes the
worst end of its range, and the total must be negative. Hidden neurons, where they are allowed, add one unknown for each
distinct history of input spikes that they can have heard: two synapses lie between an input and what they tell. They
tell nothing before the threshold can be in reach of one, over the strongest synapses.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BITS = 400  # multiples of atoms are counted in units of 2**-BITS, and rounded outward: lower ends down, upper ends up
MOST_BYTES, MOST_NODES, MOST_DEPTH = 1 << 28, 1 << 18, 1 << 12
MOST_WORK = 1 << 24  # ticks of one neuron, and spikes that arrive at it
MOST_TICKS, MOST_NUMBER, DEEPEST = 1 << 24, 1 << 62, 24
LARGEST = 1 << 1100  # of a denominator: that of any floating-point number is less
OPERANDS = {  # the words of the rule, and what each takes: expressions (e), integers (i) and names (n)
    **dict.fromkeys(("add", "sub", "mul", "min", "max", "floor_div"), "ee"),
    **{"neg": "e", "shl": "ei", "shr": "een", "leak": "een", "scale": "eein"},
    **{"hold": "eiin", "compare": "nee", "select": "eee"},
}
OF_TAPS = "weight", "mantissa"
ROUNDINGS = ("toward_zero", "away_from_zero", "floor", "half_up", "half_away", "half_even", "moving")


class BadFileError(ValueError):
    """A document is damaged."""


class RejectedError(Exception):
    """The proof does not hold."""


class ContradictionError(Exception):
    """The assumptions are impossible."""


def need(condition, sentence):
    """Refuse a document unless a condition holds."""
    if not condition:
        raise BadFileError(sentence)


def integer(value, what, low=-MOST_NUMBER, high=MOST_NUMBER):
    """Return an integer of a document."""
    need(type(value) is int and low <= value <= high, f"{what} must be an integer from {low} to {high}")
    return value


def entry(table, name, kind, what):
    """Return the value of a name in an object of a document."""
    need(isinstance(table, dict) and name in table, f"{what} must be an object with {name}")
    need(isinstance(table[name], kind), f"{name} of {what} is of the wrong type")
    return table[name]


# ------------------------------------------------------------------------------------------------ integers of the rule


def rounded(value, bits, rounding):
    """Return ``value / 2**bits`` as an integer."""
    down, rest = value >> bits, value & ((1 << bits) - 1)
    half, up = (1 << bits) >> 1, down + 1 if rest else down
    if rounding == "floor":
        return down
    if rounding == "toward_zero":
        return down if value >= 0 else up
    if rounding == "away_from_zero":
        return up if value >= 0 else down
    if rounding == "moving":  # the floor, or where that is 0, the sign of the value
        return down or int(value > 0)
    if rest != half or not rest:
        return down if rest < half or not rest else up
    if rounding == "half_up":
        return up
    if rounding == "half_away":
        return up if value >= 0 else down
    return down + (down & 1)  # half_even


def errors(low, high, factor, bits, rounding):
    """Return the ends of ``rounded(x * factor) - x * factor / 2**bits`` for x from low to high (None: no end).

    They are counted in units of ``2**-bits``. With q the denominator of the reduced fraction, a quotient lies a
    multiple of 1/q above the integer below it, so rounding loses at most (q - 1) / q, to the nearest at most 1/2.
    """
    divisor = factor & -factor if factor else 1 << bits
    unit = min(divisor, 1 << bits)
    most = (1 << bits) - unit
    positive, negative = low is not None and low >= 0, high is not None and high <= 0
    if rounding == "floor" or (rounding == "moving" and (negative or (positive and low * factor >= 1 << bits))):
        return -most, 0
    if rounding == "toward_zero":
        return (0 if negative else -most), (0 if positive else most)
    if rounding == "away_from_zero":
        return (0 if positive else -most), (0 if negative else most)
    if rounding == "moving":
        return -most, most
    half = (((1 << bits) // unit) // 2) * unit
    return -half, half


def held(value, low, high, end):
    """Return the value of a register from low to high after an assignment."""
    if low <= value <= high:
        return value
    if end == "clip":
        return min(max(value, low), high)
    span = high - low + 1
    if end == "wrap":
        return (value - low) % span + low
    return value - span if value > high else value + span  # fold: once


def weights_of(box):
    """Return the effect of one spike over each tap, as for `added`."""
    return {name[1:]: added(box, *name[1:]) for name in box if name[0] == "mantissa"}


def changed(box, line, delay, change, share):
    """Return the same as `added` where the mantissa is changed in a direction by as much as a share of it allows.

    ``m - floor(abs(m) * share)`` and ``m + floor(abs(m) * share)`` never fall as m grows, for the share is at most 1.
    """
    low, high = (m + change * (abs(m) * share[0] // share[1]) for m in box["mantissa", line, delay])
    first, last = box["exponent"]
    return min(low << first, low << last), max(high << first, high << last)


def added(box, line, delay):
    """Return the least and the greatest effect of one spike over a tap: the shifted mantissa, as assumed."""
    low, high = box["mantissa", line, delay]
    first, last = box["exponent"]
    ends = box["weight", line, delay]
    return max(ends[0], min(low << first, low << last)), min(ends[1], max(high << first, high << last))


ROUNDED = {  # how often met roundings read in Python
    "floor": "({0} >> {1})",
    "toward_zero": "({0} >> {1} if {0} >= 0 else -(-{0} >> {1}))",
    "moving": "(({0} >> {1}) or +({0} > 0))",
}
RUN = """
def run(script, move, weights, ends, gaps, history):
    (t0, t1), (b0, b1) = ends
    {registers} = 0
    states = start
    for may, taps, perhaps, own in script:
        if move is not None:
            may, following = move(len(history), states)
        values = [weights[tap] for tap in taps]
        for tap in perhaps + [tap for tap, sent in own if history[sent] is None]:
            w0, w1 = weights[tap]
            values.append((min(0, w0), max(0, w1)))
        values += [weights[tap] for tap, sent in own if history[sent]]
{before}
        most, least = ({p1} - gaps[1]) // {unit}, -((-{p0} - gaps[0]) // {unit})
        if may != 0 and t0 <= most:
            if may is None and t1 >= least:
                spikes, s0, s1 = None, 0, {most}
            else:
                spikes, s0, s1, t1 = 1, 1, {most}, min(t1, most)
        elif may != 1 and t1 >= least:
            spikes, s0, s1, t0 = 0, 0, 0, max(t0, least)
        else:
            raise ContradictionError
{after}
        if {once} and spikes and {unit} * t1 - {left} < gaps[0]:
            raise ContradictionError
        history.append(spikes)
        if move is not None:
            states = following[spikes]
{carried}
    return t0, t1
"""


class RunCode:
    """A run on intervals as lines of Python: values are pairs, the least and the greatest that can come of them.

    Its function takes, for each tick, what may happen (0, 1, or None for either) and the taps over which spikes arrive,
    may arrive, or do if the neuron spiked at a tick before; what adds up to how many matched target spikes; what a
    spike over each tap adds, and the ends of threshold and bias. It notes the spikes, and returns the threshold's ends,
    narrowed to what allows them.
    """

    def __init__(self, rule, most, once):
        self.rule, self.lines, self.indent, self.n_names, self.limit, self.holds = rule, [], 8, 0, None, 0
        self.ends = {name: (str(value), str(value)) for name, value in rule.parameters.items()}
        self.ends |= {name: self.new() for name in rule.registers}
        registers = dict(self.ends)
        self.ends |= {"threshold": ("t0", "t1"), "bias": ("b0", "b1")}
        self.gather(*rule.gather[:3])
        place = [target for _, target, *_ in rule.steps].index("spikes")
        self.assign(rule.steps[:place])
        (p0, p1), before = self.ends["potential"], self.taken()
        self.ends["spikes"] = "s0", "s1"
        self.assign(rule.steps[place + 1 :])
        after, left = self.taken(), self.ends["potential"][0]
        olds = [each for name in rule.registers for each in registers[name]]
        news = [each for name in rule.registers for each in self.ends[name]]
        self.say(f"{', '.join(olds)} = {', '.join(news)}")
        words = {"registers": " = ".join(olds), "before": before, "after": after, "carried": self.taken()}
        self.text = RUN.format(p0=p0, p1=p1, unit=rule.unit, most=most, once=once, left=left, **words)

    def function(self):
        """Return the run as a function."""
        scope = {"__builtins__": {"min": min, "max": max, "len": len}, "start": frozenset((0,))}
        scope |= {"ContradictionError": ContradictionError, "held": held, "rounded": rounded, "need": need}
        exec(self.text, scope)
        return scope["run"]

    def say(self, line):
        """Write a line."""
        self.lines.append(" " * self.indent + line)

    def taken(self):
        """Return the lines that were written since."""
        lines, self.lines = self.lines, []
        return "\n".join(lines)

    def new(self):
        """Return two new names."""
        self.n_names += 1
        return f"x{self.n_names}", f"y{self.n_names}"

    def named(self, low, high, names=None):
        """Give the ends of a value names."""
        low_name, high_name = names = names or self.new()
        self.say(f"{low_name}, {high_name} = {low}, {high}")
        return names

    def gather(self, name, target, expression):
        """Write how spikes are taken in, one after another."""
        total = self.named(*self.ends.get(target, ("0", "0")))
        self.ends |= {target: total, "weight": ("w0", "w1"), "count": ("1", "1")}
        self.say("for w0, w1 in values:")
        self.indent += 4
        self.named(*self.step(name, expression), names=total)
        self.indent -= 4
        del self.ends["weight"], self.ends["count"]

    def assign(self, steps):
        """Write steps."""
        for name, target, expression, _ in steps:
            self.ends[target] = self.step(name, expression)

    def step(self, name, expression):
        """Write a step; the value that it holds, or else its own, is below its limit if the rule watches it."""
        self.limit, self.holds = self.rule.watched.get(name), 0
        ends = self.value(expression)
        return ends if self.limit is None or self.holds else self.watched(*ends)

    def watched(self, low, high):
        """Write that a value is below its limit, or the program does not count."""
        x, y = self.named(low, high)
        self.say(f"if {x} < {1 - self.limit}: {x} = {1 - self.limit}")
        self.say(f"if {y} > {self.limit - 1}: {y} = {self.limit - 1}")
        self.say(f"if {x} > {y}: raise ContradictionError")
        return x, y

    def value(self, node):
        """Write an expression, which `nodes_in` has checked; return its ends."""
        if type(node) is int:
            return str(node), str(node)
        if type(node) is str:
            need(node in self.ends, f"the rule reads {node!r} before it is assigned")
            return self.ends[node]
        word, *rest = node
        if word in ("scale", "shr", "leak"):
            return self.decayed(word, self.value(rest[0]), *self.rule.decay(word, *rest[1:]))
        if word == "hold":
            return self.held(self.value(rest[0]), *rest[1:])
        if word == "select":
            return self.selected(*rest)
        if word == "shl":
            return self.named(*(f"{end} << {rest[1]}" for end in self.value(rest[0])))
        if word == "compare":
            more, (a0, a1), (b0, b1) = ">=" if rest[0] == ">=" else ">", self.value(rest[1]), self.value(rest[2])
            return self.named(f"+({a0} {more} {b1})", f"+({a1} {more} {b0})")
        (a0, a1), (b0, b1) = self.value(rest[0]), self.value(rest[-1])
        if word in ("min", "max"):
            return self.named(f"{word}({a0}, {b0})", f"{word}({a1}, {b1})")
        if word in ("mul", "floor_div"):
            sign = "*" if word == "mul" else "//"
            if word == "floor_div":
                self.say(f"need({b0} >= 1, 'the rule divides by a value that may be less than 1')")
            elif (b0, b1) == ("1", "1"):
                return a0, a1
            four = ", ".join(f"{a} {sign} {b}" for a in (a0, a1) for b in (b0, b1))
            return self.named(f"min({four})", f"max({four})")
        return {
            "add": lambda: self.named(f"{a0} + {b0}", f"{a1} + {b1}"),
            "sub": lambda: self.named(f"{a0} - {b1}", f"{a1} - {b0}"),
            "neg": lambda: self.named(f"-{a1}", f"-{a0}"),
        }[word]()

    def decayed(self, word, ends, *by):
        """Write a value times a fraction, rounded, or less that; neither falls as the value rises."""
        factor, bits, rounding = by if word != "leak" else (1, *by)
        x, y = self.named(*(f"{end} * {factor}" if factor != 1 else end for end in ends))
        form = ROUNDED.get(rounding, f"rounded({{0}}, {{1}}, {rounding!r})")
        return self.named(*(f"{end} - " * (word == "leak") + form.format(end, bits) for end in (x, y)))

    def held(self, ends, low, high, end):
        """Write the value of a register."""
        self.holds += 1
        x, y = ends if self.limit is None else self.watched(*ends)
        if self.limit is not None and low <= 1 - self.limit and self.limit - 1 <= high:
            return x, y
        if end == "clip":
            return self.named(*(f"{e} if {low} <= {e} <= {high} else held({e}, {low}, {high}, 'clip')" for e in (x, y)))
        names, kept = self.new(), (f"held({each}, {low}, {high}, {end!r})" for each in (x, y))
        self.say(f"if {x} == {y} or ({low} <= {x} and {y} <= {high}):")
        self.say(f"    {names[0]}, {names[1]} = {', '.join(kept)}")
        self.say(f"else: {names[0]}, {names[1]} = min({x}, {low}), max({y}, {high})")
        return names

    def selected(self, condition, if_true, if_false):
        """Write one of two values, or the range of both."""
        (c0, c1), (x, y) = self.value(condition), self.new()
        self.say(f"if {c0} or {c1}:")
        self.indent += 4
        self.named(*self.value(if_true), names=(x, y))
        self.indent -= 4
        self.say(f"if {c0} <= 0 <= {c1}:")
        self.indent += 4
        a0, a1 = self.value(if_false)
        self.named(
            *(
                f"{each} if {c0} == {c1} else {word}({each}, {name})"
                for each, word, name in ((a0, "min", x), (a1, "max", y))
            ),
            names=(x, y),
        )
        self.indent -= 4
        return x, y


class Sum:
    """An integer plus multiples of atoms."""

    __slots__ = ("constant", "name", "terms")

    def __init__(self, constant, terms):
        self.constant, self.terms, self.name = constant, terms, None

    def key(self):
        """Return the key of equal sums."""
        if self.name is None:
            self.name = self.constant, frozenset(self.terms.items())
        return self.name


def plus(a, b, times=1):
    """Return ``a + times * b``; values are integers or sums."""
    if type(b) is int:
        return a + times * b if type(a) is int else Sum(a.constant + times * b, a.terms)
    if type(a) is int and times:
        return Sum(a + times * b.constant, {atom: times * multiple for atom, multiple in b.terms.items()})
    constant, terms = (a, {}) if type(a) is int else (a.constant, dict(a.terms))
    for atom, multiple in b.terms.items():
        new = terms.get(atom, 0) + times * multiple
        if new:
            terms[atom] = new
        else:
            del terms[atom]
    constant += times * b.constant
    return Sum(constant, terms) if terms else constant


class AtomSums:
    """Values are integers or sums of atoms; anything else is an atom of unknown value."""

    def __init__(self, box, spec):
        self.box, self.spec = box, spec
        self.atoms = []  # (least, greatest, None) or (sum, (factor, bits, rounding), ends or None)
        self.numbers = {}  # what an atom is -> its number
        self.weights = {}  # (line, delay, change) -> the effect of one spike
        self.facts = {}  # key of a sum -> the ends it is known to have
        self.ends_of = []  # of the atoms, as far as requested

    def atom(self, name, *content):
        """Return the atom of that name as a sum."""
        if name not in self.numbers:
            self.numbers[name] = len(self.atoms)
            self.atoms.append(content)
        return Sum(0, {self.numbers[name]: 1})

    def free(self, name, low=None, high=None):
        """Return an unknown within its ends."""
        return low if low == high is not None else self.atom(name, low, high, None)

    def changed(self, line, delay, change):
        """Return the effect of one spike over a tap whose mantissa is changed, as an unknown of its own."""
        return self.free(("changed", line, delay, change), *changed(self.box, line, delay, change, self.spec.share))

    def unknown(self, name):
        """Return a parameter."""
        return self.free(name, *self.box[name])

    def weight(self, line, delay, change=0):
        """Return the effect of one spike over a tap."""
        tap = line, delay, change
        if tap not in self.weights:
            ends = () if change else added(self.box, line, delay)
            self.weights[tap] = self.changed(*tap) if change else self.free(("weight", line, delay), *ends)
        return self.weights[tap]

    def maybe(self, value):
        """Return a value, or 0."""
        low, high = self.ends(value)
        return self.free(("maybe", len(self.atoms)), min(0, low), max(0, high))

    def tick(self, registers, values, where, may):
        """Run a tick."""
        spec, rule, done = self.spec, self.spec.rule, TickDone()
        self.names = {**spec.parameters, **dict.fromkeys(rule.registers, 0), **(registers or {})}
        self.names |= {"threshold": self.unknown("threshold"), "bias": self.unknown("bias")}
        done.watched = self.watched = []
        self.gather(values)
        for name, target, _, function in rule.steps:
            if target == "spikes":
                done.compared = self.names["potential"]
                done.spikes = self.demand(done.compared, rule.unit, spec.gaps, may)
                least, most = done.spikes or 0, 0 if done.spikes == 0 else spec.most_spikes
                self.names["spikes"] = self.free(("between", where), least, most)
            else:
                self.names[target] = self.value_of_step(name, function)
        done.registers = {name: self.names[name] for name in rule.registers}
        return done

    def gather(self, values):
        """Add the arrivals."""
        name, target, _, function = self.spec.rule.gather
        self.names.setdefault(target, 0)
        if self.spec.rule.is_sum:
            self.names[target] = self.total([self.names[target], *values])
            return
        self.names["count"] = 1
        for value in values:
            self.names["weight"] = value
            self.names[target] = self.value_of_step(name, function)

    def value_of_step(self, name, function):
        """Return the value of a step; the value that it holds, or else its own, is watched if the rule requires it."""
        self.limit, self.holds = self.spec.rule.watched.get(name), 0
        value = function(self, self.names)
        return value if self.limit is None or self.holds else self.watch(value)

    def total(self, values):
        """Return a sum."""
        constant, terms = 0, {}
        for value in values:
            if type(value) is int:
                constant += value
            else:
                constant += value.constant
                for atom, multiple in value.terms.items():
                    terms[atom] = terms.get(atom, 0) + multiple
        return Sum(constant, terms) if terms else constant

    def add(self, a, b):
        """Return the sum."""
        return plus(a, b)

    def sub(self, a, b):
        """Return the difference."""
        return plus(a, b, -1)

    def neg(self, a):
        """Return the negative."""
        return plus(0, a, -1)

    def mul(self, a, b):
        """Return the product."""
        a, b = (b, a) if type(a) is int else (a, b)
        return (plus(0, a, b) if b else 0) if type(b) is int else self.opaque("mul", a, b)

    def shl(self, a, bits):
        """Return the value times a power of two."""
        return plus(0, a, 1 << bits)

    def scale(self, a, factor, bits, rounding):
        """Return the value times a fraction, rounded: an atom, unless the fraction is whole."""
        if type(a) is int:
            return rounded(a * factor, bits, rounding)
        if not factor & ((1 << bits) - 1):
            return plus(0, a, factor >> bits) if factor else 0
        while not factor & 1:
            factor, bits = factor >> 1, bits - 1
        return self.atom((a.key(), factor, bits, rounding), a, (factor, bits, rounding), None)

    def leak(self, a, bits, rounding):
        """Return the value less its share."""
        return plus(a, self.scale(a, 1, bits, rounding), -1)

    def hold(self, a, low, high, end):
        """Return the value of a register: the value itself, if it is certain to be within the register."""
        self.holds += 1
        if self.limit is not None:
            a = self.watch(a)
        if type(a) is int:
            return held(a, low, high, end)
        if self.limit is not None and -low >= self.limit - 1 <= high:
            return a
        return self.atom((a.key(), low, high, end), a, (1, 0, "floor"), (low, high, end))

    def watch(self, a):
        """Note a watched value: it is below its limit."""
        self.watched.append((a, self.limit))
        if type(a) is not int:
            self.learn(a, 1 - self.limit, self.limit - 1)
        elif abs(a) >= self.limit:
            raise ContradictionError
        return a

    def opaque(self, word, *operands):
        """Return an atom with known operands and unknown value."""
        return self.free((word, *(each if type(each) in (int, str) else each.key() for each in operands)))

    def compare(self, operator, a, b):
        """Return 1 if a is greater (or equal), else 0."""
        difference = plus(a, b, -1)
        if type(difference) is int:
            return int(difference > 0 or (difference == 0 and operator == ">="))
        return self.free(("compare", operator, difference.key()), 0, 1)

    def select(self, condition, if_true, if_false):
        """Return one of two values; if the condition is open, an atom for either."""
        if type(condition) is int:
            return if_true() if condition else if_false()
        a, b = if_true(), if_false()
        return a if plus(a, b, -1) == 0 else self.opaque("select", condition, a, b)

    def min(self, a, b):
        """Return the lesser."""
        return min(a, b) if type(a) is type(b) is int else self.opaque("min", a, b)

    def max(self, a, b):
        """Return the greater."""
        return max(a, b) if type(a) is type(b) is int else self.opaque("max", a, b)

    def floor_div(self, a, b):
        """Return the quotient, rounded down."""
        return a // b if type(a) is type(b) is int and b >= 1 else self.opaque("floor_div", a, b)

    def demand(self, compared, unit, gaps, may):
        """Return the spikes (0, 1 or None for either), and record their bound on the potential."""
        excess = plus(compared, self.unknown("threshold"), -unit)
        if type(excess) is int:
            can = {value for value, ok in ((0, -excess >= gaps[0]), (1, excess >= gaps[1])) if ok}
            if may not in can and (may is not None or not can):
                raise ContradictionError
            return may if may is not None or len(can) > 1 else can.pop()
        ends = [None, None] if type(compared) is int else list(self.facts.get(compared.key(), (None, None)))
        if may is not None:
            above = None if ends[1] is None else ends[1] - unit * self.box["threshold"][0]
            self.learn(excess, *((gaps[1], above) if may else (None, -gaps[0])))
        return may

    def learn(self, value, low, high):
        """Note the ends of a value, and of its negative."""
        low, high = self.facts[value.key()] = meet(self.facts.get(value.key(), (None, None)), (low, high))
        negative = plus(0, value, -1).key()
        self.facts[negative] = None if high is None else -high, None if low is None else -low

    def ends(self, value):
        """Return the least and the greatest possible value; None for no bound."""
        if type(value) is int:
            return value, value
        low = high = value.constant
        for number in range(len(self.ends_of), max(value.terms) + 1):  # atoms are made of earlier ones
            self.ends_of.append(self.ends_of_atom(number))
        for atom, multiple in value.terms.items():
            least, greatest = self.ends_of[atom][:: 1 if multiple > 0 else -1]
            low = None if low is None or least is None else low + multiple * least
            high = None if high is None or greatest is None else high + multiple * greatest
        return meet((low, high), self.facts.get(value.key(), (None, None)))

    def ends_of_atom(self, number):
        """Return the ends of an atom, those before it being known."""
        first, second, register = self.atoms[number]
        if not isinstance(first, Sum):
            ends = first, second
        else:
            factor, bits, rounding = second
            ends = tuple(None if end is None else rounded(end * factor, bits, rounding) for end in self.ends(first))
            if register is not None and not is_within(ends, register):
                low, high, end = register
                ends = (low, high) if end != "fold" else (None, None)
        return meet(ends, self.facts.get((0, frozenset({(number, 1)})), (None, None)))

    def carried(self, priced):
        """Return ``Σ price * value`` as a constant, which is an upper bound, and multiples of unknowns.

        Both are counted in units of ``2**-BITS``; a multiple is a pair of ends.
        """
        top, multiples, left = 0, {}, {}
        for price, value in priced:
            constant, terms = (value, {}) if type(value) is int else (value.constant, value.terms)
            top += price * constant << BITS
            for atom, multiple in terms.items():
                more = price * multiple << BITS
                low, high = multiples.get(atom, (0, 0))
                multiples[atom] = low + more, high + more
        for number in range(max(multiples, default=-1), -1, -1):
            low, high = multiples.pop(number, (0, 0))
            if low == high == 0:
                continue
            first, second, register = self.atoms[number]
            ends = self.ends(Sum(0, {number: 1}))
            is_loose = register is not None and not is_within(self.ends(first), register)
            if not isinstance(first, Sum) or is_loose or ends[0] == ends[1] is not None:
                left[number] = low, high
                continue
            factor, bits, rounding = second
            ends = errors(*self.ends(first), factor, bits, rounding)
            top += max(-(-side * end >> bits) for side in (low, high) for end in ends)
            low, high = low * factor >> bits, -(-high * factor >> bits)
            top += max(low * first.constant, high * first.constant)
            for atom, multiple in first.terms.items():
                more = (low * multiple, high * multiple)[:: 1 if multiple > 0 else -1]
                old = multiples.get(atom, (0, 0))
                multiples[atom] = old[0] + more[0], old[1] + more[1]
        return top, left

    def most(self, number, multiple):
        """Return the most that multiples of an atom can be."""
        ends = self.ends(Sum(0, {number: 1}))
        if (multiple[1] > 0 and ends[1] is None) or (multiple[0] < 0 and ends[0] is None):
            raise RejectedError("its rows rest on a value that may be anything")
        return max(side * end for side in multiple for end in ends if end is not None or not side)

    def greatest(self, priced):
        """Return the most that ``Σ price * value`` can be, in units of ``2**-BITS``, at most too great."""
        top, left = self.carried(priced)
        return top + sum(self.most(number, multiple) for number, multiple in left.items())

    def cut(self, priced):
        """Return (constant, {unknown: ends of its multiple}): a sum that is never negative."""
        top, left = self.carried(priced)
        unknowns = {number: name for name, number in self.numbers.items() if name in self.box}
        multiples = {}
        for number, (low, high) in left.items():
            if number in unknowns:
                multiples[unknowns[number]] = low >> BITS, -(-high >> BITS)
            else:
                top += self.most(number, (low, high))
        return -(-top >> BITS), multiples


def meet(one, other):
    """Return the bounds of the intersection, where None stands for an end without a bound."""
    lows, highs = ([each[end] for each in (one, other) if each[end] is not None] for end in (0, 1))
    low, high = max(lows, default=None), min(highs, default=None)
    if lows and highs and low > high:
        raise ContradictionError
    return low, high


def is_within(ends, register):
    """Return whether a value is sure to fit a register."""
    return None not in ends and register[0] <= ends[0] and ends[1] <= register[1]


# ------------------------------------------------------------------------------------------------------- the documents


def nodes_in(expression, depth=1):
    """Check an expression of a rule, and return how many parts it has."""
    need(depth <= DEEPEST, f"expressions of the rule must be nested at most {DEEPEST} deep")
    if type(expression) in (int, str):
        need(type(expression) is str or abs(expression) <= MOST_NUMBER, "a constant of the rule is too large")
        return 1
    word = expression[0] if isinstance(expression, list) and expression else None
    kinds = OPERANDS.get(word) if isinstance(word, str) else None
    need(kinds is not None and len(expression) == len(kinds) + 1, f"the rule must use the words {', '.join(OPERANDS)}")
    found = 1
    for kind, each in zip(kinds, expression[1:], strict=True):
        if kind == "e":
            found += nodes_in(each, depth + 1)
        else:
            need(type(each) is (int if kind == "i" else str), f"{word} of the rule has a wrong operand")
    if word == "shl":
        integer(expression[2], "a shift of the rule", 0, 64)
    need(word not in ("shr", "scale", "leak") or expression[-1] in ROUNDINGS, f"{word} has an unknown rounding")
    need(word != "hold" or expression[4] in ("clip", "wrap", "fold"), "hold of the rule has an unknown end")
    return found


class ChipRule:
    """One tick in the chip's integers."""

    def __init__(self, data, parameters):
        self.registers = entry(data, "registers", list, "the rule")
        self.gather = self.step(entry(data, "gather", dict, "the rule"))
        self.steps = [self.step(each) for each in entry(data, "steps", list, "the rule")]
        need(sum(nodes_in(each[2]) for each in [self.gather, *self.steps]) <= 4096, "the rule must have 4096 nodes")
        self.parameters, self.at_rest = parameters, ((0, 0),) * len(self.registers)
        self.watched = {}
        for watch in entry(data, "watched", list, "the rule"):
            step = entry(watch, "step", str, "a watch of the rule")
            self.watched[step] = integer(watch.get("limit"), "a limit of the rule", 1)
        need(all(type(each) is str for each in self.registers) and "potential" in self.registers, "no potential")
        need(len(set(self.registers)) == len(self.registers), "registers must differ")
        self.is_sum = self.gather[2] == ["add", self.gather[1], ["mul", "weight", "count"]]
        self.is_sum = self.is_sum and self.gather[0] not in self.watched
        self.read_firing([each[2] for each in self.steps if each[1] == "spikes"])
        self.gather, *self.steps = ((*each, self.compiled(each[2])) for each in (self.gather, *self.steps))

    def compiled(self, expression):
        """Return an expression as a function of a domain and of names."""
        return eval("lambda domain, names: " + self.text(expression), {"__builtins__": {}})

    def text(self, expression):
        """Return an expression, which `nodes_in` has checked, as one of Python, of a domain's operations."""
        if type(expression) is int:
            return str(expression)
        if type(expression) is str:
            return f"names[{expression!r}]"
        word, first, *rest = expression
        if word == "select":
            return f"domain.select({self.text(first)}, lambda: {self.text(rest[0])}, lambda: {self.text(rest[1])})"
        if word == "compare":
            return f"domain.compare({first!r}, {self.text(rest[0])}, {self.text(rest[1])})"
        if word == "hold":
            return f"domain.hold({self.text(first)}, {rest[0]}, {rest[1]}, {rest[2]!r})"
        if word in ("shl", "scale", "shr", "leak"):
            given = rest if word == "shl" else self.decay(word, *rest)
            return f"domain.{'scale' if word == 'shr' else word}({self.text(first)}, {', '.join(map(repr, given))})"
        return f"domain.{word}({', '.join(map(self.text, [first, *rest]))})"

    def decay(self, word, by, *rest):
        """Return the operands of a decay; its decay is a known number."""
        try:
            by = self.compiled(by)(AtomSums({}, None), self.parameters)
        except (KeyError, AttributeError):
            by = None
        need(type(by) is int, f"{word} of the rule needs a number that is known")
        need(by >= 0, f"{word} of the rule needs a number from 0")
        if word == "scale":
            return by, integer(rest[0], "bits of scale", 0, 64), rest[1]
        integer(by, f"bits of {word}", 0, 64)
        return (1, by, rest[0]) if word == "shr" else (by, rest[0])

    def step(self, data):
        """Return the name, the target and the expression of a step."""
        need("expression" in data, "a step of the rule must have an expression")
        return entry(data, "name", str, "a step"), entry(data, "target", str, "a step"), data["expression"]

    def read_firing(self, found):
        """Read how the potential is compared: ``potential > limit``, or ``>=``; or how often it holds the limit."""
        need(len(found) == 1, "one step of the rule must assign spikes")
        fire, self.most = found[0], 1
        if isinstance(fire, list) and fire[0] in ("min", "floor_div"):
            fire, self.most = fire[1:] if fire[0] == "min" else (fire, None)
            need(isinstance(fire, list) and fire[:2] == ["floor_div", ["max", "potential", 0]], "spikes are miscounted")
            fire = ["compare", ">=", "potential", fire[2]]
        need(isinstance(fire, list) and fire[0] == "compare" and fire[2] == "potential", "spikes are not compared")
        self.operator, limit = fire[1], fire[3]
        need(self.operator in (">", ">="), "spikes must be compared by > or >=")
        self.unit = 1
        if isinstance(limit, list) and limit[0] in ("shl", "mul"):
            factor = integer(limit[2], "the unit of the threshold", 1, 1 << 30)
            self.unit, limit = 1 << factor if limit[0] == "shl" else factor, limit[1]
        need(limit == "threshold", "the potential must be compared with the threshold")


class Claim:
    """The specification: see the fields."""

    def __init__(self, data):
        need(isinstance(data, dict) and data.get("format") == "snnprog-spec", "SPEC.json must have format snnprog-spec")
        need(data.get("version") == 1, "SPEC.json must have version 1")
        self.data, what = data, "SPEC.json"
        self.parameters = entry(data, "parameters", dict, what)
        for name, value in self.parameters.items():
            integer(value, f"parameter {name}", 0)
        self.rule = ChipRule(entry(entry(data, "chip", dict, what), "rule", dict, "the chip"), self.parameters)
        self.n_inputs = integer(data.get("inputs"), "inputs", 0, 1 << 20)
        self.n_outputs = integer(data.get("outputs"), "outputs", 1, 1 << 20)
        for kind, count in (("input_names", self.n_inputs), ("output_names", self.n_outputs)):
            names = data.get(kind) or [""] * count
            need(type(names) is list and len(names) == count, f"{kind} must be a list of {count} names")
            need(all(type(name) is str and name.isprintable() for name in names), f"{kind} must be printable texts")
            setattr(self, kind, names)
        self.delays = entry(data, "delays", list, what)
        for index, delay in enumerate(self.delays):
            integer(delay, "a delay", 1 if not index else self.delays[index - 1] + 1, 1 << 20)
        need(self.delays, "delays must not be empty")
        for name in ("recurrent", "may_have_hidden_neurons", "once"):
            setattr(self, name, entry(data, name, bool, what))
        self.window = [integer(each, "a window", 0) for each in entry(data, "window", list, what)]
        need(len(self.window) == 2, "window must be two integers")
        self.fan_in = data.get("fan_in")
        need(self.fan_in is None or integer(self.fan_in, "fan_in", 0) >= 0, "fan_in")
        noise, equal = integer(data.get("noise"), "noise", 0), self.rule.operator == ">="
        self.gaps = noise + equal, noise + 1 - equal  # of silence and of a spike
        self.first_spikes, self.arriving, self.least_gaps = {}, {}, (int(equal), 1 - equal)
        self.n_lines = self.n_inputs + self.n_outputs * self.recurrent
        self.read_ranges(entry(data, "ranges", dict, what))
        most = self.parameters.get(self.rule.most) if type(self.rule.most) is str else self.rule.most
        self.most_spikes = 1 if self.once else MOST_NUMBER if most is None else most
        self.run_on_intervals = RunCode(self.rule, self.most_spikes, self.once).function()
        self.patterns = [self.pattern(each) for each in entry(data, "patterns", list, what)]
        self.check_size()
        self.n_given, robust = len(self.patterns), data.get("robust")
        self.changes = [0] * self.n_given
        need(robust is None or isinstance(robust, dict), "robust must be an object")
        for name in ("jitter", "missing", "extra"):
            setattr(self, name, 0 if robust is None else integer(robust.get(name), f"{name} of robust", 0, 1 << 20))
        self.exempt = [] if robust is None else entry(robust, "exempt", list, "robust")
        self.share = [0, 1] if robust is None or "weights" not in robust else entry(robust, "weights", list, "robust")
        need(len(self.share) == 2, "weights of robust must be two integers")
        integer(self.share[0], "the share of weights", 0, integer(self.share[1], "weights of robust", 1, LARGEST))
        for line in self.exempt:
            integer(line, "an exempt line", 0, self.n_inputs - 1)

    def line_label(self, line):
        """Return what messages call an input line, with its name if it has one."""
        return f"line {line} ({self.input_names[line]})" if self.input_names[line] else f"line {line}"

    def output_label(self, output):
        """Return what messages call an output, with its name if it has one."""
        return f"output {output} ({self.output_names[output]})" if self.output_names[output] else f"output {output}"

    def check_size(self):
        """Refuse patterns that take too long."""
        need(sum(each[0] for each in self.patterns) <= MOST_TICKS, f"patterns must have at most {MOST_TICKS} ticks")

    def perturb(self, data):
        """Take up the perturbed patterns of a proof; return why one of them is not allowed, or None."""
        del self.patterns[self.n_given :], self.changes[self.n_given :]
        self.first_spikes, self.arriving = {}, {}
        need(isinstance(data, list) and len(data) <= MOST_NODES, f"perturbed must be a list of at most {MOST_NODES}")
        for index, each in enumerate(data):
            number = integer(entry(each, "pattern", int, "a perturbation"), "a pattern", 0, self.n_given - 1)
            ticks, inputs, due, is_open = self.patterns[number]
            spikes = self.perturbed(each, ticks, inputs)
            if isinstance(spikes, str):
                return f"perturbation {index} is not allowed: {spikes}"
            change = integer(each.get("weights", 0), "weights of a perturbation", -1, 1)
            if change and self.may_have_hidden_neurons:
                return f"perturbation {index} is not allowed: weights are changed, and those of hidden neurons as well"
            self.patterns.append((ticks, spikes, due, is_open))
            self.changes.append(change)
            self.check_size()
        return None

    def perturbed(self, data, ticks, inputs):
        """Return the lines that spike at each tick of a perturbed pattern, or why a perturbation is not allowed."""
        left = {(line, tick) for tick, lines in inputs.items() for line in lines}
        arrived = set()
        for name, count in (("moved", 3), ("missing", 2), ("added", 2)):
            for event in entry(data, name, list, "a perturbation"):
                need(isinstance(event, list) and len(event) == count, f"{name} must be lists of {count} integers")
                line = integer(event[0], "a line", 0, self.n_inputs - 1)
                places = [integer(each, "a tick", 0, ticks - 1) for each in event[1:]]
                if line in self.exempt:
                    return f"{self.line_label(line)} is exempt"
                if name != "added" and (line, places[0]) not in left:
                    return f"{self.line_label(line)} has no spike at tick {places[0]}, or it is changed twice"
                if name == "moved" and abs(places[1] - places[0]) > self.jitter:
                    return f"a spike of {self.line_label(line)} moves from tick {places[0]} to {places[1]}"
                if name != "added":
                    left.discard((line, places[0]))
                if name != "missing":
                    arrived.add((line, places[-1]))
        if len(data["missing"]) > self.missing or len(data["added"]) > self.extra:
            return "too many spikes are missing or added"
        spikes = {}
        for line, tick in left | arrived:
            spikes.setdefault(tick, set()).add(line)
        return spikes

    def pause(self):
        """Do nothing, again and again while a proof is checked: who checks it on the way to something may stop here."""

    def read_ranges(self, data):
        """Read the ranges of all unknown integers."""

        def pair(value, what, low=-(1 << 40), high=1 << 40):
            need(isinstance(value, list) and len(value) == 2, f"{what} must be two integers")
            return [integer(each, what, low, high) for each in value]

        self.mantissas = [pair(each, "mantissas") for each in entry(data, "mantissas", list, "ranges")]
        need(len(self.mantissas) == self.n_lines, "mantissas must be given for each line")
        self.may_be_zero = entry(data, "may_be_zero", bool, "ranges")
        self.ranges = {name: pair(data.get(name), name) for name in ("threshold", "bias")}
        self.ranges["exponent"] = pair(data.get("exponents"), "exponents", 0, 32)
        self.bias_most = max(pair(data.get("bias_mantissas"), "bias_mantissas"))
        self.bias_exponents = pair(data.get("bias_exponents"), "bias_exponents", 0, 32)

    def arrivals(self, pattern):
        """Return the taps over which inputs arrive in each tick, as (line, delay)."""
        if pattern not in self.arriving:
            ticks, inputs, _, _ = self.patterns[pattern]
            taps = []
            for tick in range(ticks):
                self.pause()
                taps.append(sorted((line, delay) for delay in self.delays for line in inputs.get(tick - delay, ())))
            self.arriving[pattern] = taps
        return self.arriving[pattern]

    def pattern(self, data):
        """Return a pattern: ticks, lines that spike at each tick, and of each output its due ticks and open ones."""
        ticks = integer(data.get("ticks") if isinstance(data, dict) else None, "ticks", 0, MOST_TICKS)
        spikes, due, is_open = {}, [[] for _ in range(self.n_outputs)], [set() for _ in range(self.n_outputs)]
        for name, columns in (("inputs", self.n_inputs), ("targets", self.n_outputs), ("open", self.n_outputs)):
            for event in entry(data, name, list, "a pattern"):
                need(isinstance(event, list) and len(event) == 2, f"{name} must be pairs of a tick and a column")
                tick, column = integer(event[0], "a tick", 0, ticks - 1), integer(event[1], name, 0, columns - 1)
                if name == "inputs":
                    spikes.setdefault(tick, set()).add(column)
                elif name == "targets":
                    due[column].append(tick)
                else:
                    is_open[column].add(tick)
        for ticks_due, here_open in zip(due, is_open, strict=True):
            need(ticks_due == sorted(set(ticks_due)) and here_open.isdisjoint(ticks_due), "targets are out of order")
        return ticks, spikes, due, is_open


class OpenBins:
    """The possible spikes of an output in a pattern with open bins.

    The n-th spike in a bin that counts belongs to the n-th target spike and lies in its window; every other bin that
    counts is silent. A state is how many target spikes are matched: `alive` holds those from which the end is reached.
    """

    def __init__(self, ticks, given, pause):
        self.given, self.moves = given, {}
        states = [{0}]
        for tick in range(ticks):
            pause()
            states.append({then for matched in states[tick] for _, then in _choices(tick, matched, *self.given)})
        self.alive = [{len(given[0])} & states[ticks]]
        for tick in range(ticks - 1, -1, -1):
            pause()
            ways = {matched: _choices(tick, matched, *self.given) for matched in states[tick]}
            self.alive.append({each for each in ways if any(then in self.alive[-1] for _, then in ways[each])})
        self.alive.reverse()
        if not self.alive[0]:
            raise ContradictionError
        self.known, states = [], frozenset((0,))
        for tick in range(ticks):
            pause()
            only, following = self.move(tick, states)
            self.known.append(only)
            states = following[None]

    def move(self, tick, states):
        """Return the only thing that may happen at a tick (0, 1, or None for either), and the states after each."""
        if (tick, states) not in self.moves:
            ways = [way for matched in states for way in _choices(tick, matched, *self.given)]
            ways = [(spike, then) for spike, then in ways if then in self.alive[tick + 1]]
            can = {spike for spike, _ in ways}
            after = {given: frozenset(then for spike, then in ways if given in (None, spike)) for given in (None, 0, 1)}
            self.moves[tick, states] = can.pop() if len(can) == 1 else None, after
        return self.moves[tick, states]


def _choices(tick, done, due, is_open, window, assumed):
    """Return (spike or not, target spikes matched then) for each possibility at a tick."""
    given = assumed.get(tick)
    if tick in is_open:
        return [(spike, done) for spike in (0, 1) if given in (None, spike)]
    choices = []
    if given != 1 and (done == len(due) or due[done] + window[1] > tick):
        choices.append((0, done))
    if given != 0 and done < len(due) and due[done] - window[0] <= tick <= due[done] + window[1]:
        choices.append((1, done + 1))
    return choices


# ---------------------------------------------------------------------------------------------------- cases and leaves


class Case:
    """The known facts about the outputs on the path to a leaf: the specification and the assumptions."""

    def __init__(self, spec, path, work=0):
        self.spec, self.work, self.open_bins, self.scripts = spec, work, {}, {}
        self.bins, self.boxes, self.present, self.registers = {}, {}, {}, {}
        self.path = path

    def assume(self):
        """Take up all assumptions; raise ContradictionError if they exclude one another."""
        for split, side in self.path:
            getattr(self, "assume_" + split["split"])(split, split["output"], side)

    def box(self, output):
        """Return the narrowed ranges of an output's unknowns."""
        if output not in self.boxes:
            box = {name: tuple(ends) for name, ends in self.spec.ranges.items()}
            for line, ends in enumerate(self.spec.mantissas):
                box |= {("mantissa", line, delay): tuple(ends) for delay in self.spec.delays}
                box |= {("weight", line, delay): (-MOST_NUMBER, MOST_NUMBER) for delay in self.spec.delays}
            self.boxes[output] = box
        return self.boxes[output]

    def assume_bin(self, split, output, side):
        """Assume a spike or silence."""
        self.bins.setdefault((output, split["pattern"]), {})[split["tick"]] = side

    def assume_range(self, split, output, side):
        """Assume one half of a range."""
        name = split["unknown"]
        name = (name, split["line"], split["delay"]) if name in OF_TAPS else name
        self.narrow(output, name, split["at"], side)

    def assume_tap(self, split, output, side):
        """Assume that a tap is absent or present."""
        name = "mantissa", split["line"], split["delay"]
        if side:
            self.present.setdefault(output, set()).add(name)
        else:
            self.narrow(output, name, 0, 0)
            self.narrow(output, name, -1, 1)

    def assume_register(self, split, output, side):
        """Assume one half of a register's values."""
        place = output, split["pattern"], split["tick"], split["register"]
        half = (split["at"] + 1, None) if side else (None, split["at"])
        self.registers[place] = meet(self.registers.get(place, (None, None)), half)

    def narrow(self, output, name, at, side):
        """Narrow the range of an unknown to at most a number, or at least the next one."""
        low, high = self.box(output)[name]
        self.box(output)[name] = (max(low, at + 1), high) if side else (low, min(high, at))

    def openings(self, output, pattern):
        """Return the possible spikes of an output in a pattern."""
        place = output, pattern
        if place not in self.open_bins:
            ticks, _, due, is_open = self.spec.patterns[pattern]
            assumed = self.bins.get(place, {})
            given = due[output], is_open[output], self.spec.window, assumed
            self.open_bins[place] = OpenBins(ticks, given, self.spec.pause)
        return self.open_bins[place]

    def known(self, output, pattern):
        """Return the known value of each bin of an output: 0, 1 or None."""
        return self.openings(output, pattern).known

    def script(self, output, pattern):
        """Return for each tick of a pattern an output's possible spikes and arrivals, and the work so far."""
        if (output, pattern) not in self.scripts:
            spec, script, work = self.spec, [], [0]
            known = [None] * spec.patterns[pattern][0] if output is None else self.known(output, pattern)
            for tick, may in enumerate(known):
                taps, perhaps, own = list(spec.arrivals(pattern)[tick]), [], []
                for other in range(spec.n_outputs if spec.recurrent else 0):
                    line, bins = spec.n_inputs + other, self.known(other, pattern)
                    for delay in (delay for delay in spec.delays if tick >= delay):
                        if bins[tick - delay] is None and other == output:
                            own.append(((line, delay), tick - delay))
                        elif bins[tick - delay] != 0:
                            (perhaps if bins[tick - delay] is None else taps).append((line, delay))
                script.append((may, taps, perhaps, own))
                work.append(work[-1] + 1 + len(taps) + len(perhaps) + len(own))
            self.scripts[output, pattern] = script, work
        return self.scripts[output, pattern]

    def run(self, output, pattern, box, weights):
        """Run an output on intervals, narrowing the box's threshold; return its spikes: 0, 1, or None for either."""
        spec, history, (script, work) = self.spec, [], self.script(output, pattern)
        gaps = spec.least_gaps if output is None else spec.gaps
        is_open = output is not None and None in self.known(output, pattern)
        move = self.openings(output, pattern).move if is_open else None
        change = spec.changes[pattern]
        if change:
            weights = {name[1:]: changed(box, *name[1:], change, spec.share) for name in box if name[0] == "mantissa"}
        try:
            ends = box["threshold"], box["bias"]
            box["threshold"] = spec.run_on_intervals(script, move, weights, ends, gaps, history)
        finally:
            self.spend(work[min(len(history) + 1, len(script))])
        return history

    def tightened(self, output, box):
        """Return a box without impossible ends; raise ContradictionError if it is empty."""
        box, spec, present = dict(box), self.spec, self.present.get(output, ())
        for name, (low, high) in box.items():
            if name[0] == "mantissa":
                first, last = box["exponent"]
                least, most = box["weight", name[1], name[2]]
                low = max(low, -(-least >> (last if least > 0 else first)))
                high = min(high, most >> (last if most < 0 else first))
                if not spec.may_be_zero or name in present:
                    low, high = low + (low == 0), high - (high == 0)
            elif name == "bias" and low <= high:
                nearest = 0 if low <= 0 <= high else min(abs(low), abs(high))
                fitting = (e for e in range(*spec.bias_exponents) if spec.bias_most << e >= nearest)
                step = 1 << next(fitting, spec.bias_exponents[1])
                low, high = -(-low // step) * step, high // step * step
            if low > high:
                raise ContradictionError
            box[name] = low, high
        taps = [name for name in box if name[0] == "mantissa"]
        present = [name for name in taps if box[name][0] > 0 or box[name][1] < 0]
        if spec.fan_in is not None and len(present) > spec.fan_in and spec.may_be_zero:
            raise ContradictionError
        if spec.fan_in == len(present) and spec.may_be_zero:
            box |= {name: (0, 0) for name in taps if name not in present}
        if box["exponent"][0] == box["exponent"][1] > spec.ranges["exponent"][0]:
            halves = ((box[name], spec.mantissas[name[1]]) for name in taps)
            if all(2 * low >= least and 2 * high <= most for (low, high), (least, most) in halves):
                raise ContradictionError  # the next lesser exponent has the same weights, and is looked at for itself
        return box

    def spend(self, work):
        """Count work, and give up on a proof that takes too much."""
        self.work += work
        self.spec.pause()
        if self.work > MOST_WORK:
            raise RejectedError("it takes too much work to check")


class TickDone:
    """The result of a tick of a neuron: the compared potential, registers, and values of watched steps."""

    __slots__ = ("compared", "registers", "spikes", "watched")

    def named(self):
        """Return all values that something may be assumed of: registers, and watched values as #0, #1, ..."""
        return {**self.registers, **{f"#{index}": value for index, (value, _) in enumerate(self.watched)}}


def first_spike(spec, pattern):
    """Return a tick of a pattern before which no hidden neuron spikes: with no integers is the threshold in reach."""
    if pattern not in spec.first_spikes:
        case = Case(spec, [])
        box = case.box(None)
        try:
            history = case.run(None, pattern, box, weights_of(box))
            spec.first_spikes[pattern] = next(
                (tick for tick, spikes in enumerate(history) if spikes != 0), len(history)
            )
        except ContradictionError:
            spec.first_spikes[pattern] = 0
    return spec.first_spikes[pattern]


class OutputRun:
    """An output, run by the chip's rule on sums."""

    def __init__(self, case, output, domain):
        self.case, self.output, self.domain, self.spec, self.histories = case, output, domain, case.spec, {}

    def run(self, pattern, last):
        """Yield the ticks of a pattern up to the last one that is required."""
        registers, history, openings = None, (), self.case.openings(self.output, pattern)
        own, states = list(openings.known), frozenset((0,))
        for tick in range(last + 1):
            values, history = self.arriving(pattern, tick, own, history)
            self.case.spend(1 + len(values))
            may, following = openings.move(tick, states)
            done = self.domain.tick(registers, values, (pattern, tick), may)
            registers, own[tick], states = done.registers, done.spikes, following[done.spikes]
            yield done

    def arriving(self, pattern, tick, own, history):
        """Return the arrivals from inputs, hidden neurons and outputs, and their history."""
        spec = self.spec
        change = spec.changes[pattern]
        values = [self.domain.weight(line, delay, change) for line, delay in spec.arrivals(pattern)[tick]]
        if spec.may_have_hidden_neurons and spec.fan_in != 0:
            history = self.heard(pattern, tick - 2 * spec.delays[0], own, history)
            if history and history[1] and tick >= first_spike(spec, pattern) + spec.delays[0]:
                most = MOST_NUMBER  # more than any register holds
                values.append(self.domain.free(("hidden", history[0]), -most, most))
        for output in range(spec.n_outputs if spec.recurrent else 0):
            spikes = own if output == self.output else self.case.known(output, pattern)
            for delay in spec.delays:
                spike = spikes[tick - delay] if tick >= delay else 0
                if spike != 0:
                    value = self.domain.weight(spec.n_inputs + output, delay, change)
                    values.append(value if spike else self.domain.maybe(value))
        return values, history

    def heard(self, pattern, tick, own, history):
        """Return (number, excited) of the history that has reached hidden neurons by a tick; () before the first.

        A neuron without a bias is at rest until the first spike, so its history begins there, and does not spike before
        something has excited it.
        """
        spec, events = self.spec, ()
        if tick >= 0:
            events = tuple(sorted(spec.patterns[pattern][1].get(tick, ())))
            for output in range(spec.n_outputs if spec.recurrent else 0):
                spike = (own if output == self.output else self.case.known(output, pattern))[tick]
                if spike is None:
                    events = (*events, f"unknown {output} {tick} {pattern}")
                elif spike:
                    events = (*events, spec.n_inputs + output)
        if not history and not events and spec.ranges["bias"] == [0, 0]:
            return history
        excitable = any(type(each) is str or spec.mantissas[each][1] > 0 for each in events)
        number = self.histories.setdefault((history[:1], events), len(self.histories) + 1)
        return number, excitable or history[1:] == (True,) or spec.ranges["bias"] != [0, 0]


def check_farkas(case, leaf):
    """Check that priced rows of an output add up to a contradiction."""
    domain, (priced,) = priced_values(case, leaf["output"], [leaf["rows"]])
    if not priced or domain.greatest(priced) >= 0:
        raise RejectedError("its priced rows do not contradict one another")


def priced_values(case, output, lists, is_whole=False):
    """Return the sums in which an output was run, and for each list of rows its prices with the rows' values.

    Where the output is run as a whole, all patterns tell facts of the sums; else those up to the last row.
    """
    spec = case.spec
    rows = {pattern: {spec.patterns[pattern][0] - 1} for pattern in range(len(spec.patterns) if is_whole else 0)}
    for row in (row for each in lists for row in each):
        rows.setdefault(row["pattern"], set()).add(row["tick"])
        if row["row"] == "order":  # what later ticks say of a value counts, too
            for pattern in (row["pattern"], row["other_pattern"]):
                rows.setdefault(pattern, set()).add(spec.patterns[pattern][0] - 1)
            rows[row["other_pattern"]].add(row["other_tick"])
    for other, pattern, tick, _ in case.registers:
        if other == output:
            rows.setdefault(pattern, set()).add(tick)
    domain = AtomSums(case.tightened(output, case.box(output)), spec)
    neuron, ticks, named = OutputRun(case, output, domain), {}, {}
    for pattern, wanted in sorted(rows.items()):
        for tick, done in enumerate(neuron.run(pattern, max(wanted))):
            if tick in wanted:
                ticks[pattern, tick], named[pattern, tick] = done, done.named()
                for name, value in named[pattern, tick].items():
                    ends = case.registers.get((output, pattern, tick, name), (None, None))
                    learn_register(domain, value, ends)
    found = []
    for each in lists:
        plain = [row for row in each if row["row"] != "order"]
        places = [(row["pattern"], row["tick"]) for row in plain]
        values = [value_of_row(case, domain, output, row, ticks[at]) for row, at in zip(plain, places, strict=True)]
        priced, ordered = [(row["price"], value) for row, value in zip(plain, values, strict=True)], []
        for row in (row for row in each if row["row"] == "order"):
            ordered.append(value_of_order(domain, row, named, ordered))
            priced.append((row["price"], ordered[-1]))
        found.append(priced)
    return domain, found


def learn_register(domain, value, ends):
    """Record an assumption about a register."""
    if type(value) is not int:
        domain.learn(value, *ends)
    elif (ends[0] is not None and value < ends[0]) or (ends[1] is not None and value > ends[1]):
        raise ContradictionError


def value_named(values, name):
    """Return a register, a watched value (``#n``) or an integer by its name."""
    if name not in values and not name.lstrip("-").isdecimal():
        raise RejectedError(f"there is no {name!r}")
    return values[name] if name in values else int(name)


def value_of_order(domain, row, named, ordered):
    """Return how much more a rounding is than that of a lesser value; never less than 0, for rounding keeps order."""
    one = value_named(named[row["pattern"], row["tick"]], row["register"])
    other = value_named(named[row["other_pattern"], row["other_tick"]], row["other_register"])
    (least, _), (_, most) = domain.ends(other), domain.ends(one)
    apart = plus(other, one, -1)
    for given in row["given"]:
        if not 0 <= given < len(ordered):
            raise RejectedError("a row of order rests on a later one")
        apart = plus(apart, ordered[given], -1)
    apart, _ = domain.ends(apart)
    if (apart is None or apart < 0) and (None in (least, most) or least < most):
        raise RejectedError(f"{row['register']} at tick {row['tick']} may be the greater of two that are put in order")
    rounding = row["factor"], row["bits"], row["rounding"]
    return plus(domain.scale(other, *rounding), domain.scale(one, *rounding), -1)


def value_of_row(case, domain, output, row, done):
    """Return the value of a row, which is non-negative for every program for the spec."""
    spec, kind = case.spec, row["row"]
    if kind == "limit":
        if row["index"] >= len(done.watched):
            raise RejectedError(f"tick {row['tick']} of pattern {row['pattern']} has no such limit")
        value, limit = done.watched[row["index"]]
        return plus(limit - 1, value, -row["side"])
    if kind == "register":
        place = output, row["pattern"], row["tick"], row["register"]
        end = case.registers.get(place, (None, None))[row["side"] > 0]
        if end is None or row["register"] not in done.named():
            raise RejectedError(f"nothing is assumed of the {row['register']} at tick {row['tick']}")
        return plus(row["side"] * end, done.named()[row["register"]], -row["side"])
    if done.spikes is None:
        raise RejectedError(f"it is open whether tick {row['tick']} of pattern {row['pattern']} has a spike")
    limit = plus(0, domain.unknown("threshold"), spec.rule.unit)
    if row["is_after_reset"]:
        if not spec.once or not done.spikes:
            raise RejectedError(f"tick {row['tick']} of pattern {row['pattern']} asks for nothing after its reset")
        return plus(plus(limit, done.registers["potential"], -1), -spec.gaps[0])
    excess = plus(done.compared, limit, -1)
    return plus(excess, -spec.gaps[1]) if done.spikes else plus(plus(0, excess, -1), -spec.gaps[0])


def check_exhausted(case, leaf):
    """Check that all integers that are left to an output fail: halve their ranges until each part does."""
    spec, output = case.spec, leaf["output"]
    if spec.may_have_hidden_neurons:
        raise RejectedError("hidden neurons are allowed, and were not tried")
    cuts = []
    if leaf["cuts"]:
        domain, lists = priced_values(case, output, leaf["cuts"], is_whole=True)
        cuts = [domain.cut(priced) for priced in lists]
    used = taps_in_use(case, output)
    boxes = [{name: ends for name, ends in case.box(output).items() if name[0] not in OF_TAPS or name[1:] in used}]
    order = list(range(len(spec.patterns)))
    while boxes:
        try:
            box = case.tightened(output, boxes.pop())
            if cuts:
                case.spend(len(cuts))
                box = case.tightened(output, cut_down(box, cuts))
            threshold = box["threshold"]
            own = run_all(case, output, box, order)
        except ContradictionError:
            continue
        name = widest(box)
        if name is None and box["threshold"] != threshold:  # narrowed on the way: the run began with more of them
            boxes.append(box)
        elif name is None:
            what = ", ".join(f"{key}: {ends[0]}" for key, ends in box.items() if key[0] != "weight")
            raise RejectedError(f"these integers are not refuted: {what}" if own else f"these are left open: {what}")
        else:
            low, high = box[name]
            middle = (low + high) // 2
            boxes += [{**box, name: (middle + 1, high)}, {**box, name: (low, middle)}]


def cut_down(box, cuts):
    """Return a box without ends that break a cut; raise ContradictionError if it is empty."""
    box, ends = dict(box), {}
    for name in dict.fromkeys(name for _, multiples in cuts for name in multiples):
        if name not in box:
            raise RejectedError("a cut rests on a synapse that never acts")
        ends[name] = added(box, *name[1:]) if name[0] == "weight" else box[name]
    for constant, multiples in cuts:
        total, parts = constant, []
        for name, (least, most) in multiples.items():
            low, high = ends[name]
            if least > 0:
                part = (most if high > 0 else least) * high
            elif most < 0:
                part = (least if low < 0 else most) * low
            else:
                part = max(least * low, most * high)
            total += part
            parts.append(part)
        if total < 0:
            raise ContradictionError
        for (name, (least, most)), part in zip(multiples.items(), parts, strict=True):
            (low, high), rest = ends[name], part - total  # the multiple must come to the rest, or more
            if least > 0 and least * low < rest:
                box[name] = ends[name] = max(low, -(-rest // (most if rest > 0 else least))), high
            elif most < 0 and most * high < rest:
                box[name] = ends[name] = low, min(high, rest // (most if rest <= 0 else least))
    return box


def taps_in_use(case, output):
    """Return the taps over which any spike can arrive before its pattern ends."""
    spec, used = case.spec, set()
    for pattern, (ticks, inputs, _, _) in enumerate(spec.patterns):
        lines = [(tick, line) for tick, here in inputs.items() for line in here]
        for other in range(spec.n_outputs if spec.recurrent else 0):
            bins = case.known(other, pattern)
            lines += [(tick, spec.n_inputs + other) for tick, spike in enumerate(bins) if spike != 0]
        used |= {(line, delay) for tick, line in lines for delay in spec.delays if tick + delay < ticks}
    return used


def run_all(case, output, box, order):
    """Run an output on all patterns, narrowing the box's threshold; raise ContradictionError if it fails in one.

    The pattern in which it fails comes first in the order, which the next box is run in.
    """
    is_decided, weights = True, weights_of(box)
    for place, pattern in enumerate(order):
        try:
            is_decided = None not in case.run(output, pattern, box, weights) and is_decided
        except ContradictionError:
            order.insert(0, order.pop(place))
            raise
    return is_decided


def widest(box):
    """Return the unknown to halve next: the exponent, then the widest weight, then the others; None if all are set."""
    weights = [name for name in box if name[0] == "mantissa"]
    weights.sort(key=lambda name: box[name][0] - box[name][1])
    order = ["exponent", *weights[:1], "bias", "threshold"]
    return next((name for name in order if box[name][0] < box[name][1]), None)


def check_windows(case, leaf):
    """Check that no spikes in the windows agree with the assumed bins."""
    case.known(leaf["output"], leaf["pattern"])
    raise RejectedError("there are spikes in the windows that agree with what was assumed")


def check_fan_in(case, leaf):
    """Check that more taps are present than are allowed."""
    present = case.present.get(leaf["output"], ())
    if case.spec.fan_in is None or len(present) <= case.spec.fan_in:
        raise RejectedError("no more synapses are present than are allowed")


LEAVES = {"farkas": check_farkas, "exhausted": check_exhausted, "windows": check_windows, "fan_in": check_fan_in}
SPLITS = {  # the fields of each split beside its cases, and the names of its cases
    "bin": ("output pattern tick", ("if_silent", "if_spike")),
    "range": ("output unknown line delay at", ("if_low", "if_high")),
    "tap": ("output line delay", ("if_absent", "if_present")),
    "register": ("output pattern tick register at", ("if_low", "if_high")),
}
ROWS = {
    "order": "pattern tick register other_pattern other_tick other_register factor bits rounding price given",
    "bin": "pattern tick price is_after_reset",
    "limit": "pattern tick index side price",
    "register": "pattern tick register side price",
}


# ----------------------------------------------------------------------------------------------------------- the proof


def check_fields(spec, table, names, what):
    """Check the fields of a node or a row against the specification; make prices integers."""
    need(isinstance(table, dict), f"{what} must be an object")
    missing = [name for name in names if name not in table]
    need(not missing, f"{what} must have {', '.join(names)}")
    ends = {"output": (0, spec.n_outputs - 1), "pattern": (0, len(spec.patterns) - 1), "index": (0, 1 << 32)}
    ends |= {"other_pattern": ends["pattern"], "factor": (0, 1 << 64), "bits": (0, 64)}
    for name in names:
        value, where = table[name], f"{name} of {what}"
        if name in ("tick", "other_tick"):
            integer(value, where, 0, spec.patterns[table[name.replace("tick", "pattern")]][0] - 1)
        elif name in ends:
            integer(value, where, *ends[name])
        elif name == "at":
            integer(value, where)
        elif name == "side":
            need(type(value) is int and value in (-1, 1), f"{where} must be 1 or -1")
        elif name == "is_after_reset":
            need(type(value) is bool, f"{where} must be true or false")
        elif name == "given":
            need(isinstance(value, list) and all(type(each) is int for each in value), f"{where} must be integers")
        elif name == "rounding":
            need(value in ROUNDINGS, f"{where} is unknown")
        elif name in ("register", "other_register"):
            need(isinstance(value, str) and len(value) < 64, f"{where} must be a register's name")
        elif name == "unknown":
            need(value in (*OF_TAPS, "exponent", "threshold", "bias"), f"{where} is unknown")
        elif name == "price":
            table[name] = price_of(value, where, int(table.get("row") != "order"))
        elif table.get("unknown", "weight") in OF_TAPS:  # a line and a delay
            known = spec.delays if name == "delay" else range(spec.n_lines)
            need(type(value) is int and value in known, f"{where} must be one of the specification's")


def price_of(value, where, least):
    """Return a price: an integer, which may be a hexadecimal text."""
    if isinstance(value, str):
        need(value[:2] == "0x" and len(value) < 1 << 20, f"{where} must be an integer or a hexadecimal text")
        try:
            value = int(value, 16)
        except ValueError:
            raise BadFileError(f"{where} must be an integer or a hexadecimal text") from None
    need(type(value) is int and value >= least, f"{where} must be {least} or more")
    return value


def rows_of(spec, rows, what):
    """Return the checked rows of a leaf."""
    need(isinstance(rows, list), f"rows of {what} must be a list")
    rows = [dict(row) if isinstance(row, dict) else row for row in rows]
    for row in rows:
        kind = row.get("row") if isinstance(row, dict) else None
        need(isinstance(kind, str) and kind in ROWS, f"rows of {what} must be one of {', '.join(ROWS)}")
        check_fields(spec, row, ROWS[kind].split(), f"a row of {what}")
    return rows


def nodes_of(spec, data):
    """Return the checked nodes of a proof; the first is the root, and cases stand behind their splits, each once."""
    nodes = entry(data, "nodes", list, "PROOF.json")
    need(0 < len(nodes) <= MOST_NODES, f"nodes must be 1 to {MOST_NODES}")
    named = {0}
    for index, node in enumerate(nodes):
        what = f"node {index}"
        need(isinstance(node, dict) and index in named, f"{what} must be an object, and a case of an earlier split")
        nodes[index] = node = dict(node)
        word = node.get("leaf", node.get("split"))
        need(isinstance(word, str), f"{what} must be a leaf or a split")
        if "leaf" in node:
            need(word in LEAVES, f"{what} must be one of {', '.join(LEAVES)}")
            check_fields(spec, node, ["output", *["pattern"] * (word == "windows")], what)
            if word == "farkas":
                node["rows"] = rows_of(spec, entry(node, "rows", list, what), what)
            elif word == "exhausted":
                node["cuts"] = [rows_of(spec, each, what) for each in entry(node, "cuts", list, what)]
            continue
        need(word in SPLITS, f"{what} must split one of {', '.join(SPLITS)}")
        fields, cases = SPLITS[word]
        check_fields(spec, node, fields.split(), what)
        for name in cases:
            case = integer(node.get(name), f"{name} of {what}", index + 1, len(nodes) - 1)
            need(case not in named, f"{name} of {what} is a case of another split, too")
            named.add(case)
    return nodes


def check(spec_data, proof_data):
    """Return why a proof does not hold for a specification, both plain data of JSON; None if it holds.

    Raises BadFileError where one of them is damaged.
    """
    return fault_in(Claim(spec_data), proof_data)


def fault_in(spec, proof_data):
    """Return why a proof, plain data of JSON, does not hold for a claim; None if it holds."""
    need(isinstance(proof_data, dict), "PROOF.json must be an object")
    need(proof_data.get("format") == "snnprog-proof", "PROOF.json must have format snnprog-proof")
    need(proof_data.get("version") == 1, "PROOF.json must have version 1")
    for name, of_spec in (("spec", "digest"), ("chip", "chip"), ("ranges", "ranges")):
        if proof_data.get(name) != spec.data.get(of_spec):
            return f"it is of another specification: {name} differs"
    fault = spec.perturb(proof_data.get("perturbed", []))
    if fault is not None:
        return fault
    return fault_of(spec, nodes_of(spec, proof_data))


def fault_of(spec, nodes):
    """Return why the nodes of a proof do not refute a claim; None if they do."""
    work = 0
    waiting = [(0, None, 0)]  # a node, the way to it as (the way before, (split, side)), and how long that is
    while waiting:
        index, way, depth = waiting.pop()
        node = nodes[index]
        need(depth <= MOST_DEPTH, f"the proof must be at most {MOST_DEPTH} splits deep")
        if "leaf" not in node:
            for side, name in enumerate(SPLITS[node["split"]][1]):
                waiting.append((node[name], (way, (node, side)), depth + 1))
            continue
        path = []
        while way is not None:
            way, step = way
            path.append(step)
        case = Case(spec, path, work)
        reason, work = fault_of_leaf(case, node), case.work
        if reason is not None:
            return f"node {index}, a leaf of kind {node['leaf']} about {spec.output_label(node['output'])}: {reason}"
    return None


def fault_of_leaf(case, leaf):
    """Return why a leaf does not contradict what was assumed; None if it does."""
    try:
        case.assume()
        LEAVES[leaf["leaf"]](case, leaf)
    except ContradictionError:
        return None  # what was assumed cannot be, or a row is contradicted as it is made
    except RejectedError as reason:
        return str(reason)
    return None


def read(path):
    """Return the JSON document of a file."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        need(len(content) <= MOST_BYTES, f"it has more than {MOST_BYTES} bytes")
        return json.loads(content.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadFileError(f"{path} cannot be read: {type(error).__name__}: {error}") from None


def main(arguments):
    """Check the given files, print the result, and return the exit code."""
    if len(arguments) != 2:
        print("usage: check_proof.py SPEC.json PROOF.json", file=sys.stderr)
        return 2
    try:
        reason = check(*map(read, arguments))
    except BadFileError as error:
        print(f"check_proof: {error}", file=sys.stderr)
        return 2
    print(f"the proof does not hold: {reason}" if reason else "the proof holds: no program satisfies the specification")
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
