"""PyTorch on the CPU at the sizes of `apprentice bench inference training`, for docs/performance.md.

pip install torch && python tests/peers/torch_cloning.py
"""
import os
import statistics
import time

import torch
from torch import nn

OBS_DIM, ACT_DIM, ROUNDS = 348, 17, 5


def network(hidden):
    return nn.Sequential(
        nn.Linear(OBS_DIM, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, ACT_DIM)
    )


def median_rate(work, count):
    work()
    rates = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(count):
            work()
        rates.append(count / (time.perf_counter() - start))
    return statistics.median(rates)


def training(hidden, batch, count):
    model = network(hidden)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    observations, actions = torch.randn(batch, OBS_DIM), torch.randn(batch, ACTION)

    def step():
        optimizer.zero_grad()
        nn.functional.mse_loss(model(observations), actions).backward()
        optimizer.step()

    return median_rate(step, count)


def inference(agents, count):
    model = network(256).eval()
    observations = torch.randn(agents, OBS_DIM)
    with torch.inference_mode():
        return 1e6 / median_rate(lambda: model(observations).numpy(), count)


if __name__ == "__main__":
    torch.manual_seed(1)
    torch.set_num_threads(os.cpu_count())
    for hidden, batch, count in [(256, 256, 200), (1024, 4096, 5)]:
        print(f"training {OBS_DIM}-{hidden}-{hidden}-{ACT_DIM}, batch {batch}: {training(hidden, batch, count):.1f} steps/s")
    for agents, count in [(1, 2000), (64, 500), (1024, 100)]:
        print(f"inference for {agents} agents: {inference(agents, count):.1f} us")
