//! What is known of an object besides name and content.

use super::item::{self, RawAclDefault, RawAclEntry, RawStat, RawStatV1};
use crate::layout::Pad;

/// Type bits of a Unix mode.
pub(crate) const S_IFMT: u64 = 0o170_000;
pub(crate) const S_IFSOCK: u64 = 0o140_000;
pub(crate) const S_IFLNK: u64 = 0o120_000;
pub(crate) const S_IFREG: u64 = 0o100_000;
pub(crate) const S_IFBLK: u64 = 0o060_000;
pub(crate) const S_IFDIR: u64 = 0o040_000;
pub(crate) const S_IFCHR: u64 = 0o020_000;
pub(crate) const S_IFIFO: u64 = 0o010_000;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Mode, owner and modification time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stat {
    /// Full Unix mode, type bits included.
    pub mode: u64,
    /// File system flags; 0 unless they were stored.
    pub flags: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time, seconds of the Unix epoch, rounded down.
    pub mtime_secs: i64,
    /// Nanoseconds after `mtime_secs`, 0..=999999999.
    pub mtime_nanos: u32,
}

impl Stat {
    /// The type bits of the mode.
    pub fn file_type(&self) -> u64 {
        self.mode & S_IFMT
    }

    /// Directory.
    pub fn is_dir(&self) -> bool {
        self.file_type() == S_IFDIR
    }

    /// Regular file.
    pub fn is_regular(&self) -> bool {
        self.file_type() == S_IFREG
    }

    /// Symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.file_type() == S_IFLNK
    }

    /// Block or character device.
    pub fn is_device(&self) -> bool {
        matches!(self.file_type(), S_IFBLK | S_IFCHR)
    }

    /// Named pipe.
    pub fn is_fifo(&self) -> bool {
        self.file_type() == S_IFIFO
    }

    /// Unix socket.
    pub fn is_socket(&self) -> bool {
        self.file_type() == S_IFSOCK
    }

    /// Content of an ENTRY item.
    pub fn encode(&self) -> [u8; item::STAT_SIZE] {
        RawStat {
            mode: self.mode,
            flags: self.flags,
            uid: self.uid,
            gid: self.gid,
            mtime_secs: self.mtime_secs,
            mtime_nanos: self.mtime_nanos,
            zero: Pad,
        }
        .encode()
    }

    pub(crate) fn decode(bytes: &[u8; RawStat::SIZE]) -> Self {
        let raw = RawStat::decode(bytes);
        Self {
            mode: raw.mode,
            flags: raw.flags,
            uid: raw.uid,
            gid: raw.gid,
            mtime_secs: raw.mtime_secs,
            mtime_nanos: raw.mtime_nanos,
        }
    }

    pub(crate) fn decode_v1(bytes: &[u8; RawStatV1::SIZE]) -> Self {
        let raw = RawStatV1::decode(bytes);
        Self {
            mode: raw.mode,
            flags: raw.flags,
            uid: raw.uid,
            gid: raw.gid,
            // Both fit: the quotient is below 2^35, the remainder below 10^9.
            mtime_secs: (raw.mtime_nanos / NANOS_PER_SECOND) as i64,
            mtime_nanos: (raw.mtime_nanos % NANOS_PER_SECOND) as u32,
        }
    }
}

/// An extended attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xattr {
    /// Name with its namespace, such as `user.comment`.
    pub name: Vec<u8>,
    /// Value.
    pub value: Vec<u8>,
}

/// ACL entry of a named user or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AclEntry {
    /// User or group.
    pub id: u64,
    /// read 4, write 2, execute 1.
    pub permissions: u64,
}

/// Unnamed entries of the default ACL of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AclDefault {
    /// Owner.
    pub user_obj: u64,
    /// Owning group.
    pub group_obj: u64,
    /// Everyone else.
    pub other: u64,
    /// Mask; all bits set means that there is none.
    pub mask: u64,
}

/// Access control lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acl {
    /// Named users.
    pub users: Vec<AclEntry>,
    /// Named groups.
    pub groups: Vec<AclEntry>,
    /// Permissions of the owning group, when the mode's group bits hold the mask.
    pub group_obj: Option<u64>,
    /// Default ACL: unnamed entries.
    pub default: Option<AclDefault>,
    /// Default ACL: named users.
    pub default_users: Vec<AclEntry>,
    /// Default ACL: named groups.
    pub default_groups: Vec<AclEntry>,
}

/// What is known of an object besides name and content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Mode, owner, time.
    pub stat: Stat,
    /// Extended attributes, in archive order.
    pub xattrs: Vec<Xattr>,
    /// Access control lists.
    pub acl: Acl,
    /// Raw value of `security.capability`.
    pub fcaps: Option<Vec<u8>>,
    /// Quota project.
    pub quota_project: Option<u64>,
}

impl From<Stat> for Metadata {
    fn from(stat: Stat) -> Self {
        Self {
            stat,
            ..Self::default()
        }
    }
}

