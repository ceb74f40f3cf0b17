//! Namespaces, groups and snapshots: their names, their order, their paths (datastore.md 1.1).

use std::cmp::Ordering;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::paths::NAMESPACES;
use super::time::{format_backup_time, parse_backup_time};
use crate::error::{Error, Result};

/// Most components a namespace can have.
pub const MAX_NAMESPACE_DEPTH: usize = 7;

/// `current length + component + 1` may not exceed this when a component is appended.
const MAX_NAMESPACE_BYTES: usize = 256;

/// `[A-Za-z0-9_][A-Za-z0-9._-]*`: names of stores, namespace components, backup ids and archives.
pub fn is_safe_id(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match text.as_bytes() {
        [first, rest @ ..] => {
            word(*first)
                && rest
                    .iter()
                    .all(|&byte| word(byte) || byte == b'.' || byte == b'-')
        }
        [] => false,
    }
}

/// A safe id of 3 to 32 characters.
pub fn is_store_name(text: &str) -> bool {
    (3..=32).contains(&text.len()) && is_safe_id(text)
}

/// A safe id that ends in `.fidx`, `.didx` or `.blob`: a file that a manifest may list.
pub fn is_archive_name(text: &str) -> bool {
    is_safe_id(text) && [".fidx", ".didx", ".blob"].iter().any(|end| text.ends_with(end))
}

/// Type of a backup group. Orders as listings and tapes do: ct, host, vm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackupType {
    /// A container.
    Ct,
    /// A machine or a folder, backed up from inside.
    Host,
    /// A virtual machine.
    Vm,
}

impl BackupType {
    /// All types in their order.
    pub const ALL: [Self; 3] = [Self::Ct, Self::Host, Self::Vm];

    /// `ct`, `host` or `vm`: the directory name.
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
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|ty| ty.as_str() == text);
        found.ok_or_else(|| Error::Name {
            what: "backup type",
            text: text.to_owned(),
            rule: "must be vm, ct or host",
        })
    }
}

/// A namespace: up to seven safe ids. The root namespace has none. Prints and parses as `a/b`, root as the empty text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Namespace(Vec<String>);

impl Namespace {
    /// The root namespace.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// True for the root namespace.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The components, outermost first.
    pub fn components(&self) -> &[String] {
        &self.0
    }

    /// Number of components.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// The namespace `component` inside this one.
    ///
    /// # Errors
    /// [`Error::Name`] when the component is not a safe id, or depth or length would be exceeded.
    pub fn child(&self, component: &str) -> Result<Self> {
        let fail = |rule| Error::Name {
            what: "namespace",
            text: format!("{self}/{component}"),
            rule,
        };
        if !is_safe_id(component) {
            return Err(fail(
                "each component must consist of letters, digits, '_', '.' and '-', and begin with none of the last two",
            ));
        }
        if self.0.len() == MAX_NAMESPACE_DEPTH {
            return Err(fail("more than 7 levels"));
        }
        if self.to_string().len() + component.len() + 1 > MAX_NAMESPACE_BYTES {
            return Err(fail("longer than 256 bytes"));
        }
        let mut components = self.0.clone();
        components.push(component.to_owned());
        Ok(Self(components))
    }

    /// Path below the base: `ns/a/ns/b`; empty for the root.
    pub fn relative_path(&self) -> PathBuf {
        self.0
            .iter()
            .flat_map(|component| [NAMESPACES, component.as_str()])
            .collect()
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

impl FromStr for Namespace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        text.split('/')
            .try_fold(Self::root(), |namespace, component| {
                namespace.child(component)
            })
    }
}

/// A backup group inside a namespace: `vm/100`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BackupGroup {
    /// Type.
    pub backup_type: BackupType,
    /// Id, a safe id.
    pub id: String,
}

