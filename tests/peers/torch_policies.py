"""BC-MLP and BC-GRU in plain PyTorch on a dataset and split of Apprentice, for docs/results.md.

pip install torch pyarrow
apprentice record --scene slalom --operator sloppy --episodes 60 --dataset demos/peer
apprentice train bc --dataset demos/peer --run runs/peer-mlp
apprentice train bc --dataset demos/peer --run runs/peer-gru --set network.kind=gru --set network.n_obs_steps=16 \
    --set training.batch_size=1024 --set optimizer.learning_rate=5e-4 --set training.steps=5000
python tests/peers/torch_policies.py demos/peer runs/peer-mlp runs/peer-gru
"""
import json
import math
import pathlib
import sys
import tomllib

import numpy
import pyarrow.parquet as parquet
import torch
from torch import nn

CLIP = 10.0


def episodes(dataset):
    files = sorted(pathlib.Path(dataset).glob("data/*/*.parquet"))
    for file in files:
        table = parquet.read_table(file)
        column = lambda name: numpy.array(table.column(name).to_pylist(), dtype=numpy.float32)
        yield column("observation.state"), column("action")


def normalizer(rows):
    mean, std = rows.mean(0, dtype=numpy.float64), rows.std(0, dtype=numpy.float64)
    std[std < 1e-4] = 1.0
    return mean.astype(numpy.float32), std.astype(numpy.float32)


class Gru(nn.Module):
    def __init__(self, obs_dim, hidden_size, layers, act_dim):
        super().__init__()
        self.embedding = nn.Linear(obs_dim, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, layers, batch_first=True)
        self.head = nn.Linear(hidden_size, act_dim)

    def forward(self, x):
        return self.head(self.gru(torch.relu(self.embedding(x)))[0])


def windows(data, length):
    """Windows of `length` ticks from every tick, with a mask of the padding after an episode's end."""
    out = []
    for o, a in data:
        count = len(o)
        pad = lambda x: numpy.concatenate([x, numpy.zeros((length, x.shape[1]), numpy.float32)])
        mask = pad(numpy.ones((count, 1), numpy.float32))
        o, a = pad(o), pad(a)
        index = numpy.arange(count)[:, None] + numpy.arange(length)
        out.append((o[index], a[index], mask[index]))
    return [torch.from_numpy(numpy.concatenate(parts)) for parts in zip(*out)]


def main(dataset, run):
    config = tomllib.loads((run / "config.toml").read_text())
    held_out = set(json.loads((run / "split.json").read_text())["validation_episodes"])
    recurrent = config["network"]["kind"] == "gru"
    length = config["network"]["n_obs_steps"] if recurrent else 1
    settings, optimizer = config["training"], config["optimizer"]
    data = list(episodes(dataset))
    train = [e for i, e in enumerate(data) if i not in held_out]
    obs_stats, act_stats = (normalizer(numpy.concatenate(rows)) for rows in zip(*train))
    normalize = lambda o, a: (
        numpy.clip((o - obs_stats[0]) / obs_stats[1], -CLIP, CLIP),
        (a - act_stats[0]) / act_stats[1],
    )
    train = windows([normalize(*e) for e in train], length)
    valid = [normalize(*e) for i, e in enumerate(data) if i in held_out]
    # Consecutive windows, so that each validation row is used once.
    valid = [(o[i : i + length], a[i : i + length]) for o, a in valid for i in range(0, len(o), length)]
    obs_dim, act_dim = train[0].shape[-1], train[1].shape[-1]
    torch.manual_seed(settings["seed"])
    if recurrent:
        model = Gru(obs_dim, config["network"]["hidden_size"], config["network"]["num_layers"], act_dim)
    else:
        sizes = [obs_dim, *config["network"]["hidden_sizes"]]
        layers = [m for i, o in zip(sizes, sizes[1:]) for m in (nn.Linear(i, o), nn.ReLU())]
        model = nn.Sequential(*layers, nn.Linear(sizes[-1], act_dim))
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": optimizer["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=optimizer["learning_rate"])
    rows, steps = settings["batch_size"] // length, settings["steps"]
    best = math.inf
    order, at = torch.randperm(len(train[0])), 0
    for step in range(steps):
        if at + rows > len(order):
            order, at = torch.randperm(len(train[0])), 0
        batch, at = order[at : at + rows], at + rows
        o, a, mask = (part[batch] for part in train)
        loss = ((model(o) - a).square() * mask).sum() / (mask.sum() * act_dim)
        warmup, total = optimizer["warmup_steps"], steps
        if step < warmup:
            factor = (step + 1) / warmup
        else:
            low = optimizer["min_lr_ratio"]
            factor = low + (1 - low) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
        for group in adam.param_groups:
            group["lr"] = optimizer["learning_rate"] * factor
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), optimizer["max_grad_norm"])
        adam.step()
        if (step + 1) % settings["eval_freq"] == 0 and step + 1 >= settings["select_after"] * steps:
            with torch.no_grad():
                total_error = count = 0
                for o, a in valid:
                    error = (model(torch.from_numpy(o)[None])[0] - torch.from_numpy(a)).square()
                    total_error, count = total_error + error.sum().item(), count + error.numel()
            best = min(best, total_error / count)
    ours = json.loads((run / "best" / "config.json").read_text())["provenance"]["validation_loss"]
    print(f"{run}: PyTorch {best:.5f}, Apprentice {ours:.5f}, ratio {ours / best:.3f}")


torch.set_num_threads(2)
for run in sys.argv[2:]:
    main(sys.argv[1], pathlib.Path(run))
