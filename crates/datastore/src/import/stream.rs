//! A byte stream on its way into a dynamic index: cut where its content says, chunks handed to the pool.

use std::io::{self, Write};
use std::sync::Arc;

use ferrite_formats::chunker::{Chunker, DEFAULT_AVERAGE_BYTES};

use super::chunk_pool::{ChunkPool, StreamChunks};
use crate::error::{FormatContext, Result};

/// Writer that cuts what it gets into chunks.
pub(super) struct ChunkedStream<'p> {
    pool: &'p ChunkPool<'p>,
    chunker: Chunker,
    chunks: Arc<StreamChunks>,
    number: usize,
    buffer: Vec<u8>,
}

impl<'p> ChunkedStream<'p> {
    pub(super) fn new(pool: &'p ChunkPool<'p>) -> Result<Self> {
        Ok(Self {
            pool,
            chunker: Chunker::new(DEFAULT_AVERAGE_BYTES).of("chunker")?,
            chunks: Arc::default(),
            number: 0,
            buffer: pool.buffer(),
        })
    }

    /// Hands over the last chunk. The chunks are complete once the pool has ended.
    pub(super) fn finish(mut self) -> Result<Arc<StreamChunks>> {
        if !self.buffer.is_empty() {
            self.cut()?;
        }
        Ok(self.chunks)
    }

    /// Appends.
    pub(super) fn append(&mut self, mut data: &[u8]) -> Result<()> {
        while let Some(end) = self.chunker.scan(data) {
            self.buffer.extend_from_slice(&data[..end]);
            data = &data[end..];
            self.cut()?;
        }
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        let data = std::mem::replace(&mut self.buffer, self.pool.buffer());
        self.pool.store(&self.chunks, self.number, data)?;
        self.number += 1;
        Ok(())
    }
}

impl Write for ChunkedStream<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // An `io::Error` cannot carry the failure: the pool keeps it for whoever sees this one.
        self.append(data).map_err(|error| {
            let told = io::Error::other(error.to_string());
            self.pool.fail(error);
            told
        })?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
