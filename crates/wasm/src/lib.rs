//! wasm-bindgen shells over formats.
