//! What the system stops.

use super::DemoArgs;
use crate::ui::{Outcome, Ui};
use std::path::Path;

pub(crate) fn run(_ui: &Ui, _args: &DemoArgs, _root: &Path) -> Outcome {
    Ok(())
}
