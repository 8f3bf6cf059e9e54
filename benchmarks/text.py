"""One batch of text: our Task2Vec against the published procedure, on the same probe, batch and CPU, in one run.

OMP_NUM_THREADS=1 python benchmarks/text.py [--sequences 64] [--rounds 4] [--memory] [--json]

Published (arXiv 2306.13840): 10 epochs of AdamW on the head, full forward and backward passes of the whole model in minibatches of 8, then the
Fisher from sampled labels in minibatches of 8; one minibatch of each is timed in a round and scaled up. One unit is a forward and backward
pass of the whole model over the batch. By default a measurement takes two draws of each batch.
--memory: peak memory of one batch at the sizes of GPT-2 117M with random weights, in a process of its own.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time

SMALL = {"vocab_size": 2048, "n_positions": 128, "n_embd": 192, "n_layer": 4, "n_head": 6}
PUBLISHED = {"vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12}
EPOCHS, MINIBATCH = 10, 8
FLOOR, GOAL = 10, 20


def timed(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def by_transformers(model, size):
    """The same weights as the package's own model, None where it is not installed."""
    try:
        import transformers
    except ImportError:
        return None
    import tempfile

    from breadth.nets.gpt2 import save_gpt2

    with tempfile.TemporaryDirectory() as folder:
        save_gpt2(model, folder)
        found = transformers.GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager")
    return found.train()


def published(model, logits_of, tokens, generator):
    """Return a step of the head and one of the Fisher, functions of their number, written out from the published procedure."""
    import torch
    from torch.nn import functional as F

    model.requires_grad_(True)
    head = [p for name, p in model.named_parameters() if "lm_head" in name or name.endswith("wte.weight")][:1]
    adam = torch.optim.AdamW(head, lr=5e-5, eps=1e-8, weight_decay=1e-4)
    squares = {}

    def parts(k):
        at = k * MINIBATCH % len(tokens)
        return tokens[at : at + MINIBATCH]

    def tune(k):
        x = parts(k)
        logits = logits_of(x)
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), x[:, 1:].flatten())
        model.zero_grad()
        loss.backward()
        adam.step()

    def fisher(k):
        x = parts(k)
        logits = logits_of(x)
        labels = torch.multinomial(logits.detach().flatten(0, 1).softmax(1), 1, generator=generator).view(x.shape)
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        model.zero_grad()
        loss.backward()
        for name, p in model.named_parameters():
            if p.grad is not None:
                squares[name] = squares.get(name, 0) + p.grad**2

    return tune, fisher


def compared(sequences, rounds):
    import numpy as np
    import torch

    from breadth.data.text.generated import Ginc
    from breadth.measure.text.embed import Text2Vec
    from breadth.measure.text.probe import text_probe_of
    from breadth.nets.gpt2 import Gpt2Size, gpt2

    torch.set_num_threads(1)
    size = Gpt2Size(**SMALL)
    drawn = Ginc(50, size.vocab_size, size.n_positions).take(0, sequences, 0)
    tokens = torch.from_numpy(drawn.tokens.astype(np.int64))
    steps, weights = {}, {}
    minibatches = sequences // MINIBATCH
    networks = {"published, our GPT-2": gpt2(size, 0), "published, transformers": by_transformers(gpt2(size, 0), size)}
    for name, model in networks.items():
        if model is None:
            continue
        logits_of = model if name.endswith("GPT-2") else lambda x, m=model: m(x).logits
        tune, fisher = published(model, logits_of, tokens, torch.Generator().manual_seed(0))
        for step, times in ((tune, EPOCHS * minibatches), (fisher, minibatches)):
            steps[name, step.__name__], weights[name, step.__name__] = step, times
    model = gpt2(size, 0)

    def plain(k):
        for part in tokens.split(MINIBATCH):
            torch.nn.functional.cross_entropy(model(part)[:, :-1].flatten(0, 1), part[:, 1:].flatten()).backward()

    steps["unit", ""] = plain
    probe = text_probe_of(gpt2(size, 0), "benchmark", vocabulary=True)
    for name, options in (
        ("ours, 1 draw", {"draws": 1}),
        ("ours, 2 draws", {"draws": 2}),
        ("ours, the probe's head, 1 draw", {"draws": 1, "steps": 0}),
    ):
        t2v = Text2Vec(probe, **options)
        steps[name, ""] = lambda k, t2v=t2v: t2v.each(drawn)
    # All in turn, so that what else the machine does disturbs all alike; the least of each is the least disturbed. The first warms up.
    seconds = {key: [] for key in steps}
    for k in range(rounds + 1):
        for key, step in steps.items():
            seconds[key].append(timed(lambda step=step, k=k: step(k)))
    rows = {}
    for (name, part), found in seconds.items():
        rows[name] = rows.get(name, 0) + weights.get((name, part), 1) * min(found[1:])
    unit = rows.pop("unit")
    return {"unit": unit, "seconds": rows, "parameters": size.parameters()}


def at_published_sizes(sequences):
    """One batch at the sizes of GPT-2 117M; CPU seconds and the largest resident memory of this process in MB."""
    from breadth.data.text.generated import Ginc
    from breadth.measure.text.embed import Text2Vec
    from breadth.measure.text.probe import random_text_probe
    from breadth.nets.gpt2 import Gpt2Size

    drawn = Ginc(50, 50_257, 128).take(0, sequences, 0)
    t2v = Text2Vec(random_text_probe(Gpt2Size(**PUBLISHED), vocabulary=True), draws=1)
    seconds = timed(lambda: t2v(drawn))
    return {"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        print(json.dumps(at_published_sizes(asked.sequences)))
        return
    found = compared(asked.sequences, asked.rounds)
    if asked.memory:
        command = [sys.executable, __file__, "--part", "--sequences", str(asked.sequences)]
        done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=True)
        found["GPT-2 117M"] = json.loads(done.stdout.splitlines()[-1])
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    best = min(v for k, v in found["seconds"].items() if k.startswith("published"))
    print(
        f"{platform.processor() or platform.machine()}, 1 thread, {found['parameters'] / 1e6:.1f}M parameters, {asked.sequences} x 128 tokens"
    )
    print(f"{'':34}{'CPU s':>8}{'units':>8}{'ratio':>8}")
    for name, seconds in found["seconds"].items():
        print(f"{name:34}{seconds:8.2f}{seconds / found['unit']:8.1f}{best / seconds:8.1f}")
    print(f"promised: {FLOOR}x, goal: {GOAL}x; a unit is {found['unit']:.2f} CPU s")
    if asked.memory:
        part = found["GPT-2 117M"]
        print(
            f"GPT-2 117M sizes, {asked.sequences} x 128 tokens, 1 draw: {part['seconds']:.0f} CPU s, {part['memory']:.0f} MB at most"
        )


if __name__ == "__main__":
    main()
