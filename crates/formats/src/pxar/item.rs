//! Items: the only building block of an archive. A type, a size that counts these 16 bytes too, and content.

use crate::layout::{Pad, wire_struct};

/// Item: stat of an object.
pub const ENTRY: u64 = 0xd595_6474_e588_acef;
/// Item: stat of an object in old archives; only read.
pub const ENTRY_V1: u64 = 0x11da_850a_1c1c_ceff;
/// Item: name of a child, in front of the child.
pub const FILENAME: u64 = 0x1670_1121_0639_17b3;
/// Item: target of a symbolic link.
pub const SYMLINK: u64 = 0x27f9_71e7_dbf5_dc5f;
/// Item: device numbers.
pub const DEVICE: u64 = 0x9fc9_e906_586d_5ce9;
/// Item: extended attribute.
pub const XATTR: u64 = 0x0dab_0229_b57d_cd03;
/// Item: ACL entry of a user.
pub const ACL_USER: u64 = 0x2ce8_540a_457d_55b8;
/// Item: ACL entry of a group.
pub const ACL_GROUP: u64 = 0x136e_3ece_b04c_03ab;
/// Item: ACL entry of the owning group.
pub const ACL_GROUP_OBJ: u64 = 0x1086_8031_e958_2876;
/// Item: default ACL of a directory.
pub const ACL_DEFAULT: u64 = 0xbbbb_1341_5a68_96f5;
/// Item: default ACL entry of a user.
pub const ACL_DEFAULT_USER: u64 = 0xc893_57b4_0532_cd1f;
/// Item: default ACL entry of a group.
pub const ACL_DEFAULT_GROUP: u64 = 0xf90a_8a58_1603_8ffe;
/// Item: file capabilities.
pub const FCAPS: u64 = 0x2da9_dd9d_b5f7_fb67;
/// Item: quota project.
pub const QUOTA_PROJID: u64 = 0xe075_40e8_2f7d_1cbb;
/// Item: hard link to an earlier entry.
pub const HARDLINK: u64 = 0x5126_9c84_22bd_7275;
/// Item: content of a regular file.
pub const PAYLOAD: u64 = 0x2814_7a1b_0b7c_1a25;
/// Item: end of a directory, with its lookup table.
pub const GOODBYE: u64 = 0x2fec_4fa6_42d5_731d;
/// Item: version of newer archives, in front of the root.
pub const FORMAT_VERSION: u64 = 0x730f_6c75_df16_a40d;
/// Item: free data behind the version of newer archives.
pub const PRELUDE: u64 = 0xe309_d79d_9f7b_771b;
/// Not an item: hash value that marks the last record of a lookup table.
pub const GOODBYE_TAIL: u64 = 0xef5e_ed5b_753e_1555;

/// Item types with the text whose name hash they are, and the name used in messages.
pub const TABLE: &[(u64, &str, &str)] = &[
    (ENTRY, "__PROXMOX_FORMAT_ENTRY_V2__", "ENTRY"),
    (ENTRY_V1, "__PROXMOX_FORMAT_ENTRY__", "ENTRY_V1"),
    (FILENAME, "__PROXMOX_FORMAT_FILENAME__", "FILENAME"),
    (SYMLINK, "__PROXMOX_FORMAT_SYMLINK__", "SYMLINK"),
    (DEVICE, "__PROXMOX_FORMAT_DEVICE__", "DEVICE"),
    (XATTR, "__PROXMOX_FORMAT_XATTR__", "XATTR"),
    (ACL_USER, "__PROXMOX_FORMAT_ACL_USER__", "ACL_USER"),
    (ACL_GROUP, "__PROXMOX_FORMAT_ACL_GROUP__", "ACL_GROUP"),
    (
        ACL_GROUP_OBJ,
        "__PROXMOX_FORMAT_ACL_GROUP_OBJ__",
        "ACL_GROUP_OBJ",
    ),
    (ACL_DEFAULT, "__PROXMOX_FORMAT_ACL_DEFAULT__", "ACL_DEFAULT"),
    (
        ACL_DEFAULT_USER,
        "__PROXMOX_FORMAT_ACL_DEFAULT_USER__",
        "ACL_DEFAULT_USER",
    ),
    (
        ACL_DEFAULT_GROUP,
        "__PROXMOX_FORMAT_ACL_DEFAULT_GROUP__",
        "ACL_DEFAULT_GROUP",
    ),
    (FCAPS, "__PROXMOX_FORMAT_FCAPS__", "FCAPS"),
    (
        QUOTA_PROJID,
        "__PROXMOX_FORMAT_QUOTA_PROJID__",
        "QUOTA_PROJID",
    ),
    (HARDLINK, "__PROXMOX_FORMAT_HARDLINK__", "HARDLINK"),
    (PAYLOAD, "__PROXMOX_FORMAT_PXAR_PAYLOAD__", "PAYLOAD"),
    (GOODBYE, "__PROXMOX_FORMAT_GOODBYE__", "GOODBYE"),
    (
        FORMAT_VERSION,
        "__PROXMOX_FORMAT_VERSION__",
        "FORMAT_VERSION",
    ),
    (PRELUDE, "__PROXMOX_FORMAT_PRELUDE__", "PRELUDE"),
    (
        GOODBYE_TAIL,
        "__PROXMOX_FORMAT_PXAR_GOODBYE_TAIL_MARKER__",
        "GOODBYE_TAIL",
    ),
];

