//! A transport that writes every command down (`--trace-scsi`).

use std::fmt::Write as _;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::opcode::OperationCode;
use crate::transport::{Cdb, Completion, Data, Status, Transport, TransportError};

/// Bytes of data shown per command; blocks of 256 KiB are nobody's reading.
const SHOWN_BYTES: usize = 64;
const BYTES_PER_LINE: usize = 16;

/// Wraps a transport; writes one paragraph per command to `log`. Errors of the log are ignored. Keys are not shown.
pub struct TraceTransport<T, W> {
    inner: T,
    log: W,
    text: String,
}

impl<T: Transport, W: Write + Send> TraceTransport<T, W> {
    /// Traces what goes through `inner`.
    pub fn new(inner: T, log: W) -> Self {
        Self {
            inner,
            log,
            text: String::new(),
        }
    }
}

impl<T: Transport, W: Write + Send> Transport for TraceTransport<T, W> {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        self.text.clear();
        let _ = writeln!(self.text, "{cdb:?}");
        let start = Instant::now();
        let result = match data {
            Data::In(buffer) => {
                let result = self.inner.execute(cdb, Data::In(&mut *buffer), timeout);
                if let Ok(completion) = &result {
                    let received = buffer.len().saturating_sub(completion.residual);
                    dump(&mut self.text, "in ", &buffer[..received]);
                }
                result
            }
            Data::Out(buffer) => {
                if cdb.opcode() == OperationCode::SECURITY_PROTOCOL_OUT {
                    let _ = writeln!(
                        self.text,
                        "  out {} bytes (not shown: may hold a key)",
                        buffer.len()
                    );
                } else {
                    dump(&mut self.text, "out", buffer);
                }
                self.inner.execute(cdb, Data::Out(buffer), timeout)
            }
            Data::None => self.inner.execute(cdb, Data::None, timeout),
        };
        self.outcome(&result, start.elapsed());
        let _ = self.log.write_all(self.text.as_bytes());
        result
    }
}

impl<T, W> TraceTransport<T, W> {
    fn outcome(&mut self, result: &Result<Completion, TransportError>, elapsed: Duration) {
        let micros = elapsed.as_micros();
        let _ = match result {
            Err(error) => writeln!(self.text, "  {error} ({micros} us)"),
            Ok(completion) => match completion.sense() {
                None => writeln!(self.text, "  {:?} ({micros} us)", completion.status),
                Some(Ok(sense)) => writeln!(self.text, "  {sense} ({micros} us)"),
                Some(Err(error)) => writeln!(self.text, "  {error} ({micros} us)"),
            },
        };
        if let Ok(completion) = result {
            if completion.status == Status::CheckCondition {
                dump(&mut self.text, "sense", completion.sense_bytes());
            }
            if let Some(detail) = &completion.detail {
                let _ = writeln!(self.text, "  {detail}");
            }
        }
    }
}

fn dump(text: &mut String, name: &str, bytes: &[u8]) {
    let _ = writeln!(text, "  {name} {} bytes", bytes.len());
    for (line, chunk) in bytes[..bytes.len().min(SHOWN_BYTES)]
        .chunks(BYTES_PER_LINE)
        .enumerate()
    {
        let _ = write!(text, "    {:04x} ", line * BYTES_PER_LINE);
        for byte in chunk {
            let _ = write!(text, " {byte:02x}");
        }
        text.push('\n');
    }
    if bytes.len() > SHOWN_BYTES {
        text.push_str("    ...\n");
    }
}
