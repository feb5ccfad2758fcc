//! Everything on disk.
