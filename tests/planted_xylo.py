"""A simulator of Xylo's rule to plant faults in, and the faults as changes of its text; `planted` runs it.

It shares no line with the code that has to find the faults.
"""

from __future__ import annotations

from planted import Changes

SIMULATOR = """\
import numpy as np

LOW, HIGH = -32768, 32767


def sat(x):
    return np.clip(x, LOW, HIGH)


def wrap(x):
    return (x + 32768) % 65536 - 32768


def loss_u(x, d):
    y = x >> d
    return np.where(y == 0, np.sign(x), y)


def loss_v(x, d):
    y = x >> d
    return np.where(y == 0, np.sign(x), y)


def neg(y):
    return np.where(y == LOW, LOW, -y)


def simulate(p, count, inputs, raster, lengths):
    pre, post, weight = p["pre"], p["post"], p["weight"] << p["exponent"]
    is_input, to_readout = pre < inputs, np.isin(post, p["outputs"])
    late_inputs, late_neurons, early = 0, 0, False
    most = np.where(np.isin(np.arange(count), p["outputs"]), 1, 31)
    threshold, bias = p["threshold"], p["bias"]

    def step(u, v, heard):
        before = u
        for line in range(inputs + count):
            mine = (pre == line) & (heard > 0)
            u = u.copy()
            np.add.at(u, post[mine], heard[mine] * weight[mine])
            u = sat(u)
        u = u - loss_u(u, p["current_decay"])
        x = sat(neg(loss_v(v, p["potential_decay"])) + u)
        x = sat(x + bias)
        v = sat(v + x)
        n = np.where(v >= threshold, np.minimum(v // threshold, most), 0)
        shown = v
        v = v - n * threshold
        shown = v
        return u, v, n, shown

    records, start = [], 0
    u, v, sent, older = np.zeros(count, int), np.zeros(count, int), np.zeros(inputs + count, int), 0
    for length in lengths:
        u, v = 0 * u, 0 * v
        sent, older = 0 * sent, 0 * sent
        for tick in range(start, start + length):
            now, old, kept = np.append(raster[tick].astype(int), 0 * v), u, v
            heard = np.where(is_input, (older if late_inputs else now if early else sent)[pre],
                             (older if late_neurons else sent)[pre])
            u, v, n, shown = step(old, kept, heard)
            older = sent
            sent = np.append(raster[tick].astype(int), n)
            records.append((n > 0, u, shown))
        start += length
    return [np.array(column) for column in zip(*records)]
"""

LOSS = {
    "takes nothing of small values": "return y",
    "rounds toward zero": "y = np.sign(x) * (np.abs(x) >> d)\n    return np.where(y == 0, np.sign(x), y)",
    "rounds to nearest": (
        "y = np.sign(x) * (2 * np.abs(x) + (1 << d) >> d + 1)\n    return np.where(y == 0, np.sign(x), y)"
    ),
    "multiplies": "return x - (x * (32768 - (32768 >> d)) >> 15)",
    "multiplies toward zero": "return x - np.sign(x) * (np.abs(x) * (32768 - (32768 >> d)) >> 15)",
}
CURRENT = "def loss_u(x, d):\n    y = x >> d\n    return np.where(y == 0, np.sign(x), y)"
POTENTIAL = CURRENT.replace("loss_u", "loss_v")
TIMES = "0, 0, False"
ARRIVE = "            u = sat(u)\n"
CHANGE = 'x = sat(neg(loss_v(v, p["potential_decay"])) + u)'
ADD = "x = sat(x + bias)"
JOIN = "v = sat(v + x)"
COUNT = "n = np.where(v >= threshold, np.minimum(v // threshold, most), 0)"
SENT = "sent = np.append(raster[tick].astype(int), n)"
RESET = "v = v - n * threshold\n        shown = v"
REST = "u, v = 0 * u, 0 * v\n"
QUIET = "        sent, older = 0 * sent, 0 * sent\n"
RECORD = "records.append((n > 0, u, shown))"
DECAY = '        u = u - loss_u(u, p["current_decay"])\n'
WEIGHT = 'weight = p["pre"], p["post"], p["weight"] << p["exponent"]'


def _weight(text: str) -> Changes:
    return ((WEIGHT, WEIGHT.replace('p["weight"] << p["exponent"]', text)),)


def _losses() -> dict[str, Changes]:
    found: dict[str, Changes] = {}
    for verb, body in LOSS.items():
        current, potential = (
            (whole, f"def loss_{kind}(x, d):\n    y = x >> d\n    {body}")
            for whole, kind in ((CURRENT, "u"), (POTENTIAL, "v"))
        )
        found |= {
            f"current decay {verb}": (current,),
            f"potential decay {verb}": (potential,),
            f"both decays {verb}": (current, potential),
        }
    return found