/// Name of an item type for messages.
pub fn name(kind: u64) -> Option<&'static str> {
    TABLE
        .iter()
        .find(|(known, ..)| *known == kind)
        .map(|(_, _, name)| *name)
}

/// Longest name of a file, in bytes.
pub const MAX_NAME: usize = 4096;
/// Longest target of a symbolic link, in bytes.
pub const MAX_SYMLINK: usize = 4096;
/// Largest content of an extended attribute (name, zero, value), of file capabilities, and (our bound) of a hard link.
pub const MAX_XATTR: usize = 65_791;

wire_struct! {
    /// Head of every item.
    struct ItemHeader: 16 { kind: u64, full_size: u64 }
}

wire_struct! {
    struct RawStat: 40 {
        mode: u64,
        flags: u64,
        uid: u32,
        gid: u32,
        mtime_secs: i64,
        mtime_nanos: u32,
        zero: Pad<4>,
    }
}

wire_struct! {
    struct RawStatV1: 32 { mode: u64, flags: u64, uid: u32, gid: u32, mtime_nanos: u64 }
}

wire_struct! {
    struct RawDevice: 16 { major: u64, minor: u64 }
}

wire_struct! {
    struct RawAclEntry: 16 { id: u64, permissions: u64 }
}

wire_struct! {
    struct RawAclDefault: 32 { user_obj: u64, group_obj: u64, other: u64, mask: u64 }
}

/// Bytes of the head of an item.
pub const HEADER_SIZE: usize = ItemHeader::SIZE;
/// Bytes of the content of an ENTRY item.
pub const STAT_SIZE: usize = RawStat::SIZE;

/// Appends the head of an item whose content has `content_size` bytes.
pub(crate) fn append_header(out: &mut Vec<u8>, kind: u64, content_size: u64) {
    let header = ItemHeader {
        kind,
        full_size: content_size.saturating_add(HEADER_SIZE as u64),
    };
    out.extend_from_slice(&header.encode());
}

/// Appends a whole item.
pub(crate) fn append(out: &mut Vec<u8>, kind: u64, content: &[u8]) {
    append_header(out, kind, content.len() as u64);
    out.extend_from_slice(content);
}

/// Appends an item whose content is a text and its terminating zero.
pub(crate) fn append_text(out: &mut Vec<u8>, kind: u64, text: &[u8]) {
    append_header(out, kind, text.len() as u64 + 1);
    out.extend_from_slice(text);
    out.push(0);
}

/// Checks the name of a child: 1 to 4096 bytes, no slash, no zero, not `.` or `..`.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &[u8]) -> Result<(), &'static str> {
    match name {
        b"" => Err("an empty name"),
        b"." | b".." => Err("the name . or .."),
        _ if name.len() > MAX_NAME => Err("a name of more than 4096 bytes"),
        _ if name.contains(&b'/') => Err("a name with a slash"),
        _ if name.contains(&0) => Err("a name with a zero byte"),
        _ => Ok(()),
    }
}

/// Checks the target of a symbolic link: 1 to 4096 bytes, no zero.
///
/// # Errors
/// What is wrong with it.
pub fn check_symlink(target: &[u8]) -> Result<(), &'static str> {
    match target {
        b"" => Err("an empty link target"),
        _ if target.len() > MAX_SYMLINK => Err("a link target of more than 4096 bytes"),
        _ if target.contains(&0) => Err("a link target with a zero byte"),
        _ => Ok(()),
    }
}

/// Checks the target of a hard link: a path below the archive root, each component a possible name.
///
/// # Errors
/// What is wrong with it.
pub fn check_hardlink(target: &[u8]) -> Result<(), &'static str> {
    if target.len() + 9 > MAX_XATTR {
        return Err("a hard link target that is too long");
    }
    target.split(|byte| *byte == b'/').try_for_each(check_name)
}
