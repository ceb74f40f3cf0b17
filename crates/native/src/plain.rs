//! Plain objects that several calls share.

use napi_derive::napi;

/// Numeric owner for files that are created.
#[napi(object)]
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl From<Owner> for ferrite_datastore::Owner {
    fn from(owner: Owner) -> Self {
        Self {
            uid: owner.uid,
            gid: owner.gid,
        }
    }
}

impl From<Owner> for ferrite_tape::Owner {
    fn from(owner: Owner) -> Self {
        Self {
            uid: owner.uid,
            gid: owner.gid,
        }
    }
}