# The name of each rule that must be found, and what plants it.
FAULTS: dict[str, Changes] = _losses() | {
    "all spikes one tick late": ((TIMES, "1, 1, False"),),
    "inputs one tick late": ((TIMES, "1, 0, False"),),
    "neurons one tick late": ((TIMES, "0, 1, False"),),
    "inputs one tick early": ((TIMES, "0, 0, True"),),
    "fires above the threshold only": (
        (COUNT, "n = np.where(v > threshold, np.minimum((v - 1) // threshold, most), 0)"),
    ),
    "one spike per tick": ((COUNT, "n = np.where(v >= threshold, 1, 0)"),),
    "several spikes heard as one": ((SENT, SENT.replace(", n)", ", np.minimum(n, 1))")),),
    "readout spikes not limited": (("1, 31)", "31, 31)"),),
    "no reset": ((RESET, "pass"),),
    "reset to zero": ((RESET, RESET.replace("v - n * threshold", "np.where(n > 0, 0, v)")),),
    "one threshold subtracted": ((RESET, RESET.replace("n *", "np.minimum(n, 1) *")),),
    "current reset": ((RESET, RESET + "; u = np.where(n > 0, 0, u)"),),
    "bias missing": ((ADD, "x = sat(x)"),),
    "bias negated": ((ADD, "x = sat(x - bias)"),),
    "bias twice": ((ADD, "x = sat(x + 2 * bias)"),),
    "exponents ignored": _weight('p["weight"]'),
    "exponents swapped": _weight(
        'p["weight"] << np.where(np.isin(p["post"], p["outputs"]), '
        '*[p["exponent"][np.isin(p["post"], p["outputs"]) == side].max(initial=0) for side in (False, True)])'
    ),
    "negative weights positive": _weight('np.abs(p["weight"]) << p["exponent"]'),
    "weights negated": _weight('-p["weight"] << p["exponent"]'),
    "negative weights lost": _weight('np.maximum(p["weight"], 0) << p["exponent"]'),
    "late current": ((CHANGE, CHANGE.replace("+ u)", "+ before)")),),
    "current decays first": ((DECAY, ""), ("        before = u\n", "        before = u\n" + DECAY)),
    "potential decays last": (
        (CHANGE, "x = u"),
        (ADD, "x = x + bias"),
        (JOIN, JOIN + '; v = v - loss_v(v, p["potential_decay"])'),
    ),
    "readout hears at once": (
        (
            "            u, v, n, shown = step(old, kept, heard)\n",
            "            apart = is_input | ~to_readout\n"
            "            hidden = np.append(0 * raster[tick].astype(int), step(old, kept, heard * apart)[2])\n"
            "            u, v, n, shown = step(old, kept, np.where(apart, heard, hidden[pre]))\n",
        ),
    ),
    "potential before reset": ((RESET, RESET.replace("\n        shown = v", "")),),
    "states one tick late": (
        (RECORD, "records.append((n > 0, old, late)); late = shown"),
        (REST, REST[:-1] + "; late = v\n"),
    ),
    "state kept": ((REST, "pass\n"),),
    "spikes kept": ((QUIET, ""),),
    "everything kept": ((REST, "pass\n"), (QUIET, "")),
}
# These need values that leave the registers, or more spikes than a tick may have.
LOUD_FAULTS: dict[str, Changes] = {
    "current not clipped": ((ARRIVE, ""),),
    "current wraps": ((ARRIVE, "            u = wrap(u)\n"),),
    "current clipped at the other end": ((ARRIVE, "            u = np.maximum(sat(u), -32767)\n"),),
    "current clipped once": ((ARRIVE, "        u = sat(u)\n"),),
    "potential not clipped": (
        (CHANGE, CHANGE.replace("sat", "")),
        (ADD, ADD.replace("sat", "")),
        (JOIN, JOIN.replace("sat", "")),
    ),
    "potential wraps": (
        (CHANGE, CHANGE.replace("sat", "wrap")),
        (ADD, ADD.replace("sat", "wrap")),
        (JOIN, JOIN.replace("sat", "wrap")),
    ),
    "potential clipped at the other end": tuple(
        (line, line.replace("sat(", "np.maximum(-32767, np.minimum(HIGH, ") + ")") for line in (CHANGE, ADD, JOIN)
    ),
    "potential clipped once": ((CHANGE, CHANGE.replace("sat", "")), (ADD, ADD.replace("sat", ""))),
    "lowest potential negated": (("np.where(y == LOW, LOW, -y)", "sat(-y)"),),
    "hidden spikes not limited": (("1, 31)", "1, 99999)"),),
}
