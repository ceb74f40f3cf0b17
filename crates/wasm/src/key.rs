//! Key files and paper keys in a browser. Passwords come as bytes, not as strings, and are wiped; no key leaves this
//! module: a password is checked, and what is returned is what stands on paper anyway.

use ferrite_formats::key::{
    KeyConfig, KeyError, KeyInfo, PaperKey, Password, Protection, read_paper_key,
};
use serde::Serialize;
use wasm_bindgen::prelude::{JsError, JsValue, wasm_bindgen};

use crate::to_js;

/// What a key file tells without its password.
#[derive(Serialize)]
struct KeyFile {
    #[serde(flatten)]
    info: KeyInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<String>,
}

/// Reads a key file, or a paper key in any form that can be typed or scanned: see `KeyFile`.
#[wasm_bindgen(js_name = openKeyFile)]
pub fn open_key_file(bytes: &[u8]) -> Result<JsValue, JsError> {
    let config = read_paper_key(bytes)?;
    let json = match config.protection {
        Protection::None(_) => None,
        Protection::Password { .. } => Some(String::from_utf8(config.to_json()?.to_vec())?),
    };
    to_js(&KeyFile {
        info: config.info(),
        json,
    })
}

/// Proves that a password (UTF-8) opens the key and that it is the key named; returns its fingerprint. Throws otherwise,
/// with the hint in the message.
#[wasm_bindgen(js_name = checkKeyPassword)]
pub fn check_key_password(bytes: &[u8], password: Vec<u8>) -> Result<String, JsError> {
    let password = Password::new(password)?;
    let key = read_protected(bytes)?.open(&password)?;
    Ok(key.fingerprint().to_string())
}

/// A paper key for the key in `bytes`; `format` is `text` or `html`.
#[wasm_bindgen(js_name = makePaperKey)]
pub fn make_paper_key(
    bytes: &[u8],
    format: &str,
    subject: Option<String>,
) -> Result<String, JsError> {
    let config = read_protected(bytes)?;
    let paper = PaperKey::new(&config, subject.as_deref())?;
    match format {
        "text" => Ok(paper.text().to_string()),
        "html" => Ok(paper.html().to_string()),
        _ => Err(JsError::new(
            "format of a paper key: is neither \"text\" nor \"html\"",
        )),
    }
}

/// A key without password would be printed for all to see, and "opens" with any password.
fn read_protected(bytes: &[u8]) -> Result<KeyConfig, KeyError> {
    let config = read_paper_key(bytes)?;
    match config.protection {
        Protection::None(_) => Err(KeyError::NoPassword),
        Protection::Password { .. } => Ok(config),
    }
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface KeyFile {
  kdf: 'none' | 'scrypt' | 'pbkdf2';
  /** Epoch seconds. */
  created: number;
  modified: number;
  fingerprint?: string;
  hint?: string;
  /** The key file, compact; absent for a key without password. */
  json?: string;
}
"#;
