//! The words of other libraries for the settings of this one: what a person types who knows Stable-Baselines3, PyTorch,
//! LeRobot or robomimic.

/// A word, and the settings that it may mean, the likeliest first; a learner has some of them.
const SYNONYMS: &[(&[&str], &[&str])] = &[
    (&["lr", "optimizer_lr", "step_size", "alpha", "learning_rates"], &["optimizer.learning_rate"]),
    (&["lr_schedule", "scheduler", "lr_scheduler"], &["optimizer.schedule"]),
    (&["warmup", "num_warmup_steps", "lr_warmup_steps"], &["optimizer.warmup_steps"]),
    (&["eta_min", "min_lr", "final_lr", "final_factor"], &["optimizer.min_lr_ratio"]),
    (&["clip_norm", "max_norm", "grad_clip", "grad_clip_norm", "clip_grad_norm"], &["optimizer.max_grad_norm"]),
    (&["betas"], &["optimizer.beta1"]),
    (&["epsilon", "adam_eps"], &["optimizer.eps", "adversarial.epsilon"]),
    (&["l2", "l2_reg", "l2_weight", "wd"], &["optimizer.weight_decay"]),
    (&["optimizer_class", "optimizer"], &["optimizer.kind"]),
    (&["ema", "ema_power", "polyak"], &["optimizer.ema_decay"]),
    (
        &["total_timesteps", "timesteps", "total_steps", "max_steps", "updates", "n_updates", "iterations", "iters"],
        &["training.steps"],
    ),
    (&["n_iterations", "num_iterations", "num_steps", "max_iterations"], &["training.steps"]),
    (&["epoch", "max_epochs", "num_epochs", "n_epoch"], &["training.epochs", "ppo.n_epochs"]),
    (&["minibatch_size", "mini_batch_size", "bs"], &["training.batch_size"]),
    (&["random_seed", "random_state"], &["training.seed"]),
    (&["eval_interval", "validate_every", "val_freq", "eval_every"], &["training.eval_freq"]),
    (&["save_interval", "checkpoint_freq", "save_every"], &["training.save_freq"]),
    (&["log_interval", "log_every"], &["training.log_freq"]),
    (&["early_stopping_patience", "early_stopping"], &["training.patience"]),
    (&["select_from"], &["training.select_after"]),
    (
        &["net_arch", "layers", "hidden", "hidden_dims", "layer_dims", "actor_layer_dims", "mlp_dims", "units"],
        &["network.hidden_sizes"],
    ),
    (&["hidden_dim", "d_model", "dim_model", "width", "rnn_hidden_dim", "lstm_hidden_size"], &["network.hidden_size"]),
    (&["n_layers", "n_lstm_layers", "rnn_num_layers", "depth"], &["network.num_layers"]),
    (&["nhead", "n_heads", "n_head"], &["network.num_heads"]),
    (&["activation_fn"], &["network.activation"]),
    (&["dropout_p", "p_drop", "dropout_rate"], &["network.dropout"]),
    (&["frame_stack", "n_stack", "history", "seq_length", "context_length"], &["network.n_obs_steps"]),
    (&["policy", "arch", "model", "trunk"], &["network.kind"]),
    (&["chunk", "horizon", "action_horizon"], &["head.chunk_size", "reward.horizon"]),
    (&["execute", "action_steps"], &["head.n_action_steps"]),
    (&["num_mixtures", "n_components", "components"], &["head.num_modes"]),
    (&["z_dim", "latent_size"], &["head.latent_dim"]),
    (&["beta_kl", "kl_coef"], &["head.kl_weight"]),
    (&["val_fraction", "validation_split", "val_split", "train_split"], &["data.validation_fraction"]),
    (&["augment", "augmentation", "mirror"], &["data.mirror_augmentation"]),
    (&["num_envs", "n_env", "arenas", "num_workers"], &["ppo.n_envs", "dqn.n_envs"]),
    (&["rollout_length", "num_steps_per_env", "n_step", "ticks"], &["ppo.n_steps", "dqn.n_step_returns"]),
    (&["ppo_epochs", "num_learning_epochs"], &["ppo.n_epochs"]),
    (&["discount", "discount_factor"], &["ppo.gamma", "dqn.gamma"]),
    (&["lam", "lambda", "gae"], &["ppo.gae_lambda"]),
    (&["clip", "clip_param", "clip_coef", "clip_eps"], &["ppo.clip_range"]),
    (&["entropy_coef", "entropy", "entropy_coefficient", "beta"], &["ppo.ent_coef"]),
    (&["target_kl", "kl_target"], &["ppo.desired_kl"]),
    (&["eval_episodes", "num_eval_episodes"], &["ppo.n_eval_episodes", "dqn.n_eval_episodes"]),
    (&["replay_size", "capacity", "memory_size"], &["dqn.replay.buffer_size"]),
    (&["tau", "target_update", "target_update_freq"], &["dqn.target_update_interval"]),
    (&["eps_start", "epsilon_start", "exploration_initial"], &["dqn.exploration_initial_eps"]),
    (&["eps_end", "epsilon_end", "exploration_final"], &["dqn.exploration_final_eps"]),
    (&["lora_r", "rank", "r"], &["init.lora_rank"]),
    (&["pretrained", "checkpoint", "pretrained_path", "init_from"], &["init.from"]),
    (&["n_disc_updates_per_round"], &["reward.n_disc_updates"]),
    (&["device"], &["--device"]),
    (&["env", "env_id", "scene"], &["--scene"]),
    (&["dataset", "data_path", "repo_id"], &["--dataset"]),
    (&["tensorboard_log", "output_dir", "logdir", "run_dir"], &["--run"]),
    (&["resume"], &["--resume"]),
];

/// The setting among `known`, or the option of the command line, that `key` means in another library. A setting of the same
/// name in another section comes first.
pub fn meant<'a>(key: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    fn last(key: &str) -> &str {
        key.rsplit('.').next().unwrap_or(key)
    }
    let word = last(key).to_lowercase();
    let same = known.clone().find(|known| last(known) == word);
    same.or_else(|| {
        let (_, settings) = SYNONYMS.iter().find(|(words, _)| words.contains(&word.as_str()))?;
        let known = |setting: &&'static str| setting.starts_with("--") || known.clone().any(|known| known == *setting);
        settings.iter().copied().find(known)
    })
}
