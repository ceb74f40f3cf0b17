//! Starting the threads of a run.

use std::thread::{Builder, Scope};

use crate::error::{PipelineError, Result};

/// Starts a named thread in `scope`.
///
/// # Errors
/// [`PipelineError::System`].
pub(crate) fn spawn<'scope, F>(
    scope: &'scope Scope<'scope, '_>,
    name: String,
    work: F,
) -> Result<()>
where
    F: FnOnce() + Send + 'scope,
{
    let started = Builder::new().name(name).spawn_scoped(scope, work);
    started.map(drop).map_err(|error| PipelineError::System {
        what: "cannot start a thread",
        reason: error.to_string(),
    })
}
