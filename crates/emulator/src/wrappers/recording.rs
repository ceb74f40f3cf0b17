//! Recordings of what went between host and device, and their replay.
//!
//! One JSON object per line and command: `{"cdb":"120000002400","in":{"length":36,"hex":"0180..."},"status":0,"residual":0}`.
//! `out` stands for data to the device, `in` for what came; each with its length, CRC-32 and, up to the limit, its bytes in hex.
//! `sense` is there when the device sent some; `error` instead of a status when the command did not reach the device. Data of
//! SECURITY PROTOCOL OUT may hold keys: of that only the length is recorded.

use std::io::{BufRead, Write};
use std::time::Duration;

use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::{Cdb, Completion, Data, Status, Transport, TransportError};
use serde::{Deserialize, Serialize};

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read.
    #[error("cannot read the recording: {0}")]
    Io(#[from] std::io::Error),
    /// A line is no record.
    #[error("line {line} of the recording: {what}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bytes {
    length: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    cdb: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    out: Option<Bytes>,
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    received: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    #[serde(default)]
    residual: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sense: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0x0F)]));
    }
    text
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() % 2 != 0 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    digits
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

impl Bytes {
    fn of(bytes: &[u8], limit: usize) -> Self {
        Self {
            length: bytes.len(),
            crc: Some(crc32fast::hash(bytes)),
            hex: (bytes.len() <= limit).then(|| to_hex(bytes)),
        }
    }
}

/// Writes down what goes through. Errors of the file are ignored.
pub struct RecordingTransport<T, W> {
    inner: T,
    file: W,
    limit: usize,
}

impl<T: Transport, W: Write + Send> RecordingTransport<T, W> {
    /// Data of up to `limit` bytes per command is recorded whole; only then it can be replayed.
    pub fn new(inner: T, file: W, limit: usize) -> Self {
        Self { inner, file, limit }
    }
}

impl<T: Transport, W: Write + Send> Transport for RecordingTransport<T, W> {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        let mut line = Line {
            cdb: to_hex(cdb.as_bytes()),
            ..Line::default()
        };
        let result = match data {
            Data::In(buffer) => {
                let result = self.inner.execute(cdb, Data::In(&mut *buffer), timeout);
                let residual = match &result {
                    Ok(completion) => completion.residual,
                    Err(_) => buffer.len(),
                };
                let received = buffer.len().saturating_sub(residual);
                line.received = Some(Bytes::of(&buffer[..received], self.limit));
                result
            }
            Data::Out(buffer) => {
                line.out = Some(if cdb.opcode() == OperationCode::SECURITY_PROTOCOL_OUT {
                    Bytes {
                        length: buffer.len(),
                        ..Bytes::default()
                    }
                } else {
                    Bytes::of(buffer, self.limit)
                });
                self.inner.execute(cdb, Data::Out(buffer), timeout)
            }
            Data::None => self.inner.execute(cdb, Data::None, timeout),
        };
        match &result {
            Ok(completion) => {
                line.status = Some(completion.status.into());
                line.residual = completion.residual;
                let sense = completion.sense_bytes();
                line.sense = (!sense.is_empty()).then(|| to_hex(sense));
            }
            Err(error) => line.error = Some(error.to_string()),
        }
        if let Ok(mut text) = serde_json::to_vec(&line) {
            text.push(b'\n');
            let _ = self.file.write_all(&text);
        }
        result
    }
}

/// Answers as the device did that was recorded; to the same commands in the same order.
#[derive(Debug)]
pub struct ReplayTransport {
    lines: std::vec::IntoIter<Line>,
    number: usize,
}

impl ReplayTransport {
    /// Reads a recording.
    ///
    /// # Errors
    /// [`RecordingError`], with the line.
    pub fn new(file: impl BufRead) -> Result<Self, RecordingError> {
        let mut lines = Vec::new();
        for (index, text) in file.lines().enumerate() {
            let wrong = |what: String| RecordingError::Line {
                line: index + 1,
                what,
            };
            let line: Line =
                serde_json::from_str(&text?).map_err(|error| wrong(error.to_string()))?;
            let hex = [
                &line.sense,
                &line.received.as_ref().and_then(|data| data.hex.clone()),
            ]
            .into_iter()
            .flatten()
            .all(|text| from_hex(text).is_some());
            let cdb = from_hex(&line.cdb).and_then(|bytes| Cdb::from_bytes(&bytes));
            if cdb.is_none() || !hex {
                return Err(wrong("no bytes in hex".to_owned()));
            }
            lines.push(line);
        }
        Ok(Self {
            lines: lines.into_iter(),
            number: 0,
        })
    }

    /// Commands that were not asked for yet.
    pub fn remaining(&self) -> usize {
        self.lines.len()
    }

    fn differs(&self, what: String) -> TransportError {
        TransportError::System {
            message: format!("line {} of the recording: {what}", self.number),
        }
    }
}

impl Transport for ReplayTransport {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        _timeout: Duration,
    ) -> Result<Completion, TransportError> {
        self.number += 1;
        let line = self
            .lines
            .next()
            .ok_or_else(|| self.differs(format!("{cdb:?} behind the end")))?;
        if line.cdb != to_hex(cdb.as_bytes()) {
            return Err(self.differs(format!("{cdb:?} instead of {}", line.cdb)));
        }
        match (data, line.out, line.received) {
            (Data::None, None, None) => {}
            (Data::Out(sent), Some(recorded), None) => {
                let same = sent.len() == recorded.length
                    && recorded.crc.is_none_or(|crc| crc == crc32fast::hash(sent));
                if !same {
                    return Err(self.differs("other data for the device".to_owned()));
                }
            }
            (Data::In(buffer), None, Some(recorded)) => {
                let bytes = match &recorded.hex {
                    Some(hex) => from_hex(hex).unwrap_or_default(),
                    None if recorded.length == 0 => Vec::new(),
                    None => return Err(self.differs("the data was not recorded".to_owned())),
                };
                let room = buffer
                    .get_mut(..bytes.len())
                    .ok_or_else(|| self.differs("less room for data".to_owned()))?;
                room.copy_from_slice(&bytes);
            }
            _ => return Err(self.differs("another kind of data".to_owned())),
        }
        match (line.status, line.error) {
            (Some(status), _) => {
                let sense = line.sense.as_deref().and_then(from_hex).unwrap_or_default();
                Ok(match Status::from(status) {
                    Status::CheckCondition => Completion::check_condition(&sense, line.residual),
                    status => Completion::with_status(status, line.residual),
                })
            }
            (None, message) => Err(TransportError::System {
                message: message.unwrap_or_default(),
            }),
        }
    }
}
