"""Stable-Baselines3's PPO with the settings of this project's tests, and its speed on Gymnasium's Humanoid-v5.

pip install stable-baselines3 "gymnasium[mujoco]"
python tests/peers/baselines_ppo.py cartpole      # mean return of 100 episodes after as many ticks as in the tests, five seeds
python tests/peers/baselines_ppo.py pendulum      # the same
python tests/peers/baselines_ppo.py humanoid      # ticks per second of complete updates; compare `apprentice bench ppo`
"""
import sys
import time

import gymnasium as gym
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

# The settings of tests/suite/learn/reinforcement/ppo.rs. The others are Stable-Baselines3's defaults, which are the same or
# have no counterpart.
SETTINGS = {
    "cartpole": ("CartPole-v1", 100_352, dict(n_steps=128, batch_size=256, n_epochs=4, learning_rate=1e-3), 16),
    "pendulum": (
        "Pendulum-v1",
        150_528,
        dict(n_steps=256, batch_size=64, n_epochs=10, learning_rate=1e-3, gamma=0.9, gae_lambda=0.9),
        4,
    ),
}


def mean_returns(name):
    env_id, ticks, settings, envs = SETTINGS[name]
    returns = []
    for seed in range(5):
        env = make_vec_env(env_id, envs, seed=seed)
        model = PPO("MlpPolicy", env, seed=seed, device="cpu", **settings).learn(ticks)
        returns.append(evaluate_policy(model, make_vec_env(env_id, 1, seed=1000 + seed), 100)[0])
        print(f"{name}, seed {seed}: {returns[-1]:.1f} after {ticks} ticks", flush=True)
    print(f"{name}: {sum(returns) / 5:.1f} ({min(returns):.1f} to {max(returns):.1f})")


def speed():
    model = PPO("MlpPolicy", gym.make("Humanoid-v5"), seed=0, device="cpu")
    model.learn(2048)
    start = time.perf_counter()
    model.learn(4 * 2048)
    one = 4 * 2048 / (time.perf_counter() - start)
    print(f"one environment, {torch.get_num_threads()} threads: {one:.0f} ticks/s", flush=True)
    model = PPO("MlpPolicy", make_vec_env("Humanoid-v5", 64), n_steps=64, seed=0, device="cpu")
    model.learn(64 * 64)
    start = time.perf_counter()
    model.learn(4 * 64 * 64)
    many = 4 * 64 * 64 / (time.perf_counter() - start)
    print(f"64 environments: {many:.0f} ticks/s")


if __name__ == "__main__":
    speed() if sys.argv[1] == "humanoid" else mean_returns(sys.argv[1])
