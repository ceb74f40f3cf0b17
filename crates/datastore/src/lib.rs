//! PBS datastores: snapshots, chunks, locks, verify, import, extract.
