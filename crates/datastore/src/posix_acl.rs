//! POSIX ACLs: the kernel's extended attributes on one side, the archive's items on the other (datastore.md 13).
//!
//! With an extended ACL the group bits of a file's mode are the ACL's mask, and the permissions of the owning group stand
//! in the ACL alone. The archive therefore holds those (`group_obj`), and takes the mask from the mode.

use ferrite_formats::pxar::{Acl, AclDefault, AclEntry};

/// Extended attribute of the ACL that access is checked by.
pub(crate) const ACCESS: &str = "system.posix_acl_access";
/// Extended attribute of the ACL that new entries of a directory get.
pub(crate) const DEFAULT: &str = "system.posix_acl_default";

const VERSION: u32 = 2;
const ENTRY_BYTES: usize = 8;
const UNDEFINED_ID: u32 = u32::MAX;

const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// Permissions of one entry: read 4, write 2, execute 1.
const PERMISSION_BITS: u64 = 7;

#[derive(Debug, Default)]
struct Parsed {
    user_obj: u64,
    group_obj: u64,
    other: u64,
    mask: Option<u64>,
    users: Vec<AclEntry>,
    groups: Vec<AclEntry>,
}

/// Reads a value of either attribute; `None` when it is not one.
fn parse(value: &[u8]) -> Option<Parsed> {
    let (version, entries) = value.split_first_chunk()?;
    if u32::from_le_bytes(*version) != VERSION || entries.len() % ENTRY_BYTES != 0 {
        return None;
    }
    let mut parsed = Parsed::default();
    for entry in entries.chunks_exact(ENTRY_BYTES) {
        let tag = u16::from_le_bytes([entry[0], entry[1]]);
        let permissions = u64::from(u16::from_le_bytes([entry[2], entry[3]]));
        let id = u64::from(u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]));
        match tag {
            USER_OBJ => parsed.user_obj = permissions,
            USER => parsed.users.push(AclEntry { id, permissions }),
            GROUP_OBJ => parsed.group_obj = permissions,
            GROUP => parsed.groups.push(AclEntry { id, permissions }),
            MASK => parsed.mask = Some(permissions),
            OTHER => parsed.other = permissions,
            _ => return None,
        }
    }
    Some(parsed)
}

/// Puts the value of [`ACCESS`] into `acl`. False when it is not an ACL.
pub(crate) fn read_access(value: &[u8], acl: &mut Acl) -> bool {
    let Some(parsed) = parse(value) else {
        return false;
    };
    // Without a mask it says no more than the mode.
    if parsed.mask.is_some() {
        acl.group_obj = Some(parsed.group_obj);
        acl.users = parsed.users;
        acl.groups = parsed.groups;
    }
    true
}

/// Puts the value of [`DEFAULT`] into `acl`. False when it is not an ACL.
pub(crate) fn read_default(value: &[u8], acl: &mut Acl) -> bool {
    let Some(parsed) = parse(value) else {
        return false;
    };
    acl.default = Some(AclDefault {
        user_obj: parsed.user_obj,
        group_obj: parsed.group_obj,
        other: parsed.other,
        mask: parsed.mask.unwrap_or(u64::MAX),
    });
    acl.default_users = parsed.users;
    acl.default_groups = parsed.groups;
    true
}

/// Value of [`ACCESS`] for an object of this mode; `None` when the mode says all.
pub(crate) fn write_access(acl: &Acl, mode: u64) -> Option<Vec<u8>> {
    if acl.users.is_empty() && acl.groups.is_empty() && acl.group_obj.is_none() {
        return None;
    }
    let of_group = mode >> 3;
    Some(write(
        [mode >> 6, acl.group_obj.unwrap_or(of_group), mode],
        Some(of_group),
        &acl.users,
        &acl.groups,
    ))
}

/// Value of [`DEFAULT`]; `None` when there is no default ACL.
pub(crate) fn write_default(acl: &Acl) -> Option<Vec<u8>> {
    let default = acl.default.as_ref()?;
    let mask = (default.mask != u64::MAX).then_some(default.mask);
    Some(write(
        [default.user_obj, default.group_obj, default.other],
        mask,
        &acl.default_users,
        &acl.default_groups,
    ))
}

