//! What names a snapshot: namespace, backup type, id and time (datastore.md 1).
//!
//! Two texts exist for one snapshot: the path below the datastore, `ns/a/ns/b/vm/100/2024-05-01T12:00:00Z`, which also
//! stands on tape, and the fields. Everything here only accepts names that are safe as path components.

mod namespace;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

pub use namespace::{MAX_NAMESPACE_BYTES, MAX_NAMESPACE_DEPTH, Namespace};

use crate::error::{FormatError, Result};
use crate::rfc3339;

/// `[A-Za-z0-9_][A-Za-z0-9._\-]*`: the rule for ids, namespace components, datastore and archive names.
pub fn is_safe_id(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    text.bytes().all(inner) && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

/// A datastore's name: a safe id of 3 to 32 characters.
pub fn is_datastore_name(text: &str) -> bool {
    is_safe_id(text) && (3..=32).contains(&text.len())
}

/// Kind of thing that was backed up, in the order in which listings show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackupType {
    /// Container.
    Ct,
    /// Host: files of a machine.
    Host,
    /// Virtual machine.
    Vm,
}

impl BackupType {
    /// All types, in order.
    pub const ALL: [Self; 3] = [Self::Ct, Self::Host, Self::Vm];

    /// `ct`, `host` or `vm`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ct => "ct",
            Self::Host => "host",
            Self::Vm => "vm",
        }
    }
}

impl fmt::Display for BackupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BackupType {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|ty| ty.as_str() == text)
            .ok_or_else(|| {
                FormatError::invalid(
                    "backup type",
                    format!("{} is not vm, ct or host", quoted(text)),
                )
            })
    }
}

/// Backups of one machine: `vm/100`.
///
/// Orders by type (ct, host, vm), then numeric ids by value before all others, those by bytes (datastore.md 1.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BackupGroup {
    ty: BackupType,
    id: String,
}

impl BackupGroup {
    /// Makes a group.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] unless `id` is a safe id.
    pub fn new(ty: BackupType, id: impl Into<String>) -> Result<Self> {
        let id = id.into();
        if !is_safe_id(&id) {
            return Err(FormatError::invalid(
                "backup id",
                format!("{} is not a safe id", quoted(&id)),
            ));
        }
        Ok(Self { ty, id })
    }

    /// Type.
    pub fn ty(&self) -> BackupType {
        self.ty
    }

    /// Id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Ord for BackupGroup {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_id = match (self.id.parse::<u64>(), other.id.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => Ordering::Equal,
        };
        // `007` and `7` have one value but are two groups.
        self.ty
            .cmp(&other.ty)
            .then(by_id)
            .then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for BackupGroup {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for BackupGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ty, self.id)
    }
}

impl FromStr for BackupGroup {
    type Err = FormatError;

    /// Parses `<type>/<id>`.
    fn from_str(text: &str) -> Result<Self> {
        let (ty, id) = text.split_once('/').ok_or_else(|| {
            FormatError::invalid(
                "backup group",
                format!("{} is not <type>/<id>", quoted(text)),
            )
        })?;
        Self::new(ty.parse()?, id)
    }
}

/// One snapshot of a datastore.
///
/// Orders as PBS writes them to tape: by group over all namespaces, of equal groups that of the outer namespace first,
/// then by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotPath {
    // Field order is sort order.
    group: BackupGroup,
    namespace: Namespace,
    time: i64,
}

impl SnapshotPath {
    /// Makes a path; `time` in seconds since 1970.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when `time` is below 1 or after the year 9999.
    pub fn new(namespace: Namespace, group: BackupGroup, time: i64) -> Result<Self> {
        if !(1..=rfc3339::MAX_EPOCH).contains(&time) {
            return Err(FormatError::invalid(
                "backup time",
                format!("{time} is not in 1..={}", rfc3339::MAX_EPOCH),
            ));
        }
        Ok(Self {
            group,
            namespace,
            time,
        })
    }

    /// Namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Group.
    pub fn group(&self) -> &BackupGroup {
        &self.group
    }

    /// Seconds since 1970.
    pub fn time(&self) -> i64 {
        self.time
    }

    /// Name of the snapshot's directory: `2024-05-01T12:00:00Z`.
    pub fn time_text(&self) -> String {
        // The constructor keeps times within what can be written.
        rfc3339::format_utc(self.time).unwrap_or_default()
    }

    /// `<type>/<id>/<time>`, without the namespace.
    pub fn without_namespace(&self) -> String {
        format!("{}/{}", self.group, self.time_text())
    }

    /// Reads the name of a snapshot's directory. Texts that name a time in another way than PBS writes it (31 February)
    /// are refused: such a directory could not be found again by its time.
    ///
    /// # Errors
    /// [`FormatError::Invalid`].
    pub fn parse_time(text: &str) -> Result<i64> {
        let time = rfc3339::parse(text)?;
        if time < 1 || rfc3339::format_utc(time)? != text {
            return Err(FormatError::invalid(
                "backup time",
                format!("{} is not a snapshot's time", quoted(text)),
            ));
        }
        Ok(time)
    }
}

impl fmt::Display for SnapshotPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.namespace.path();
        let slash = if namespace.is_empty() { "" } else { "/" };
        write!(f, "{namespace}{slash}{}/{}", self.group, self.time_text())
    }
}

impl FromStr for SnapshotPath {
    type Err = FormatError;

    /// Parses `[ns/<name>/]*<type>/<id>/<time>`: the last three parts are type, id and time.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.rsplitn(4, '/');
        let (Some(time), Some(id), Some(ty)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(FormatError::invalid(
                "snapshot",
                format!("{} is not <type>/<id>/<time>", quoted(text)),
            ));
        };
        // An empty text in front of a slash ("/vm/100/...") is not the root namespace.
        let namespace = parts
            .next()
            .map_or(Ok(Namespace::root()), Namespace::from_path_of_levels)?;
        Self::new(
            namespace,
            BackupGroup::new(ty.parse()?, id)?,
            Self::parse_time(time)?,
        )
    }
}

/// A text from outside, cut and escaped for a message.
fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(80).collect();
    format!("\"{}\"", shown.escape_debug())
}

#[cfg(test)]
mod tests;
