//! From the command line to the inputs of a run: demonstrations, scene, policy to start from, device.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;

use super::arguments::RunArguments;
use crate::cli::load::{given_twice, load_data};
use crate::cli::progress::failure;
use crate::cli::{Failure, Output, stop};
use crate::demos::{Dataset, Episode};
use crate::learn::reinforcement::{LearnedRewardConfig, check_rl_memory};
use crate::learn::rewards::RewardModel;
use crate::learn::{
    DeviceChoice, LearnerSpec, Need, PretrainedPolicy, RunOptions, SelectedDevice, TrainConfig, TrainJob, TrainingData,
    select,
};
use crate::scenes::{Scene, find};
use crate::spaces::Layout;
use crate::teleop::Skill;

/// Refuse options that the learner does not read.
pub fn check_options(learner: &dyn LearnerSpec, arguments: &RunArguments) -> Result<(), Failure> {
    let (name, needs) = (learner.name(), learner.requirements());
    let refuse = |message: String| Err(Failure::usage(anyhow!(message)));
    if !arguments.datasets.is_empty() && needs.two_sided {
        return refuse(format!(
            "train {name} starts from random policies and reads no demonstrations; leave --dataset out"
        ));
    }
    if !arguments.datasets.is_empty() && needs.dataset == Need::No && needs.episodes == Need::No {
        return refuse(format!(
            "train {name} learns from the scene's reward alone; train a policy on the demonstrations with train bc and give \
             that run with --init-from, or use train dqn --dataset"
        ));
    }
    if arguments.scene.is_some() && needs.scene == Need::No {
        return refuse(format!("train {name} does not act in a scene; leave --scene out"));
    }
    if !arguments.earlier.is_empty() && !needs.earlier {
        return refuse(format!("train {name} does not read --earlier; leave it out"));
    }
    if arguments.reward.is_some() && !needs.reward {
        return refuse(format!("train {name} does not read a learned reward; use train ppo --reward"));
    }
    if arguments.expert.is_some() && !needs.expert {
        return refuse(format!("train {name} queries no expert; leave --expert out"));
    }
    if arguments.device == DeviceChoice::Gpu && !needs.gpu {
        return refuse(format!(
            "train {name} infers actions for few agents at every tick, which a GPU is slow at; leave --device out"
        ));
    }
    Ok(())
}

/// Load everything that the run is trained from, once.
pub fn load(
    learner: &dyn LearnerSpec,
    arguments: &RunArguments,
    config: TrainConfig,
    output: &Output,
) -> Result<(TrainJob, DeviceChoice), Failure> {
    let needs = learner.requirements();
    if !arguments.earlier.is_empty() && config.init.from.is_empty() {
        return Err(Failure::usage(anyhow!(
            "--earlier keeps what a policy learned before; name that policy with --init-from, or give all demonstrations \
             with --dataset"
        )));
    }
    let data = if needs.dataset == Need::No { None } else { Some(load_data(&arguments.datasets)?) };
    let scene = match needs.scene {
        Need::No => None,
        _ => Some(scene(arguments.scene.as_deref(), data.as_ref(), needs.two_sided)?),
    };
    if let (Some(scene), Some(data)) = (&scene, &data) {
        check_agent(scene, data)?;
    }
    let episodes = match (&scene, needs.episodes, arguments.datasets.is_empty()) {
        (Some(scene), Need::Optional | Need::Required, false) => load_episodes(&arguments.datasets, scene)?,
        _ => Vec::new(),
    };
    let earlier = if arguments.earlier.is_empty() { None } else { Some(Arc::new(load_data(&arguments.earlier)?)) };
    if let (Some(data), Some(earlier)) = (&data, &earlier)
        && data.hash() == earlier.hash()
    {
        return Err(given_twice(&arguments.earlier[0], &arguments.datasets[0]));
    }
    let pretrained = pretrained(&config, arguments)?;
    let selected = match &data {
        Some(data) if needs.gpu => {
            let selected = select(arguments.device, &config, data, pretrained.as_ref()).map_err(Failure::failed)?;
            output.line(&selected.reason);
            selected
        }
        _ => SelectedDevice::cpu(),
    };
    if let Some(pretrained) = &pretrained {
        let spaces = scene.as_ref().map(|scene| scene.blueprint.spaces());
        let (observation, action) = match (&data, &spaces) {
            (Some(data), _) if needs.gpu => (&data.observation, &data.action),
            (_, Some(spaces)) => (&*spaces.observation, &*spaces.action),
            (Some(data), None) => (&data.observation, &data.action),
            (None, None) => return Err(Failure::usage(anyhow!("--init-from needs demonstrations or a scene"))),
        };
        report_pretrained(pretrained, &config, observation, action, output)?;
    }
    let reward = match (&scene, config.find::<LearnedRewardConfig>()) {
        (Some(scene), Some(settings)) if !settings.from.is_empty() => {
            let spaces = scene.blueprint.spaces();
            let weight = settings.task_reward_weight;
            Some(RewardModel::stored(&settings.from, &spaces.observation, &spaces.action, weight).map_err(failure)?)
        }
        _ => None,
    };
    let scenes = data.as_ref().map(scenes_of).unwrap_or_default();
    if let Some(scene) = &scene {
        check_rl_memory(scene, &config).map_err(failure)?;
    }
    let options = RunOptions {
        dir: arguments.run()?.to_path_buf(),
        resume: arguments.resume,
        stop: stop::on_interrupt(),
        device: selected.device.clone(),
        scene: if needs.gpu { scenes.join(", ") } else { scene.as_ref().map_or(String::new(), |s| s.name.clone()) },
        earlier,
        pretrained: pretrained.map(Arc::new),
    };
    let job =
        TrainJob { config, data, episodes, scene, reward, expert: arguments.expert.unwrap_or(Skill::Steady), options };
    Ok((job, selected.choice))
}

