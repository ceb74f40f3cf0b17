//! Paper keys: a key config to be printed, as text and as a page, with a QR code of the same JSON (keys.md 5).

use zeroize::Zeroizing;

use super::base64_text;
use super::config::KeyConfig;
use super::error::Result;
use super::qr::QrSymbol;
use crate::error::FormatError;

/// Line before the JSON.
pub const BEGIN_MARKER: &str = "-----BEGIN PROXMOX BACKUP KEY-----";
/// Line after the JSON.
pub const END_MARKER: &str = "-----END PROXMOX BACKUP KEY-----";

const MAX_SUBJECT_CHARS: usize = 1024;

const PAGE_HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<title>Proxmox Backup Paperkey</title>
<style type="text/css">
p {
  font-size: 12pt;
  font-family: monospace;
  white-space: pre-wrap;
  line-break: anywhere;
}
</style>
</head>
<body>
"#;

/// A key config ready to be printed. What it gives can hold a key (kdf "none") and is wiped when dropped.
pub struct PaperKey<'a> {
    json: Zeroizing<String>,
    subject: Option<&'a str>,
    qr: QrSymbol,
}

impl<'a> PaperKey<'a> {
    /// Lays out a key config under an optional subject.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for a subject of several lines, with control characters or above 1024 characters;
    /// [`FormatError::TooLarge`] when the hint is too long for a QR code.
    pub fn new(config: &KeyConfig, subject: Option<&'a str>) -> Result<Self> {
        if let Some(subject) = subject {
            if subject.chars().any(char::is_control) || subject.chars().count() > MAX_SUBJECT_CHARS
            {
                let rule = "is not one line of at most 1024 characters without control characters";
                return Err(FormatError::invalid("subject of a paper key", rule).into());
            }
        }
        let json = config.to_json_pretty()?;
        let qr = QrSymbol::encode(&json)?;
        let json = Zeroizing::new(String::from_utf8_lossy(&json).into_owned());
        Ok(Self { json, subject, qr })
    }

    /// The QR code: the JSON without markers.
    pub fn qr(&self) -> &QrSymbol {
        &self.qr
    }

    /// The text format: subject, JSON between its markers, QR code of block characters.
    pub fn text(&self) -> Zeroizing<String> {
        let subject = self
            .subject
            .map_or_else(String::new, |subject| format!("Subject: {subject}\n\n"));
        Zeroizing::new(format!(
            "{subject}{BEGIN_MARKER}\n{}\n{END_MARKER}\n{}\n",
            *self.json,
            *Zeroizing::new(self.qr.blocks())
        ))
    }

    /// The page: the same as one document without references to others.
    pub fn html(&self) -> Zeroizing<String> {
        let subject = self.subject.map_or_else(String::new, |subject| {
            format!("<p>Subject: {}</p>\n", escape_html(subject))
        });
        let svg = Zeroizing::new(self.qr.svg());
        let image = Zeroizing::new(base64_text::encode_unpadded(svg.as_bytes()));
        let json = escape_in_json(&self.json);
        Zeroizing::new(format!(
            "{PAGE_HEAD}{subject}<div style=\"page-break-inside: avoid\">\n<p>\n{BEGIN_MARKER}\n{}\n{END_MARKER}\n</p>\n\
             <center>\n<img\nwidth=\"500pt\" height=\"500pt\"\nsrc=\"data:image/svg+xml;base64,{}\"/>\n</center>\n\
             </div>\n</body>\n</html>\n",
            *json, *image
        ))
    }
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Makes JSON safe between tags and leaves it JSON, so that a reader which knows no entities takes it from the page.
fn escape_in_json(json: &str) -> Zeroizing<String> {
    let ampersands = Zeroizing::new(json.replace('&', "\\u0026"));
    let opened = Zeroizing::new(ampersands.replace('<', "\\u003c"));
    Zeroizing::new(opened.replace('>', "\\u003e"))
}
