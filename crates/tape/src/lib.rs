//! What lies on a tape: its files, catalogs and the mapped chunk index.
