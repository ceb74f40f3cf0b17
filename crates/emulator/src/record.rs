//! A record that is replaced whole or not at all, wherever a process is killed: two slots written by turns, of which the newest
//! intact one counts.
//!
//! Why not write a new file and rename it: the record lies in files that are locked while they are used (a lock belongs to the
//! file, not to its name), and a cartridge is to be one file.

use std::io;

use crate::cartridge::Store;

/// Two slots behind each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordPlace {
    /// Where the first slot begins, in bytes.
    pub offset: u64,
    /// Room of one slot in bytes, its header included.
    pub slot_bytes: u64,
}

/// A record as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Number of this version; the next one is written with one more.
    pub version: u64,
    /// What is in it.
    pub payload: Vec<u8>,
}

const MAGIC: [u8; 4] = *b"FREC";
/// Magic, length of the payload, version, CRC-32 over length, version and payload.
const HEADER_BYTES: usize = 20;

impl RecordPlace {
    /// Bytes of both slots.
    pub const fn bytes(self) -> u64 {
        2 * self.slot_bytes
    }

    /// The newest intact version; `None` if there is none.
    pub fn read(self, store: &dyn Store) -> io::Result<Option<Record>> {
        let mut newest: Option<Record> = None;
        for slot in 0..2 {
            if let Some(record) = self.read_slot(store, slot)? {
                if newest
                    .as_ref()
                    .is_none_or(|other| record.version > other.version)
                {
                    newest = Some(record);
                }
            }
        }
        Ok(newest)
    }

    fn read_slot(self, store: &dyn Store, slot: u64) -> io::Result<Option<Record>> {
        let at = self.offset + slot * self.slot_bytes;
        let mut header = [0; HEADER_BYTES];
        if store.read_at(&mut header, at)? < HEADER_BYTES || header[..4] != MAGIC {
            return Ok(None);
        }
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        if u64::from(length) > self.slot_bytes - HEADER_BYTES as u64 {
            return Ok(None);
        }
        let mut payload = vec![0; length as usize];
        if store.read_at(&mut payload, at + HEADER_BYTES as u64)? < payload.len() {
            return Ok(None);
        }
        let stored = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
        if checksum(&header, &payload) != stored {
            return Ok(None);
        }
        let mut version = [0; 8];
        version.copy_from_slice(&header[8..16]);
        Ok(Some(Record {
            version: u64::from_le_bytes(version),
            payload,
        }))
    }

    /// Writes `version` into the slot that the version before it is not in.
    pub fn write(self, store: &mut dyn Store, version: u64, payload: &[u8]) -> io::Result<()> {
        let room = self.slot_bytes - HEADER_BYTES as u64;
        let length = u32::try_from(payload.len())
            .ok()
            .filter(|&length| u64::from(length) <= room)
            .ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::StorageFull,
                    format!(
                        "a record of {} bytes does not fit into {room}",
                        payload.len()
                    ),
                )
            })?;
        // A drive's state may hold a key.
        let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(HEADER_BYTES + payload.len()));
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        let checksum = checksum(&bytes, payload);
        bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(payload);
        store.write_at(&bytes, self.offset + (version % 2) * self.slot_bytes)
    }
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[4..16]);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cartridge::MemoryStore;

    const PLACE: RecordPlace = RecordPlace {
        offset: 100,
        slot_bytes: 64,
    };

    #[test]
    fn the_newest_intact_version_counts() {
        let mut store = MemoryStore::default();
        assert_eq!(PLACE.read(&store).unwrap(), None);
        for version in 1..=5 {
            PLACE
                .write(&mut store, version, &[version as u8; 9])
                .unwrap();
        }
        let record = PLACE.read(&store).unwrap().unwrap();
        assert_eq!((record.version, record.payload), (5, vec![5; 9]));
        // Cut off anywhere in the middle of version 6 it is still 5.
        for bytes in 0..29 {
            let mut whole = MemoryStore::default();
            PLACE.write(&mut whole, 6, &[6; 9]).unwrap();
            let mut part = vec![0; bytes];
            whole.read_at(&mut part, 100).unwrap();
            store.write_at(&part, 100).unwrap();
            assert_eq!(PLACE.read(&store).unwrap().unwrap().version, 5, "{bytes}");
        }
        assert!(PLACE.write(&mut store, 7, &[0; 45]).is_err());
    }
}
