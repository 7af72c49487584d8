"""Neurons of the tools that write NIR, step by step in plain NumPy, and the nodes that their exporters write.

Written after snnTorch 0.9.4 (`_neurons/*.py`, `export_nir.py`), Norse 1.1 (`lif_box.py`, `lif.py`, `iaf.py`), sinabs
(`layers/functional/lif.py`), Rockpool (`lif_torch.py`, `lif_neuron_torch.py`, `exp_syn_torch.py`) and Spyx (`nn.py`).
Each layer is a function of what arrives in a step, which keeps its state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np

from snnprog.arrays import Floats

Step = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Layer:
    """Neurons of a tool.

    Attributes
    ----------
    step : function
        What arrives in a step -> spikes, or the potential of a layer that does not spike.
    node : nir.NIRNode
        What the tool's exporter writes.
    lag : int
        How many steps later than NIR's equations it answers.
    """

    step: Step
    node: Any
    lag: int = 0


def recurrent(node: Any, back: Any) -> nir.NIRGraph:
    """Return the graph in which exporters put a recurrent layer."""
    width = np.array([len(back.weight)])
    nodes = {"input": nir.Input(width), "lif": node, "w_rec": back, "output": nir.Output(width)}
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    return nir.NIRGraph(nodes, edges)


# ---------------------------------------------------------------- snnTorch


def snntorch(rng: np.random.Generator, n: int, *, kind: str, reset: str, is_delayed: bool = True) -> Layer:
    """Return a Leaky, Synaptic, RLeaky or RSynaptic."""
    dt, alpha, beta, theta = 1e-4, rng.uniform(0.1, 0.8, n), rng.uniform(0.3, 0.95, n), rng.uniform(0.5, 1.5, n)
    is_synaptic, is_recurrent = kind.endswith("Synaptic"), kind.startswith("R")
    back, bias = rng.normal(0.0, 0.5, (n, n)) * is_recurrent, rng.normal(0.0, 0.1, n) * is_recurrent
    mem, syn, spk = np.zeros((3, n))

    def step(x: Floats) -> Floats:
        nonlocal mem, syn, spk
        do_reset = (mem - theta > 0).astype(float)
        x = x + back @ spk + bias
        if is_synaptic:
            syn = alpha * syn + x
            x = syn
        if reset == "subtract":
            mem = beta * mem + x - do_reset * theta
        elif kind == "Leaky":
            mem = beta * ((1 - do_reset) * mem) + x
        else:
            mem = (1 - do_reset) * (beta * mem + x)
        spk = (mem - theta > 0).astype(float)
        if not is_delayed:
            again = spk - do_reset
            mem = mem - again * (theta if reset == "subtract" else mem)
        return spk

    tau, zero = dt / (1 - beta), np.zeros(n)
    fields = {"v_leak": zero, "v_threshold": theta, "v_reset": zero, "r": tau / dt}
    node: Any = nir.LIF(tau=tau, **fields)
    if is_synaptic:
        tau_syn = dt / (1 - alpha)
        node = nir.CubaLIF(tau_syn=tau_syn, tau_mem=tau, w_in=tau_syn / dt, **fields)
    return Layer(step, recurrent(node, nir.Affine(back, bias)) if is_recurrent else node)


# ---------------------------------------------------------------- Norse


def norse(rng: np.random.Generator, n: int, *, kind: str, factor: float = 1.0) -> Layer:
    """Return a LIFBoxCell, LIFCell, IAFCell or LIBoxCell; up to 1.1, exporters multiplied times by dt, a factor."""
    dt, zero, one = 0.001, np.zeros(n), np.ones(n)
    mem_inv, syn_inv = rng.uniform(30.0, 400.0, n), rng.uniform(100.0, 500.0, n)
    theta = rng.uniform(0.1, 0.4, n) if kind != "IAFCell" else rng.uniform(0.5, 2.0, n)
    v, i = np.zeros((2, n))

    def step(x: Floats) -> Floats:
        nonlocal v, i
        if kind == "LIFCell":
            jumped = i + x
            v = v + dt * mem_inv * (zero - v + jumped)
            i = jumped - dt * syn_inv * jumped
        elif kind == "IAFCell":
            v = v + x
        else:
            v = v + dt * mem_inv * (x + zero - v)
        if kind == "LIBoxCell":
            return v
        z = (v - theta > 0).astype(float)
        v = (1 - z) * v
        return z

    nodes: dict[str, Any] = {
        "LIFBoxCell": lambda: nir.LIF(tau=factor / mem_inv, r=one, v_leak=zero, v_threshold=theta, v_reset=zero),
        "LIFCell": lambda: nir.CubaLIF(
            tau_syn=factor / syn_inv,
            tau_mem=factor / mem_inv,
            r=one,
            v_leak=zero,
            v_threshold=theta,
            v_reset=zero,
            w_in=one,
        ),
        "IAFCell": lambda: nir.IF(r=one, v_threshold=theta, v_reset=zero),
        "LIBoxCell": lambda: nir.LI(tau=factor / mem_inv, r=one, v_leak=zero),
    }
    return Layer(step, nodes[kind]())


# ---------------------------------------------------------------- sinabs


def sinabs(rng: np.random.Generator, n: int, *, kind: str) -> Layer:
    """Return an IAF, LIF or ExpLeak with the usual MultiSpike, MembraneSubtract and norm_input."""
    tau, theta = rng.uniform(2.0, 20.0, n), rng.uniform(0.3, 1.0, n)
    theta = theta / 4 if kind == "LIF" else theta
    v: Floats = np.zeros(n)
    alpha = np.exp(-1 / tau)

    def step(x: Floats) -> Floats:
        nonlocal v
        own = v if kind == "IAF" else alpha * v
        v = np.asarray(own + (x * (1 - alpha) if kind == "LIF" else x))
        if kind == "ExpLeak":
            return v
        spikes: Floats = (v > 0) * np.trunc(v / theta)
        v = v - spikes * theta
        return spikes

    zero, one = np.zeros(n), np.ones(n)
    if kind == "IAF":
        return Layer(step, nir.IF(r=one, v_threshold=theta))
    if kind == "LIF":
        return Layer(step, nir.LIF(tau=tau, v_threshold=theta, v_leak=zero, r=one))
    return Layer(step, nir.LI(tau=tau, v_leak=zero, r=one))


# ---------------------------------------------------------------- Rockpool


def rockpool(rng: np.random.Generator, n: int, *, kind: str, dt: float = 0.001) -> Layer:
    """Return a LIFTorch, LIFNeuronTorch or ExpSynTorch without bias and noise."""
    tau_mem, tau_syn = rng.uniform(2.0, 20.0, (2, n)) * dt
    theta, alpha, beta = rng.uniform(0.5, 2.0, n), np.exp(-dt / tau_mem), np.exp(-dt / tau_syn)
    vmem, isyn = np.zeros((2, n))

    def step(x: Floats) -> Floats:
        nonlocal vmem, isyn
        if kind == "ExpSynTorch":
            isyn = np.asarray((isyn + x) * alpha)
            return isyn
        vmem = vmem * alpha
        if kind == "LIFTorch":
            isyn = (isyn + x) * beta
            vmem = vmem + isyn
        else:
            vmem = vmem + x
        spikes: Floats = (vmem >= theta) * np.floor(vmem / theta)
        vmem = vmem - spikes * theta
        return spikes

    r, zero = tau_mem * np.exp(-dt / tau_mem) / dt, np.zeros(n)
    if kind == "ExpSynTorch":
        return Layer(step, nir.LI(tau=tau_mem, v_leak=zero, r=r))
    if kind == "LIFNeuronTorch":
        return Layer(step, nir.LIF(tau=tau_mem, r=r, v_leak=zero, v_threshold=theta))
    return Layer(
        step, nir.CubaLIF(tau_syn=tau_syn, tau_mem=tau_mem, r=r, v_leak=zero, v_threshold=theta, w_in=np.ones(n))
    )


# ---------------------------------------------------------------- Spyx


def spyx(rng: np.random.Generator, n: int, *, kind: str, dt: float = 1.0) -> Layer:
    """Return an IF, LIF, CuBaLIF, RLIF or LI; spikes are those of the potential before what arrives."""
    alpha, beta, theta = rng.uniform(0.1, 0.8, n), rng.uniform(0.3, 0.95, n), rng.uniform(0.5, 1.5, n)
    back = rng.normal(0.0, 0.5, (n, n)) * (kind == "RLIF")
    beta = np.ones(n) if kind == "IF" else beta
    v, i = np.zeros((2, n))

    def step(x: Floats) -> Floats:
        nonlocal v, i
        if kind == "LI":
            v = beta * v + x
            return v
        spikes = (v - theta > 0).astype(float)
        if kind == "CuBaLIF":
            i = alpha * i + x
            v = beta * (v - spikes * theta) + i
        else:
            v = beta * v + x + back @ spikes - spikes * theta
        return spikes

    zero, one = np.zeros(n), np.ones(n)
    if kind == "IF":
        return Layer(step, nir.IF(r=one, v_threshold=theta), lag=1)
    tau = dt / (1 - beta)
    if kind == "LI":
        return Layer(step, nir.LI(tau=tau, r=one, v_leak=zero))
    if kind == "CuBaLIF":
        node: Any = nir.CubaLIF(tau_mem=tau, tau_syn=dt / (1 - alpha), v_threshold=theta, v_leak=zero, r=beta, w_in=one)
        return Layer(step, node, lag=1)
    node = nir.LIF(tau=tau, v_threshold=theta, v_leak=zero, r=beta)
    return Layer(step, recurrent(node, nir.Linear(back)) if kind == "RLIF" else node, lag=1)
