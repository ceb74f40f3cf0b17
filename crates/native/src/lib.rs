//! napi-rs shells over the Rust core.
