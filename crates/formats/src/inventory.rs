//! `inventory.json`: every tape known, with its labels, place and status (tape-format.md 8.1).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use uuid::Uuid;

use crate::error::{FormatError, Result};
use crate::json;
use crate::label::{MediaLabel, MediaSetLabel};

const WHAT: &str = "inventory";

/// What is remembered of a tape beyond its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaStatus {
    /// Can be appended to.
    Writable,
    /// No room left.
    Full,
    /// Nothing is known.
    Unknown,
    /// Do not use any more.
    Damaged,
    /// Taken out of service by the user.
    Retired,
}

impl MediaStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Writable,
        Self::Full,
        Self::Unknown,
        Self::Damaged,
        Self::Retired,
    ];

    /// The word in the inventory.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Writable => "writable",
            Self::Full => "full",
            Self::Unknown => "unknown",
            Self::Damaged => "damaged",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for MediaStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MediaStatus {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                FormatError::invalid(
                    "media status",
                    format!("\"{}\" is unknown", text.escape_debug()),
                )
            })
    }
}

/// Where a tape is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MediaLocation {
    /// On a shelf.
    Offline,
    /// In the changer (or virtual drive) of this name.
    Online(String),
    /// In the vault of this name.
    Vault(String),
}

impl fmt::Display for MediaLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline => f.write_str("offline"),
            Self::Online(changer) => write!(f, "online-{changer}"),
            Self::Vault(vault) => write!(f, "vault-{vault}"),
        }
    }
}

impl FromStr for MediaLocation {
    type Err = FormatError;

    /// Parses `offline`, `online-<changer>`, `vault-<vault>`. Any name will do: rules for names are checked where names
    /// are given, and an old one must not make the inventory unreadable.
    fn from_str(text: &str) -> Result<Self> {
        let named = |prefix: &str| text.strip_prefix(prefix).filter(|name| !name.is_empty());
        if text == "offline" {
            Ok(Self::Offline)
        } else if let Some(changer) = named("online-") {
            Ok(Self::Online(changer.to_owned()))
        } else if let Some(vault) = named("vault-") {
            Ok(Self::Vault(vault.to_owned()))
        } else {
            Err(FormatError::invalid(
                "media location",
                format!("\"{}\" is no place", text.escape_debug()),
            ))
        }
    }
}

impl Serialize for MediaLocation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MediaLocation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// Labels of a tape, as last seen on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaId {
    /// File 0.
    pub label: MediaLabel,
    /// File 1, without the wrapped key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_set_label: Option<MediaSetLabel>,
}

/// One tape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryEntry {
    /// Native capacity used, in bytes, from the volume statistics of the drive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_used: Option<u64>,
    /// Labels.
    pub id: MediaId,
    /// Where the tape is; missing means offline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<MediaLocation>,
    /// Stored status; missing means unknown. PBS stores only full, damaged and retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<MediaStatus>,
}

/// Reads the text of an inventory; entries come sorted by media UUID. A tape that stands twice counts with its last entry.
/// (A missing file is the caller's affair: it means no tapes.)
///
/// # Errors
/// [`FormatError::Invalid`] naming what is wrong (I1).
pub fn parse(text: &[u8]) -> Result<Vec<InventoryEntry>> {
    let entries: Vec<InventoryEntry> = json::parse(WHAT, text)?;
    let sorted: BTreeMap<Uuid, InventoryEntry> = entries
        .into_iter()
        .map(|mut entry| {
            if let Some(set) = &mut entry.id.media_set_label {
                set.key_config = None;
            }
            (entry.id.label.uuid, entry)
        })
        .collect();
    Ok(sorted.into_values().collect())
}

/// The text of an inventory, exactly as PBS writes it: sorted by media UUID, without wrapped keys, no newline at the end.
///
/// # Errors
/// [`FormatError::Invalid`] when a tape stands twice.
pub fn print(entries: &[InventoryEntry]) -> Result<Vec<u8>> {
    let mut sorted: Vec<InventoryEntry> = entries.to_vec();
    sorted.sort_by_key(|entry| entry.id.label.uuid);
    if let Some(pair) = sorted
        .windows(2)
        .find(|pair| pair[0].id.label.uuid == pair[1].id.label.uuid)
    {
        return Err(FormatError::invalid(
            WHAT,
            format!("tape {} stands twice", pair[0].id.label.uuid),
        ));
    }
    for entry in &mut sorted {
        if let Some(set) = &mut entry.id.media_set_label {
            set.key_config = None;
        }
    }
    json::print(WHAT, &sorted)
}