impl Metadata {
    /// Checks what an archive can hold.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if u64::from(self.stat.mtime_nanos) >= NANOS_PER_SECOND {
            return Err("a modification time with a second or more of nanoseconds");
        }
        for xattr in &self.xattrs {
            if xattr.name.is_empty() || xattr.name.contains(&0) {
                return Err("an extended attribute with an empty name or a zero byte in it");
            }
            if xattr.name.len() + 1 + xattr.value.len() > item::MAX_XATTR {
                return Err("an extended attribute that is too large");
            }
        }
        if self
            .fcaps
            .as_ref()
            .is_some_and(|caps| caps.len() > item::MAX_XATTR)
        {
            return Err("file capabilities that are too large");
        }
        Ok(())
    }

    /// Appends ENTRY and the items that may follow it, in the order of the format.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        item::append(out, item::ENTRY, &self.stat.encode());
        for xattr in &self.xattrs {
            let size = xattr.name.len() + 1 + xattr.value.len();
            item::append_header(out, item::XATTR, size as u64);
            out.extend_from_slice(&xattr.name);
            out.push(0);
            out.extend_from_slice(&xattr.value);
        }
        append_acl_entries(out, item::ACL_USER, &self.acl.users);
        append_acl_entries(out, item::ACL_GROUP, &self.acl.groups);
        if let Some(permissions) = self.acl.group_obj {
            item::append(out, item::ACL_GROUP_OBJ, &permissions.to_le_bytes());
        }
        if let Some(default) = self.acl.default {
            let raw = RawAclDefault {
                user_obj: default.user_obj,
                group_obj: default.group_obj,
                other: default.other,
                mask: default.mask,
            };
            item::append(out, item::ACL_DEFAULT, &raw.encode());
        }
        append_acl_entries(out, item::ACL_DEFAULT_USER, &self.acl.default_users);
        append_acl_entries(out, item::ACL_DEFAULT_GROUP, &self.acl.default_groups);
        if let Some(capabilities) = &self.fcaps {
            item::append(out, item::FCAPS, capabilities);
        }
        if let Some(project) = self.quota_project {
            item::append(out, item::QUOTA_PROJID, &project.to_le_bytes());
        }
    }

    /// Whether items of this type belong to the metadata of an entry.
    pub(crate) fn holds(kind: u64) -> bool {
        matches!(
            kind,
            item::XATTR
                | item::ACL_USER
                | item::ACL_GROUP
                | item::ACL_GROUP_OBJ
                | item::ACL_DEFAULT
                | item::ACL_DEFAULT_USER
                | item::ACL_DEFAULT_GROUP
                | item::FCAPS
                | item::QUOTA_PROJID
        )
    }

    /// Smallest and largest content of a metadata item.
    pub(crate) fn size_limits(kind: u64) -> (usize, usize) {
        match kind {
            item::XATTR => (2, item::MAX_XATTR),
            item::FCAPS => (0, item::MAX_XATTR),
            item::ACL_DEFAULT => (RawAclDefault::SIZE, RawAclDefault::SIZE),
            item::ACL_GROUP_OBJ | item::QUOTA_PROJID => (8, 8),
            _ => (RawAclEntry::SIZE, RawAclEntry::SIZE),
        }
    }

    /// Takes in the content of one metadata item, whose size has been checked.
    pub(crate) fn take(&mut self, kind: u64, content: Vec<u8>) -> Result<(), &'static str> {
        match kind {
            item::XATTR => self.xattrs.push(parse_xattr(content)?),
            item::FCAPS => set_once(&mut self.fcaps, Some(content))?,
            item::QUOTA_PROJID => set_once(&mut self.quota_project, number(&content))?,
            item::ACL_GROUP_OBJ => set_once(&mut self.acl.group_obj, number(&content))?,
            item::ACL_DEFAULT => set_once(&mut self.acl.default, acl_default(&content))?,
            _ => {
                let list = match kind {
                    item::ACL_USER => &mut self.acl.users,
                    item::ACL_GROUP => &mut self.acl.groups,
                    item::ACL_DEFAULT_USER => &mut self.acl.default_users,
                    item::ACL_DEFAULT_GROUP => &mut self.acl.default_groups,
                    _ => return Err("no metadata"),
                };
                list.push(acl_entry(&content).ok_or(WRONG_SIZE)?);
            }
        }
        Ok(())
    }
}

const WRONG_SIZE: &str = "a wrong size";

fn append_acl_entries(out: &mut Vec<u8>, kind: u64, entries: &[AclEntry]) {
    for entry in entries {
        let raw = RawAclEntry {
            id: entry.id,
            permissions: entry.permissions,
        };
        item::append(out, kind, &raw.encode());
    }
}

/// `None` as a value means that the content had a wrong size.
fn set_once<T>(slot: &mut Option<T>, value: Option<T>) -> Result<(), &'static str> {
    if slot.is_some() {
        return Err("an item that may stand only once and stands twice");
    }
    *slot = Some(value.ok_or(WRONG_SIZE)?);
    Ok(())
}

fn number(content: &[u8]) -> Option<u64> {
    content.try_into().ok().map(u64::from_le_bytes)
}

fn acl_entry(content: &[u8]) -> Option<AclEntry> {
    let raw = RawAclEntry::decode(content.try_into().ok()?);
    Some(AclEntry {
        id: raw.id,
        permissions: raw.permissions,
    })
}

fn acl_default(content: &[u8]) -> Option<AclDefault> {
    let raw = RawAclDefault::decode(content.try_into().ok()?);
    Some(AclDefault {
        user_obj: raw.user_obj,
        group_obj: raw.group_obj,
        other: raw.other,
        mask: raw.mask,
    })
}

fn parse_xattr(mut content: Vec<u8>) -> Result<Xattr, &'static str> {
    match content.iter().position(|byte| *byte == 0) {
        None => Err("an extended attribute without a zero byte behind its name"),
        Some(0) => Err("an extended attribute without a name"),
        Some(end) => {
            let value = content.split_off(end + 1);
            content.truncate(end);
            Ok(Xattr {
                name: content,
                value,
            })
        }
    }
}
