"""Simulated seconds per second of Gymnasium's Humanoid-v5, for docs/performance.md.

pip install gymnasium mujoco && python tests/peers/gymnasium_humanoid.py
"""
import os
import time

import gymnasium as gym

STEPS = 3000


def one_process():
    env = gym.make("Humanoid-v5")
    env.action_space.seed(1)
    env.reset(seed=1)

    def run(steps):
        for _ in range(steps):
            *_, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()

    run(200)
    start = time.perf_counter()
    run(STEPS)
    return STEPS * env.unwrapped.dt / (time.perf_counter() - start), env.unwrapped.dt


def many_processes(dt):
    count = 8 * os.cpu_count()
    envs = gym.make_vec("Humanoid-v5", num_envs=count, vectorization_mode="async")
    envs.action_space.seed(1)
    envs.reset(seed=1)
    actions = [envs.action_space.sample() for _ in range(STEPS // 10)]
    for action in actions[:20]:
        envs.step(action)
    start = time.perf_counter()
    for action in actions:
        envs.step(action)
    seconds = time.perf_counter() - start
    envs.close()
    return count, count * len(actions) * dt / seconds


if __name__ == "__main__":
    rate, dt = one_process()
    print(f"one process: {rate:.1f} simulated s/s")
    count, rate = many_processes(dt)
    print(f"AsyncVectorEnv, {count} processes: {rate:.1f} simulated s/s")