/// Two tapes that claim the same place in a media set (I1), if there are any. Reservations without a set do not count.
pub fn duplicate_member(entries: &[InventoryEntry]) -> Option<(&InventoryEntry, &InventoryEntry)> {
    let mut places = BTreeMap::new();
    entries.iter().find_map(|entry| {
        let set = entry.id.media_set_label.as_ref()?;
        if set.is_empty_reservation() {
            return None;
        }
        places
            .insert((set.uuid, set.seq_nr), entry)
            .map(|earlier| (earlier, entry))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_their_texts_correspond() {
        for (text, place) in [
            ("offline", MediaLocation::Offline),
            ("online-lib1", MediaLocation::Online("lib1".to_owned())),
            ("vault-a-b", MediaLocation::Vault("a-b".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(place.clone()));
            assert_eq!(place.to_string(), text);
        }
        for bad in ["", "online", "online-", "vault-", "Offline", "offline "] {
            assert!(bad.parse::<MediaLocation>().is_err(), "{bad}");
        }
    }

    #[test]
    fn statuses_and_their_texts_correspond() {
        for status in MediaStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(json, format!("\"{status}\""));
        }
        assert!("Full".parse::<MediaStatus>().is_err());
    }

    fn entry(json: &str) -> Result<Vec<InventoryEntry>> {
        parse(json.as_bytes())
    }

    #[test]
    fn what_is_wrong_is_told() {
        let label = r#"{"ctime":1,"label_text":"T","uuid":"0a1b2c3d4e5f4a6b8c7d8e9fa0b1c2d3"}"#;
        let good = format!(r#"[{{"id":{{"label":{label}}},"unknown":1}}]"#);
        assert_eq!(entry(&good).unwrap().len(), 1);
        for (json, word) in [
            ("{}".to_owned(), "sequence"),
            ("[".to_owned(), "EOF"),
            (good.replace("label_text", "changer_id"), "label_text"),
            (good.replace("0a1b", "0x1b"), "not a UUID"),
            (good.replace(r#""unknown":1"#, r#""status":"gone""#), "gone"),
            (
                good.replace(r#""unknown":1"#, r#""location":"online""#),
                "no place",
            ),
            (good.replace(r#""unknown":1"#, r#""bytes_used":-1"#), "-1"),
        ] {
            let message = entry(&json).unwrap_err().to_string();
            assert!(
                message.starts_with("inventory: ") && message.contains(word),
                "{message}"
            );
        }
    }

    #[test]
    fn a_tape_that_stands_twice_counts_once_and_is_not_printed() {
        let label = r#"{"ctime":1,"label_text":"T","uuid":"0a1b2c3d4e5f4a6b8c7d8e9fa0b1c2d3"}"#;
        let row = |status: &str| format!(r#"{{"id":{{"label":{label}}},"status":"{status}"}}"#);
        let entries = entry(&format!("[{},{}]", row("full"), row("retired"))).unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].status, Some(MediaStatus::Retired));
        let twice = [entries[0].clone(), entries[0].clone()];
        assert!(print(&twice).is_err());
    }

    #[test]
    fn two_tapes_at_one_place_of_a_set_are_found() {
        let row = |id: u8, seq_nr: u64, set: u128| InventoryEntry {
            bytes_used: None,
            id: MediaId {
                label: MediaLabel {
                    ctime: 1,
                    label_text: format!("T{id}"),
                    pool: None,
                    uuid: Uuid::from_bytes([id; 16]),
                },
                media_set_label: Some(MediaSetLabel {
                    ctime: 1,
                    encryption_key_fingerprint: None,
                    key_config: None,
                    pool: "daily".to_owned(),
                    seq_nr,
                    uuid: Uuid::from_u128(set),
                }),
            },
            location: None,
            status: None,
        };
        let apart = [
            row(1, 0, 9),
            row(2, 1, 9),
            row(3, 0, 8),
            row(4, 0, 0),
            row(5, 0, 0),
        ];
        assert!(duplicate_member(&apart).is_none());
        let twice = [row(1, 0, 9), row(2, 1, 9), row(3, 1, 9)];
        let (a, b) = duplicate_member(&twice).unwrap();
        assert_eq!(
            (
                a.id.label.label_text.as_str(),
                b.id.label.label_text.as_str()
            ),
            ("T2", "T3")
        );
    }
}
