//! Which configuration file is in force: here, or above here in the same repository.

use std::path::{Path, PathBuf};

use super::args::ConfigArgs;
use super::machine::{Surroundings, read};
use super::reading;
use super::usage::Usage;
use crate::config::{Config, FILE_NAME};

/// Largest configuration, in bytes.
const CONFIG_BYTES: u64 = 1024 * 1024;

/// A configuration and the folder its own paths start from.
#[derive(Debug, Default)]
pub(super) struct FoundConfig {
    pub(super) config: Config,
    pub(super) folder: PathBuf,
    /// Whether there is a file at all.
    pub(super) file: bool,
}

impl FoundConfig {
    /// A path of the configuration, seen from the working directory.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        if self.folder.as_os_str().is_empty() { PathBuf::from(path) } else { self.folder.join(path) }
    }
}

/// The configuration that the options and the working directory lead to.
pub(super) fn config(args: &ConfigArgs, around: &dyn Surroundings) -> Result<FoundConfig, Usage> {
    let ConfigArgs { config, no_config } = args;
    if *no_config {
        return Ok(FoundConfig::default());
    }
    let variable = around.variable("AGENTGAUGE_CONFIG").filter(|value| !value.is_empty());
    match (config, variable) {
        (Some(path), _) => load("--config", path, around),
        (None, Some(path)) => load("AGENTGAUGE_CONFIG", Path::new(&path), around),
        (None, None) => match above(around)? {
            Some(path) => load("the configuration", &path, around),
            None => Ok(FoundConfig::default()),
        },
    }
}

fn load(argument: &str, path: &Path, around: &dyn Surroundings) -> Result<FoundConfig, Usage> {
    let bytes = read(argument, path, CONFIG_BYTES, around)?;
    let name = path.display().to_string();
    let text = reading::text(bytes, path).map_err(|error| Usage::new(argument, error))?;
    let config = Config::parse(&text, &name).map_err(|error| Usage::new(argument, error.to_string()))?;
    Ok(FoundConfig { config, folder: path.parent().map(Path::to_owned).unwrap_or_default(), file: true })
}

/// The nearest file from the working directory up to the root of its repository. Outside a repository only
/// the working directory counts: what stands above it may be anybody's.
fn above(around: &dyn Surroundings) -> Result<Option<PathBuf>, Usage> {
    let fail = |path: &Path, error: std::io::Error| {
        Usage::new(FILE_NAME, format!("cannot look for {}: {error}", path.display()))
    };
    let here = around.folder().map_err(|error| fail(Path::new("."), error))?;
    let root = here.ancestors().find(|folder| matches!(around.exists(&folder.join(".git")), Ok(true)));
    let most = root.map_or(1, |root| {
        here.components().count().saturating_sub(root.components().count()).saturating_add(1)
    });
    for (steps, folder) in here.ancestors().take(most).enumerate() {
        let path = folder.join(FILE_NAME);
        if around.exists(&path).map_err(|error| fail(&path, error))? {
            // Shown, and passed on, as seen from here.
            let up: PathBuf = std::iter::repeat_n("..", steps).collect();
            return Ok(Some(up.join(FILE_NAME)));
        }
    }
    Ok(None)
}
