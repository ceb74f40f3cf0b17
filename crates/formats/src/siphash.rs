//! Name hash of pxar archives: SipHash-2-4 with a fixed key (tape-format.md 6.2, datastore.md 13).

use siphasher::sip::SipHasher24;
use std::hash::Hasher;

/// First half of the key. Both halves are the start of SHA-1 of `PROXMOX ARCHIVE FORMAT`, read big endian.
pub const KEY_0: u64 = 0x83ac_3f1c_fbb4_50db;
/// Second half of the key.
pub const KEY_1: u64 = 0xaa4f_1b68_7936_9fbd;

/// Hash of a file name (without its terminating zero), as sorted on in goodbye tables.
pub fn name_hash(name: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(KEY_0, KEY_1);
    hasher.write(name);
    hasher.finish()
}