impl BackupGroup {
    /// Checks the id.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn new(backup_type: BackupType, id: &str) -> Result<Self> {
        if !is_safe_id(id) {
            return Err(Error::Name {
                what: "backup id",
                text: id.to_owned(),
                rule: "must consist of letters, digits, '_', '.' and '-', and begin with none of the last two",
            });
        }
        Ok(Self {
            backup_type,
            id: id.to_owned(),
        })
    }
}

impl fmt::Display for BackupGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.backup_type, self.id)
    }
}

/// Type first, then id: numbers by value and before everything else, the rest by bytes.
impl Ord for BackupGroup {
    fn cmp(&self, other: &Self) -> Ordering {
        let ids = match (self.id.parse::<u64>(), other.id.parse::<u64>()) {
            (Ok(mine), Ok(theirs)) => mine.cmp(&theirs),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => Ordering::Equal,
        };
        // "7" and "007" are equal as numbers but not the same group.
        self.backup_type
            .cmp(&other.backup_type)
            .then(ids)
            .then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for BackupGroup {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A snapshot. Prints and parses in the form used on tape: `ns/a/ns/b/vm/100/2024-06-05T09:38:20Z`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SnapshotPath {
    /// Namespace.
    pub namespace: Namespace,
    /// Group.
    pub group: BackupGroup,
    /// Backup time, epoch seconds, within the range of [`format_backup_time`].
    time: i64,
}

impl SnapshotPath {
    /// Checks the time.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn new(namespace: Namespace, group: BackupGroup, time: i64) -> Result<Self> {
        format_backup_time(time)?;
        Ok(Self {
            namespace,
            group,
            time,
        })
    }

    /// Backup time, epoch seconds.
    pub fn time(&self) -> i64 {
        self.time
    }

    /// Name of the snapshot's directory, `2024-06-05T09:38:20Z`.
    pub fn time_text(&self) -> String {
        format_backup_time(self.time).unwrap_or_default() // checked on construction
    }

    /// Path of the group below the base: `ns/a/vm/100`.
    pub fn group_path(&self) -> PathBuf {
        group_path(&self.namespace, &self.group)
    }

    /// Path below the base, as printed.
    pub fn relative_path(&self) -> PathBuf {
        self.group_path().join(self.time_text())
    }

    /// `vm/100/2024-06-05T09:38:20Z`, without the namespace.
    pub fn name(&self) -> String {
        format!("{}/{}", self.group, self.time_text())
    }
}

/// Path of a group below the base.
pub(crate) fn group_path(namespace: &Namespace, group: &BackupGroup) -> PathBuf {
    namespace
        .relative_path()
        .join(group.backup_type.as_str())
        .join(&group.id)
}

impl fmt::Display for SnapshotPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for component in self.namespace.components() {
            write!(f, "{NAMESPACES}/{component}/")?;
        }
        f.write_str(&self.name())
    }
}

