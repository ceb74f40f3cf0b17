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
