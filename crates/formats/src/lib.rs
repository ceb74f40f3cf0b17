//! Pure bytes <-> structures of PBS tapes and datastores.
