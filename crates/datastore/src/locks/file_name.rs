//! Names of lock files below `locks/<store>/` (since-3.2.4.md 1.3).

use std::fmt::Write as _;
use std::path::PathBuf;

use ferrite_formats::{BackupGroup, Digest, Namespace, SnapshotPath};

/// From this length on a name is shortened and hashed.
const MAX_NAME_BYTES: usize = 255;
/// Characters kept of either end of a shortened name.
const KEPT: usize = 80;

/// Lock file of a group.
pub(crate) fn group_lock_name(namespace: &Namespace, group: &BackupGroup) -> PathBuf {
    lock_file_name(namespace, &group.to_string())
}

/// Lock file of a snapshot.
pub(crate) fn snapshot_lock_name(snapshot: &SnapshotPath) -> PathBuf {
    lock_file_name(snapshot.namespace(), &snapshot.without_namespace())
}

/// Lock file of a snapshot's manifest.
pub(crate) fn manifest_lock_name(snapshot: &SnapshotPath) -> PathBuf {
    let relative = format!("{}/.index.json.lck", snapshot.without_namespace());
    lock_file_name(snapshot.namespace(), &relative)
}

fn lock_file_name(namespace: &Namespace, relative: &str) -> PathBuf {
    let escaped = escape(relative);
    let name = if escaped.len() < MAX_NAME_BYTES {
        PathBuf::from(escaped)
    } else {
        let hash = Digest::of(relative.as_bytes());
        let (head, tail) = (&escaped[..KEPT], &escaped[escaped.len() - KEPT..]);
        PathBuf::from("hashed").join(format!("{head}...{tail}-{hash}"))
    };
    if namespace.is_root() {
        name
    } else {
        PathBuf::from(namespace.to_string().replace('/', ":")).join(name)
    }
}

/// Always ASCII.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            b'/' => escaped.push('-'),
            b'.' if position > 0 => escaped.push('.'),
            b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => escaped.push(char::from(byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\x{byte:02x}");
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(text: &str) -> SnapshotPath {
        text.parse().unwrap()
    }

    #[test]
    fn names_of_the_specification() {
        let vm = snapshot("vm/100/2022-05-02T08:11:33Z");
        let host = snapshot("ns/a/ns/b/host/my-pc/2022-05-02T08:11:33Z");
        for (name, expected) in [
            (group_lock_name(vm.namespace(), vm.group()), "vm-100"),
            (
                snapshot_lock_name(&vm),
                r"vm-100-2022\x2d05\x2d02T08\x3a11\x3a33Z",
            ),
            (
                manifest_lock_name(&vm),
                r"vm-100-2022\x2d05\x2d02T08\x3a11\x3a33Z-.index.json.lck",
            ),
            (
                group_lock_name(host.namespace(), host.group()),
                r"a:b/host-my\x2dpc",
            ),
        ] {
            assert_eq!(name, PathBuf::from(expected));
        }
    }

    #[test]
    fn a_dot_is_escaped_only_at_the_start() {
        assert_eq!(escape(".a.b"), r"\x2ea.b");
    }

    #[test]
    fn long_names_are_hashed() {
        // "host-" and 249 letters: 254 bytes, the longest that stays.
        let longest = format!("host/{}", "a".repeat(249));
        assert_eq!(
            lock_file_name(&Namespace::root(), &longest),
            PathBuf::from(longest.replace('/', "-"))
        );
        let relative = format!("host/{}", "a".repeat(250));
        let expected = format!(
            "hashed/host-{}...{}-{}",
            "a".repeat(75),
            "a".repeat(80),
            Digest::of(relative.as_bytes())
        );
        assert_eq!(
            lock_file_name(&Namespace::root(), &relative),
            PathBuf::from(expected)
        );
    }
}