impl FromStr for SnapshotPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = || Error::Name {
            what: "snapshot",
            text: text.to_owned(),
            rule: "must have the form [ns/<name>/]...<type>/<id>/<time>",
        };
        let parts: Vec<&str> = text.split('/').collect();
        let [namespaces @ .., backup_type, id, time] = parts.as_slice() else {
            return Err(fail());
        };
        let mut namespace = Namespace::root();
        for pair in namespaces.chunks(2) {
            match pair {
                [NAMESPACES, component] => namespace = namespace.child(component)?,
                _ => return Err(fail()),
            }
        }
        let group = BackupGroup::new(backup_type.parse()?, id)?;
        Self::new(namespace, group, parse_backup_time(time)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn group(text: &str) -> BackupGroup {
        let (backup_type, id) = text.split_once('/').unwrap();
        BackupGroup::new(backup_type.parse().unwrap(), id).unwrap()
    }

    #[test]
    fn safe_ids() {
        for good in ["a", "_", "0", "A.b-c_d", "100", "a..b"] {
            assert!(is_safe_id(good), "{good}");
        }
        for bad in ["", ".", "..", "-a", ".a", "a b", "a/b", "ä", "a\n"] {
            assert!(!is_safe_id(bad), "{bad}");
        }
        assert!(!is_store_name("ab"));
        assert!(is_store_name("abc"));
        assert!(!is_store_name(&"a".repeat(33)));
        assert!(is_archive_name("root.pxar.didx"));
        assert!(!is_archive_name(".blob"));
        assert!(!is_archive_name("root.pxar"));
    }

    #[test]
    fn groups_sort_by_type_then_number_then_name() {
        let mut groups: Vec<_> = [
            "vm/100", "host/b", "vm/9", "ct/101", "host/a", "host/7", "vm/a", "host/B", "vm/007",
            "vm/7",
        ]
        .map(group)
        .into();
        groups.sort();
        let order: Vec<_> = groups.iter().map(ToString::to_string).collect();
        assert_eq!(
            order,
            [
                "ct/101", "host/7", "host/B", "host/a", "host/b", "vm/007", "vm/7", "vm/9",
                "vm/100", "vm/a"
            ]
        );
    }

    #[test]
    fn namespaces_are_bounded() {
        let seven: Namespace = "a/b/c/d/e/f/g".parse().unwrap();
        assert_eq!(seven.depth(), MAX_NAMESPACE_DEPTH);
        assert!("a/b/c/d/e/f/g/h".parse::<Namespace>().is_err());
        assert!("x".repeat(255).parse::<Namespace>().is_ok());
        assert!("x".repeat(256).parse::<Namespace>().is_err());
        for bad in ["/", "a/", "/a", "a//b", "a/../b", "."] {
            assert!(bad.parse::<Namespace>().is_err(), "{bad}");
        }
        assert_eq!(
            "a/b".parse::<Namespace>().unwrap().relative_path(),
            PathBuf::from("ns/a/ns/b")
        );
    }

    #[test]
    fn snapshot_paths() {
        let text = "ns/prod/ns/eu/host/enc1/2024-06-05T09:38:20Z";
        let path: SnapshotPath = text.parse().unwrap();
        assert_eq!(path.namespace.to_string(), "prod/eu");
        assert_eq!(path.group, group("host/enc1"));
        assert_eq!(path.to_string(), text);
        assert_eq!(path.relative_path(), PathBuf::from(text));
        for bad in [
            "",
            "vm/100",
            "/vm/100/2024-06-05T09:38:20Z",
            "vm/100/2024-06-05T09:38:20Z/",
            "ns/vm/100/2024-06-05T09:38:20Z",
            "xx/a/vm/100/2024-06-05T09:38:20Z",
            "ns/../vm/100/2024-06-05T09:38:20Z",
            "vm/../2024-06-05T09:38:20Z",
            "VM/100/2024-06-05T09:38:20Z",
            "vm/100/2024-06-05",
        ] {
            assert!(bad.parse::<SnapshotPath>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,80}") {
            let _ = text.parse::<SnapshotPath>();
            let _ = text.parse::<Namespace>();
        }

        #[test]
        fn snapshot_paths_round_trip(
            namespace in prop::collection::vec("[A-Za-z0-9_][A-Za-z0-9._-]{0,8}", 0..=7),
            backup_type in prop::sample::select(BackupType::ALL.to_vec()),
            id in "[A-Za-z0-9_][A-Za-z0-9._-]{0,20}",
            time in 1i64..253_402_300_799,
        ) {
            let namespace = namespace.join("/").parse().unwrap();
            let path = SnapshotPath::new(namespace, BackupGroup::new(backup_type, &id).unwrap(), time).unwrap();
            prop_assert_eq!(path.to_string().parse::<SnapshotPath>().unwrap(), path);
        }

        #[test]
        fn group_order_is_total(ids in prop::collection::vec("[0-9a-b]{1,3}", 3)) {
            let [a, b, c] = [0, 1, 2].map(|i| BackupGroup::new(BackupType::Vm, &ids[i]).unwrap());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        }
    }
}
