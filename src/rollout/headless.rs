//! The plugin group of the simulation, and an app without a window.

use bevy::app::{App, PluginGroup, PluginGroupBuilder};

use crate::agents::AgentPlugin;
use crate::demos::{RecorderPlugin, ReplayPlugin};
use crate::policies::PolicyDriverPlugin;
use crate::sim::SimPlugin;
use crate::tasks::TaskPlugin;
use crate::teleop::TeleopPlugin;

/// Arenas, agents, tasks, teleoperation, recording, replay and policies. The app that adds them calls [`crate::sim::tick`]
/// for each tick, such as in `FixedUpdate` (see the crate's documentation).
#[derive(Default)]
pub struct SandboxPlugins {
    /// Threads that step arenas; 0 means one per core.
    pub threads: usize,
}

impl PluginGroup for SandboxPlugins {
    fn build(self) -> PluginGroupBuilder {
        PluginGroupBuilder::start::<Self>()
            .add(SimPlugin { threads: self.threads })
            .add(AgentPlugin)
            .add(TaskPlugin)
            .add(TeleopPlugin)
            .add(RecorderPlugin)
            .add(ReplayPlugin)
            .add(PolicyDriverPlugin)
    }
}

/// An app without a window, ready to [`tick`](crate::sim::tick). `threads` step arenas; 0 means one per core.
pub fn headless_app(threads: usize) -> App {
    let mut app = App::empty();
    app.add_plugins(SandboxPlugins { threads });
    app.finish();
    app.cleanup();
    app
}
