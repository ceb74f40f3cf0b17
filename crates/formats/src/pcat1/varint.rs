//! Integers of seven bits a byte, least significant first; bit 7 says that more follow.
//!
//! A negative number is its absolute value with bit 7 set on every byte, ended by a zero byte.

use super::WHAT;
use crate::error::{FormatError, Result};

const MORE: u8 = 0x80;
/// Ten groups of seven bits hold 64 bits.
const MAX_BYTES: usize = 10;

pub(super) fn push_unsigned(mut value: u64, out: &mut Vec<u8>) {
    while value >= u64::from(MORE) {
        out.push(value as u8 | MORE);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn push_signed(value: i64, out: &mut Vec<u8>) {
    if let Ok(value) = u64::try_from(value) {
        return push_unsigned(value, out);
    }
    let mut rest = value.unsigned_abs();
    while rest > 0 {
        out.push(rest as u8 | MORE);
        rest >>= 7;
    }
    out.push(0);
}

pub(super) fn take_unsigned(rest: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for position in 0..MAX_BYTES {
        let byte = take_byte(rest)?;
        value |= group(byte, position)?;
        if byte & MORE == 0 {
            return Ok(value);
        }
    }
    Err(too_long())
}

pub(super) fn take_signed(rest: &mut &[u8]) -> Result<i64> {
    let mut value = 0;
    for position in 0..=MAX_BYTES {
        let byte = take_byte(rest)?;
        if byte == 0 && position > 0 {
            // A non-negative number never ends in a zero byte, as that would add nothing.
            return negative(value);
        }
        if position == MAX_BYTES {
            break;
        }
        value |= group(byte, position)?;
        if byte & MORE == 0 {
            return i64::try_from(value).map_err(|_| too_long());
        }
    }
    Err(too_long())
}

fn take_byte(rest: &mut &[u8]) -> Result<u8> {
    let Some((&byte, tail)) = rest.split_first() else {
        return Err(FormatError::invalid(WHAT, "a table ends inside a number"));
    };
    *rest = tail;
    Ok(byte)
}

fn group(byte: u8, position: usize) -> Result<u64> {
    let bits = u64::from(byte & !MORE);
    let shifted = bits << (7 * position);
    if shifted >> (7 * position) == bits {
        Ok(shifted)
    } else {
        Err(too_long())
    }
}

fn negative(absolute: u64) -> Result<i64> {
    0i64.checked_sub_unsigned(absolute).ok_or_else(too_long)
}

fn too_long() -> FormatError {
    FormatError::invalid(WHAT, "a number has more than 64 bits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signed(value: i64) -> Vec<u8> {
        let mut out = Vec::new();
        push_signed(value, &mut out);
        out
    }

    #[test]
    fn examples() {
        assert_eq!(signed(0), [0]);
        assert_eq!(signed(127), [0x7f]);
        assert_eq!(signed(128), [0x80, 1]);
        assert_eq!(signed(-1), [0x81, 0]);
        assert_eq!(signed(-128), [0x80, 0x81, 0]);
        assert_eq!(signed(i64::MIN).len(), 11);
    }

    #[test]
    fn hostile_numbers_are_errors() {
        for bytes in [
            &[][..],
            &[0x80],
            &[0xff; 12],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
        ] {
            assert!(take_unsigned(&mut &*bytes).is_err(), "{bytes:?}");
            assert!(take_signed(&mut &*bytes).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(unsigned in any::<u64>(), number in any::<i64>(), shift in 0..64) {
            let (unsigned, number) = (unsigned >> shift, number >> shift);
            let mut bytes = signed(number);
            push_unsigned(unsigned, &mut bytes);
            let mut rest = &bytes[..];
            prop_assert_eq!(take_signed(&mut rest), Ok(number));
            prop_assert_eq!(take_unsigned(&mut rest), Ok(unsigned));
            prop_assert!(rest.is_empty());
        }
    }
}