/// The kernel wants the entries by tag, those of one tag by id. Ids beyond 32 bits name nobody and are left out.
fn write(
    [user_obj, group_obj, other]: [u64; 3],
    mask: Option<u64>,
    users: &[AclEntry],
    groups: &[AclEntry],
) -> Vec<u8> {
    let mut value = VERSION.to_le_bytes().to_vec();
    let mut push = |tag: u16, permissions: u64, id: u32| {
        value.extend_from_slice(&tag.to_le_bytes());
        value.extend_from_slice(&((permissions & PERMISSION_BITS) as u16).to_le_bytes());
        value.extend_from_slice(&id.to_le_bytes());
    };
    let named = |entries: &[AclEntry]| {
        let mut named: Vec<(u32, u64)> = entries
            .iter()
            .filter_map(|entry| Some((u32::try_from(entry.id).ok()?, entry.permissions)))
            .collect();
        named.sort_unstable();
        named
    };
    push(USER_OBJ, user_obj, UNDEFINED_ID);
    for (id, permissions) in named(users) {
        push(USER, permissions, id);
    }
    push(GROUP_OBJ, group_obj, UNDEFINED_ID);
    for (id, permissions) in named(groups) {
        push(GROUP, permissions, id);
    }
    if let Some(mask) = mask {
        push(MASK, mask, UNDEFINED_ID);
    }
    push(OTHER, other, UNDEFINED_ID);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `setfacl -m u:1000:rw,g:50:r file` on a file of mode 0640, as Linux stores it.
    const EXTENDED: &str = "0200000001000600ffffffff02000600e803000004000400ffffffff080004003200000010000600ffffffff20000000ffffffff";

    #[test]
    fn an_extended_acl() {
        let value = hex::decode(EXTENDED).unwrap();
        let mut acl = Acl::default();
        assert!(read_access(&value, &mut acl));
        assert_eq!(acl.group_obj, Some(4));
        assert_eq!(
            acl.users,
            [AclEntry {
                id: 1000,
                permissions: 6
            }]
        );
        assert_eq!(
            acl.groups,
            [AclEntry {
                id: 50,
                permissions: 4
            }]
        );
        // The mask, rw, is in the mode.
        assert_eq!(write_access(&acl, 0o100_660), Some(value));
    }

    #[test]
    fn a_minimal_acl_is_the_mode() {
        let minimal = write([6, 4, 0], None, &[], &[]);
        let mut acl = Acl::default();
        assert!(read_access(&minimal, &mut acl));
        assert_eq!(acl, Acl::default());
        assert_eq!(write_access(&acl, 0o100_640), None);
        assert!(read_default(&minimal, &mut acl));
        assert_eq!(acl.default.unwrap().mask, u64::MAX);
        assert_eq!(write_default(&acl), Some(minimal));
    }

    #[test]
    fn refuses_other_values() {
        let value = hex::decode(EXTENDED).unwrap();
        let mut acl = Acl::default();
        for bad in [
            &value[..3],
            &value[..value.len() - 1],
            &[1, 0, 0, 0],
            &[2, 0, 0, 0, 9, 9, 0, 0, 0, 0, 0, 0],
        ] {
            assert!(!read_access(bad, &mut acl), "{bad:02x?}");
        }
    }

    proptest! {
        #[test]
        fn default_acls_round_trip(
            [user_obj, group_obj, other] in [0u64..8, 0u64..8, 0u64..8],
            mask in proptest::option::of(0u64..8),
            users in prop::collection::btree_map(0..u64::from(u32::MAX), 0u64..8, 0..5),
            groups in prop::collection::btree_map(0..u64::from(u32::MAX), 0u64..8, 0..5),
        ) {
            let entries = |map: std::collections::BTreeMap<u64, u64>| {
                map.into_iter().map(|(id, permissions)| AclEntry { id, permissions }).collect()
            };
            let acl = Acl {
                default: Some(AclDefault { user_obj, group_obj, other, mask: mask.unwrap_or(u64::MAX) }),
                default_users: entries(users),
                default_groups: entries(groups),
                ..Acl::default()
            };
            let mut read = Acl::default();
            prop_assert!(read_default(&write_default(&acl).unwrap(), &mut read));
            prop_assert_eq!(read, acl);
        }
    }
}
