//! The threads that keep a drive streaming: backup, restore, scan.
