//! Text fields in device data: ASCII, padded with blanks or NUL, sometimes with garbage behind a NUL.

/// Bytes before the first NUL, without blanks at either end (since-3.2.4.md B7). Invalid UTF-8 becomes U+FFFD.
pub fn field(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end])
        .trim_matches(' ')
        .to_owned()
}

/// Writes `text` padded with blanks, cut at a character boundary.
pub fn put(field: &mut [u8], text: &str) {
    let length = cut(text, field.len());
    field.fill(b' ');
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}

/// Longest prefix of `text` that fits `bytes` bytes and ends at a character boundary, in bytes.
pub fn cut(text: &str, bytes: usize) -> usize {
    let mut length = text.len().min(bytes);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    length
}