/// The policy that a run starts from, or was started from.
fn pretrained(config: &TrainConfig, arguments: &RunArguments) -> Result<Option<PretrainedPolicy>, Failure> {
    PretrainedPolicy::load(&config.init).map_err(|error| {
        let gone = !config.init.from.is_empty() && !Path::new(&config.init.from).exists();
        let own = !arguments.set.iter().any(|set| set.trim_start().starts_with("init."));
        if arguments.own_config().is_some() && gone && own {
            return Failure::usage(anyhow!(
                "the run started from another policy, which is needed to resume it: {error}"
            ));
        }
        Failure::usage(error)
    })
}

/// Print what is transferred from the policy that the run starts from.
fn report_pretrained(
    pretrained: &PretrainedPolicy,
    config: &TrainConfig,
    observation: &Layout,
    action: &Layout,
    output: &Output,
) -> Result<(), Failure> {
    let transfer = pretrained.transfer(observation, action);
    if transfer.kept.is_empty() {
        return Err(Failure::usage(anyhow!(
            "{} has no field in common with this agent; leave --init-from out",
            config.init.from
        )));
    }
    output.line(format_args!("starting from {}: {} fields in common", config.init.from, transfer.kept.len()));
    let [old, new] = [&pretrained.config().head, &config.head];
    if pretrained.config().network != config.network {
        output.line("  another network: layers of another shape start from random initialization");
    }
    if new.kind.takes_mean_of(old.kind) && old.chunk_size == new.chunk_size {
        output.line(
            "  its output becomes the mean of a Gaussian, with the standard deviation of the demonstrated actions",
        );
    } else if old != new {
        output.line("  another head: layers of another shape start from random initialization");
    }
    for (fields, what) in [(&transfer.new, "new"), (&transfer.dropped, "dropped")] {
        if !fields.is_empty() {
            output.line(format_args!("  {what}: {}", fields.join(", ")));
        }
    }
    Ok(())
}

/// Refuse demonstrations of another agent than the scene's, with one line instead of one for each field.
fn check_agent(scene: &Scene, data: &TrainingData) -> Result<(), Failure> {
    let spaces = scene.blueprint.spaces();
    if *spaces.agent == *data.agent || spaces.observation.columns_of(&data.observation).is_ok() {
        return Ok(());
    }
    Err(Failure::usage(anyhow!(
        "{} is of a {}, and the scene {} has a {}; name another scene with --scene",
        data.source,
        data.agent,
        scene.name,
        spaces.agent
    )))
}

/// The scenes of the demonstrations.
fn scenes_of(data: &TrainingData) -> Vec<&str> {
    let scenes: BTreeSet<&str> = data.episode_info.iter().map(|info| info.scene.as_str()).collect();
    scenes.into_iter().collect()
}

/// The scene to act in: the one named, or that of the demonstrations.
fn scene(named: Option<&str>, data: Option<&TrainingData>, two_sided: bool) -> Result<Scene, Failure> {
    let name = match (named, data.map(scenes_of).as_deref()) {
        (Some(named), _) => named,
        (None, Some([own])) => own,
        (None, Some(several)) => {
            return Err(Failure::usage(anyhow!(
                "the demonstrations are of several scenes ({}); give those of one scene, or name the one to act in with \
                 --scene",
                several.join(", ")
            )));
        }
        (None, None) => return Err(Failure::usage(anyhow!("name the scene to act in with --scene"))),
    };
    let scene = find(name).map_err(Failure::usage)?;
    if !two_sided && !scene.blueprint.sides().is_empty() {
        return Err(Failure::usage(anyhow!("{} is a game of two sides; use train self-play", scene.name)));
    }
    Ok(scene)
}

/// The episodes of some datasets of `scene`.
fn load_episodes(datasets: &[PathBuf], scene: &Scene) -> Result<Vec<Episode>, Failure> {
    let mut all = Vec::new();
    let place = |dir: &PathBuf| std::fs::canonicalize(dir).unwrap_or_else(|_| dir.clone());
    for (at, dir) in datasets.iter().enumerate() {
        if let Some(first) = datasets[..at].iter().find(|first| place(first) == place(dir)) {
            return Err(given_twice(dir, first));
        }
        let dataset = Dataset::open(dir).map_err(Failure::failed)?;
        for (index, summary) in dataset.summaries().iter().enumerate() {
            if summary.scene != scene.name {
                return Err(Failure::usage(anyhow!(
                    "{} was recorded in {}, not in {}: its rewards are those of another task",
                    dir.display(),
                    summary.scene,
                    scene.name
                )));
            }
            let episode = dataset.read(index).map_err(Failure::failed)?;
            if episode.header.scene_hash != scene.hash() {
                return Err(Failure::usage(anyhow!(
                    "episode {index} of {} was recorded in another version of {}: its rewards may be those of another task; \
                     record it again",
                    dir.display(),
                    scene.name
                )));
            }
            all.push(episode);
        }
    }
    if all.is_empty() {
        return Err(Failure::usage(anyhow!("the datasets have no episodes; record some first")));
    }
    Ok(all)
}
