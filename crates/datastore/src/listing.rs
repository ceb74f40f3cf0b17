//! What is in a store, in the order in which it goes to tape (datastore.md 1.1, 3.5).

use std::fs::DirEntry;
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;

use ferrite_formats::archive_name::MANIFEST_NAME;
use ferrite_formats::snapshot_path::MAX_NAMESPACE_DEPTH;
use ferrite_formats::{BackupGroup, BackupType, Namespace, SnapshotPath};

use crate::error::{Error, IoContext, Result};
use crate::group;
use crate::layout::{NAMESPACES, PROTECTED, group_path};
use crate::store::Store;

/// Which part of a store to list.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Where to start.
    pub namespace: Namespace,
    /// Levels below the start; 0 = only the start itself, `None` = all.
    pub max_depth: Option<usize>,
}

/// A snapshot as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its path.
    pub path: SnapshotPath,
    /// It has a manifest. Without one it is still being written, or was abandoned.
    pub finished: bool,
    /// It may not be removed.
    pub protected: bool,
    /// Owner of its group, where readable.
    pub owner: Option<String>,
}

/// Result of a listing.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Groups by type and id over all namespaces, of equal ones the outer namespace first; in a group the oldest first.
    pub snapshots: Vec<SnapshotInfo>,
    /// Entries that are not as they should be, for warnings.
    pub problems: Vec<String>,
}

impl Store {
    /// Lists snapshots in the order of a tape backup.
    ///
    /// # Errors
    /// [`Error::Io`]: what vanishes while it is listed is skipped, anything else is an error, because a
    /// backup must not leave out what it cannot see.
    pub fn list(&self, options: &ListOptions) -> Result<Listing> {
        let mut problems = Vec::new();
        let mut groups = Vec::new();
        for namespace in self.namespaces(options, &mut problems)? {
            for group in self.groups(&namespace)? {
                groups.push((group, namespace.clone()));
            }
        }
        // Stable: of equal groups the one found first, in the outer namespace, stays first.
        groups.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut snapshots = Vec::new();
        for (group, namespace) in groups {
            self.push_snapshots(namespace, group, &mut snapshots)?;
        }
        Ok(Listing {
            snapshots,
            problems,
        })
    }

    /// The start and all namespaces below it, each before those inside it, siblings by name.
    ///
    /// # Errors
    /// [`Error::Io`], also when the start does not exist.
    pub fn namespaces(
        &self,
        options: &ListOptions,
        problems: &mut Vec<String>,
    ) -> Result<Vec<Namespace>> {
        let start = &options.namespace;
        let directory = self.path().join(start.path());
        std::fs::metadata(&directory).at("open", &directory)?;
        let deepest = start.depth() + options.max_depth.unwrap_or(MAX_NAMESPACE_DEPTH);
        let mut found = Vec::new();
        // Depth is bounded by MAX_NAMESPACE_DEPTH; a stack because children are to follow their parent directly.
        let mut open = vec![start.clone()];
        while let Some(namespace) = open.pop() {
            if namespace.depth() < deepest {
                let mut children = self.child_namespaces(&namespace, problems)?;
                children.sort_by(|one, other| other.cmp(one));
                open.append(&mut children);
            }
            found.push(namespace);
        }
        Ok(found)
    }

    fn child_namespaces(
        &self,
        namespace: &Namespace,
        problems: &mut Vec<String>,
    ) -> Result<Vec<Namespace>> {
        let directory = self.path().join(namespace.path()).join(NAMESPACES);
        let mut children = Vec::new();
        for name in subdirectories(&directory)? {
            match namespace.join(&name) {
                Ok(child) => children.push(child),
                Err(error) => problems.push(format!("{}: {error}", directory.display())),
            }
        }
        Ok(children)
    }

    /// The groups of one namespace, sorted.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn groups(&self, namespace: &Namespace) -> Result<Vec<BackupGroup>> {
        let base = self.path().join(namespace.path());
        let mut groups = Vec::new();
        for backup_type in BackupType::ALL {
            let names = subdirectories(&base.join(backup_type.as_str()))?;
            let named = |name: String| BackupGroup::new(backup_type, name).ok();
            groups.extend(names.into_iter().filter_map(named));
        }
        groups.sort();
        Ok(groups)
    }

    fn push_snapshots(
        &self,
        namespace: Namespace,
        group: BackupGroup,
        snapshots: &mut Vec<SnapshotInfo>,
    ) -> Result<()> {
        let directory = self.path().join(group_path(&namespace, &group));
        let owner = group::read_owner(&directory).ok().flatten();
        let names = subdirectories(&directory)?;
        let mut times: Vec<i64> = names
            .iter()
            .filter_map(|name| SnapshotPath::parse_time(name).ok())
            .collect();
        times.sort_unstable();
        for time in times {
            let path = SnapshotPath::new(namespace.clone(), group.clone(), time)
                .map_err(Error::Argument)?;
            let directory = self.snapshot_directory(&path);
            snapshots.push(SnapshotInfo {
                finished: exists(&directory.join(MANIFEST_NAME))?,
                protected: exists(&directory.join(PROTECTED))?,
                owner: owner.clone(),
                path,
            });
        }
        Ok(())
    }
}

fn exists(path: &Path) -> Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == IoErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).at("stat", path),
    }
}

/// Names of the directories in a directory; none when it does not exist. Names that are not text match no rule here.
fn subdirectories(directory: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error)
            if matches!(
                error.kind(),
                IoErrorKind::NotFound | IoErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error).at("list", directory),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.at("list", directory)?;
        if is_directory(&entry)? {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

fn is_directory(entry: &DirEntry) -> Result<bool> {
    match entry.file_type() {
        Ok(file_type) => Ok(file_type.is_dir()),
        Err(error) if error.kind() == IoErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).at("stat", entry.path()),
    }
}
