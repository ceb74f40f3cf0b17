//! Datastore formats against datastores that PBS wrote, and against damage.

#[cfg(test)]
mod damage;
#[cfg(test)]
mod fixtures;
