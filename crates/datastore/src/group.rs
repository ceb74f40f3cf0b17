//! A backup group that is being written to: made or found, locked, its owner checked (datastore.md 1.2, 3.6).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ferrite_formats::snapshot_path::is_safe_id;
use ferrite_formats::{BackupGroup, Namespace};

use crate::error::{Error, IoContext, Result};
use crate::layout::{OWNER, group_path};
use crate::locks::DirectoryLock;
use crate::store::Store;
use crate::temporary;

/// Longest owner file that is read.
const MAX_OWNER_BYTES: u64 = 4096;
/// How often a group that vanishes between creation and lock is made again (since-3.2.4.md F7).
const ATTEMPTS: u32 = 8;

/// An exclusively locked group, to create snapshots in. Its lock is held until it and all its snapshot writers are
/// dropped. A group that was made for a snapshot that never came is removed again.
#[derive(Debug, Clone)]
pub struct GroupWriter(pub(crate) Arc<LockedGroup>);

#[derive(Debug)]
pub(crate) struct LockedGroup {
    pub(crate) store: Store,
    pub(crate) namespace: Namespace,
    pub(crate) group: BackupGroup,
    directory: PathBuf,
    /// `None` only while it is dropped.
    lock: Option<DirectoryLock>,
    made_here: bool,
    /// A snapshot was committed.
    pub(crate) used: AtomicBool,
}

impl Store {
    /// Makes the group unless it exists, with the namespaces above it, and locks it. `auth_id` (`user@realm` or
    /// `user@realm!token`) becomes its owner, or must be its owner, or the user whose token owns it.
    ///
    /// # Errors
    /// [`Error::OwnerMismatch`]; [`Error::Busy`]; [`Error::Name`] for a malformed `auth_id`; [`Error::Damaged`] when an
    /// existing group has no readable owner; [`Error::Io`].
    pub fn create_group(
        &self,
        namespace: &Namespace,
        group: &BackupGroup,
        auth_id: &str,
    ) -> Result<GroupWriter> {
        check_auth_id(auth_id)?;
        let directory = self.path().join(group_path(namespace, group));
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.try_create_group(namespace, group, auth_id, &directory) {
                Err(Error::Vanished { .. }) if attempt < ATTEMPTS => {}
                other => return other,
            }
        }
    }

    fn try_create_group(
        &self,
        namespace: &Namespace,
        group: &BackupGroup,
        auth_id: &str,
        directory: &Path,
    ) -> Result<GroupWriter> {
        self.create_namespace(namespace)?;
        let of_type = directory.parent().unwrap_or(directory);
        self.make_directory(of_type)?;
        let made_here = match self.make_directory(directory) {
            // The folder of the type was removed in between.
            Err(error) if error.is_not_found() => {
                return Err(Error::Vanished {
                    path: of_type.to_owned(),
                });
            }
            other => other?,
        };
        let lock = self.lock_group(namespace, group)?;
        // From here on a failure removes what was made.
        let locked = LockedGroup {
            store: self.clone(),
            namespace: namespace.clone(),
            group: group.clone(),
            directory: directory.to_owned(),
            lock: Some(lock),
            made_here,
            used: AtomicBool::new(false),
        };
        locked.take_ownership(auth_id)?;
        Ok(GroupWriter(Arc::new(locked)))
    }
}

impl GroupWriter {
    /// The group's namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.0.directory
    }

    /// The group.
    pub fn group(&self) -> &BackupGroup {
        &self.0.group
    }
}

impl LockedGroup {
    fn take_ownership(&self, auth_id: &str) -> Result<()> {
        match read_owner(&self.directory)? {
            Some(owner) if may_write(&owner, auth_id) => Ok(()),
            Some(owner) => Err(Error::OwnerMismatch {
                group: self.directory.display().to_string(),
                owner,
                wanted: auth_id.to_owned(),
            }),
            // Empty and without owner: just made, or its maker was killed right after.
            None if self.made_here || entries(&self.directory)?.is_empty() => {
                let Some(lock) = &self.lock else {
                    return Ok(());
                };
                temporary::replace_file(
                    lock,
                    OWNER,
                    &self.directory.join(OWNER),
                    format!("{auth_id}\n").as_bytes(),
                    0o644,
                    self.store.options().owner,
                )
            }
            None => Err(Error::Damaged {
                path: self.directory.join(OWNER),
                detail: "the group has no owner; write user@realm into this file".to_owned(),
            }),
        }
    }

    /// Nothing but what [`take_ownership`](Self::take_ownership) made.
    fn is_bare(&self) -> bool {
        entries(&self.directory).is_ok_and(|names| names.iter().all(|name| name == OWNER))
    }
}

impl Drop for LockedGroup {
    fn drop(&mut self) {
        let Some(lock) = self.lock.take() else {
            return;
        };
        if self.made_here && !self.used.load(Ordering::Relaxed) && self.is_bare() {
            // Under the exclusive lock, so nobody can be at work in it; PBS removes empty groups likewise.
            let _ = std::fs::remove_file(self.directory.join(OWNER));
            if std::fs::remove_dir(&self.directory).is_ok() {
                lock.remove_lock_file();
            }
        }
    }
}

/// First line of a group's owner file; `None` when there is no file or nothing in it.
pub(crate) fn read_owner(group: &Path) -> Result<Option<String>> {
    let path = group.join(OWNER);
    let mut text = Vec::new();
    match std::fs::File::open(&path) {
        Ok(file) => {
            let mut bounded = file.take(MAX_OWNER_BYTES);
            bounded.read_to_end(&mut text).at("read", &path)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).at("open", &path),
    }
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next().unwrap_or_default().trim_end();
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

/// A user may write to what their tokens own; a token only to its own (datastore.md 1.2).
fn may_write(owner: &str, auth_id: &str) -> bool {
    owner == auth_id
        || owner
            .split_once('!')
            .is_some_and(|(user, _token)| user == auth_id)
}

fn check_auth_id(auth_id: &str) -> Result<()> {
    let (user, token) = match auth_id.split_once('!') {
        Some((user, token)) => (user, Some(token)),
        None => (auth_id, None),
    };
    // A user name may contain '@'; the realm is what follows the last one.
    let well_formed = user
        .rsplit_once('@')
        .is_some_and(|(name, realm)| !name.is_empty() && is_safe_id(realm))
        && token.is_none_or(is_safe_id)
        && !user.contains(|c: char| c.is_whitespace() || c.is_control() || "/:".contains(c));
    if well_formed {
        return Ok(());
    }
    Err(Error::Name {
        what: "owner",
        text: auth_id.to_owned(),
        rule: "must have the form user@realm or user@realm!token",
    })
}

fn entries(directory: &Path) -> Result<Vec<std::ffi::OsString>> {
    std::fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
        .at("list", directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners() {
        assert!(may_write("root@pam", "root@pam"));
        assert!(may_write("root@pam!tape", "root@pam"));
        assert!(may_write("root@pam!tape", "root@pam!tape"));
        assert!(!may_write("root@pam", "root@pam!tape"));
        assert!(!may_write("root@pam!tape", "root@pam!other"));
        assert!(!may_write("root@pam", "joe@pbs"));
        for good in ["root@pam", "a.b@pbs!t-1", "joe@example.org@ldap"] {
            assert!(check_auth_id(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "root",
            "@pam",
            "root@",
            "a b@pam",
            "a@pam!",
            "a@pam\nb@pam",
            "a/b@pam",
        ] {
            assert!(check_auth_id(bad).is_err(), "{bad}");
        }
    }
}
