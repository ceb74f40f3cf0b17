//! Media label (file 0) and media-set label (file 1) of a tape (tape-format.md 4).
//!
//! Both are a content header and a JSON text with its keys in alphabetical order, and nothing behind it. The same keys,
//! without the wrapped tape key, stand in the inventory.

use std::io::Read;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::content_header::{self, ContentError, ContentHeader, ContentKind};
use crate::error::FormatError;
use crate::fingerprint::Fingerprint;
use crate::json;
use crate::uuid_text;

/// What file 0 says: which tape this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaLabel {
    /// When the tape was labelled, in seconds of the Unix epoch.
    pub ctime: i64,
    /// Text on the cartridge, its barcode.
    pub label_text: String,
    /// Pool that the tape is reserved for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Identity of the tape; key of inventory and catalogs.
    #[serde(with = "uuid_text::as_text")]
    pub uuid: Uuid,
}

/// What file 1 says: which media set the tape belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaSetLabel {
    /// When the tape joined the set, in seconds of the Unix epoch.
    pub ctime: i64,
    /// Fingerprint of the tape key, if the set is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_key_fingerprint: Option<Fingerprint>,
    /// Wrapped tape key (tape-format.md 9.3), on tape exactly when there is a fingerprint; never in the inventory.
    #[serde(
        default,
        rename = "key-config",
        skip_serializing_if = "Option::is_none"
    )]
    pub key_config: Option<Value>,
    /// Pool of the set.
    pub pool: String,
    /// Position in the set, from 0.
    pub seq_nr: u64,
    /// Identity of the set; nil means "reserved for the pool, empty" (labels made before 2.4).
    #[serde(with = "uuid_text::as_text")]
    pub uuid: Uuid,
}

/// A structure that is the JSON of a label file.
trait Label: Sized + Serialize + serde::de::DeserializeOwned {
    const KIND: ContentKind;

    /// Rules beyond the types of the keys.
    fn check(&self) -> Result<(), ContentError>;

    fn encode(&self, content_uuid: Uuid, ctime: i64) -> Result<Vec<u8>, ContentError> {
        self.check()?;
        let text = json::print(Self::KIND.name(), self)?;
        content_header::encode(Self::KIND, content_uuid, ctime, &text)
    }

    fn decode(reader: &mut impl Read) -> Result<(ContentHeader, Self), ContentError> {
        let (header, text) = content_header::read(reader)?;
        header.expect(&[Self::KIND])?;
        let mut extra = [0];
        if reader.read(&mut extra)? != 0 {
            return Err(ContentError::TrailingData {
                what: Self::KIND.name(),
            });
        }
        let label: Self = json::parse(Self::KIND.name(), &text)?;
        label.check()?;
        Ok((header, label))
    }
}

impl Label for MediaLabel {
    const KIND: ContentKind = ContentKind::MediaLabel;

    fn check(&self) -> Result<(), ContentError> {
        Ok(())
    }
}

impl Label for MediaSetLabel {
    const KIND: ContentKind = ContentKind::MediaSetLabel;

    fn check(&self) -> Result<(), ContentError> {
        let detail = match (&self.encryption_key_fingerprint, &self.key_config) {
            (_, Some(config)) if !config.is_object() => "\"key-config\" is not an object",
            (None, Some(_)) => "\"key-config\" without \"encryption_key_fingerprint\"",
            _ => return Ok(()),
        };
        Err(FormatError::invalid(Self::KIND.name(), detail).into())
    }
}

impl MediaLabel {
    /// Content of file 0. `content_uuid` and `ctime` are those of the file, not of the tape.
    ///
    /// # Errors
    /// [`ContentError::JsonSize`] for a label text or pool name beyond all bounds.
    pub fn encode(&self, content_uuid: Uuid, ctime: i64) -> Result<Vec<u8>, ContentError> {
        Label::encode(self, content_uuid, ctime)
    }

    /// Reads the content of file 0 to its end.
    ///
    /// # Errors
    /// H1 to H5, and errors of the reader.
    pub fn read(reader: &mut impl Read) -> Result<(ContentHeader, Self), ContentError> {
        Label::decode(reader)
    }
}

impl MediaSetLabel {
    /// The label of a tape that is reserved for a pool but in no set yet (written before 2.4).
    pub fn is_empty_reservation(&self) -> bool {
        self.uuid.is_nil()
    }

    /// The form that the inventory keeps: without the wrapped key.
    pub fn without_key_config(&self) -> Self {
        Self {
            key_config: None,
            ..self.clone()
        }
    }

    /// Content of file 1. `content_uuid` and `ctime` are those of the file, not of the set.
    ///
    /// # Errors
    /// [`ContentError::Json`] for a wrapped key without fingerprint or the other way round, [`ContentError::JsonSize`]
    /// for one beyond all bounds.
    pub fn encode(&self, content_uuid: Uuid, ctime: i64) -> Result<Vec<u8>, ContentError> {
        let mut sorted = self.clone();
        match &mut sorted.key_config {
            Some(config) => config.sort_all_objects(),
            None if self.encryption_key_fingerprint.is_some() => {
                let detail = "an encrypted set needs its wrapped key on the tape";
                return Err(FormatError::invalid(MediaSetLabel::KIND.name(), detail).into());
            }
            None => {}
        }
        Label::encode(&sorted, content_uuid, ctime)
    }

    /// Reads the content of file 1 to its end.
    ///
    /// # Errors
    /// H1 to H5, and errors of the reader.
    pub fn read(reader: &mut impl Read) -> Result<(ContentHeader, Self), ContentError> {
        Label::decode(reader)
    }
}

/// Pool of a tape: that of its set label if there is one, else that of its media label.
pub fn pool_of<'a>(label: &'a MediaLabel, set: Option<&'a MediaSetLabel>) -> Option<&'a str> {
    set.map(|set| set.pool.as_str()).or(label.pool.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_label() -> MediaSetLabel {
        MediaSetLabel {
            ctime: 1,
            encryption_key_fingerprint: None,
            key_config: None,
            pool: "daily".to_owned(),
            seq_nr: 0,
            uuid: Uuid::nil(),
        }
    }

    #[test]
    fn fingerprint_and_wrapped_key_come_together() {
        let fingerprint = Some(Fingerprint::new([1; 32]));
        let key = Some(serde_json::json!({"kdf": null}));
        for (fingerprint, key, good) in [
            (None, None, true),
            (fingerprint, key.clone(), true),
            (fingerprint, None, false),
            (None, key, false),
            (fingerprint, Some(serde_json::json!("text")), false),
        ] {
            let label = MediaSetLabel {
                encryption_key_fingerprint: fingerprint,
                key_config: key,
                ..set_label()
            };
            assert_eq!(label.encode(Uuid::nil(), 1).is_ok(), good, "{label:?}");
        }
    }

    #[test]
    fn the_pool_of_the_set_comes_first() {
        let label = MediaLabel {
            ctime: 1,
            label_text: "T".to_owned(),
            pool: Some("weekly".to_owned()),
            uuid: Uuid::nil(),
        };
        assert_eq!(pool_of(&label, Some(&set_label())), Some("daily"));
        assert_eq!(pool_of(&label, None), Some("weekly"));
        let free = MediaLabel {
            pool: None,
            ..label
        };
        assert_eq!(pool_of(&free, None), None);
        assert!(set_label().is_empty_reservation());
    }
}
