//! Datastore formats against datastores that PBS wrote, and against damage.

mod damage;
mod fixtures;
